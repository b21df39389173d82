"""What a download is, and who fetches: rules that every source of counts shares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import Format


class ClientType(StrEnum):
    """The program that asked, as far as it says so itself."""

    APT = "apt"
    DNF = "dnf"
    YUM = "yum"
    ZYPPER = "zypper"
    APK = "apk"
    CURL = "curl"
    WGET = "wget"
    BROWSER = "browser"
    OTHER = "other"


# The first that fits: libdnf and zypp name curl, too.
_PROGRAMS = (
    (re.compile(r"zypp", re.IGNORECASE), ClientType.ZYPPER),
    (re.compile(r"debian apt|\bapt(?:-|/|itude)|cupt|\bapt\b", re.IGNORECASE), ClientType.APT),
    (re.compile(r"dnf|packagekit", re.IGNORECASE), ClientType.DNF),
    (re.compile(r"\byum\b|urlgrabber", re.IGNORECASE), ClientType.YUM),
    (re.compile(r"\bapk(?:-tools)?\b", re.IGNORECASE), ClientType.APK),
    (re.compile(r"^wget", re.IGNORECASE), ClientType.WGET),
    (re.compile(r"^(?:lib)?curl", re.IGNORECASE), ClientType.CURL),
    (re.compile(r"^(?:mozilla|opera)/", re.IGNORECASE), ClientType.BROWSER),
)
USER_AGENT_CHARACTERS = 200


def client_type_of(user_agent: str) -> ClientType:
    """By the user agent; only its beginning is looked at."""
    shown = user_agent[:USER_AGENT_CHARACTERS]
    return next((kind for pattern, kind in _PROGRAMS if pattern.search(shown)), ClientType.OTHER)


@dataclass(frozen=True, slots=True)
class Fetch:
    """One answer with bytes of a package file.

    ``complete`` says that it had the last byte of the file: of all answers that a client needs for one file, however
    it cuts it, just one has it, and that one counts as the download.
    """

    at: datetime
    digest: Digest
    path: str
    address: str
    user_agent: str
    status: int
    sent_bytes: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A package version that was downloaded; stays when the package is gone."""

    format: Format
    name: str
    version: str
    architecture: str
    filename: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What one kind of client fetched of one item on one day (UTC)."""

    day: date
    item: Item
    client_type: ClientType
    downloads: int
    sent_bytes: int
