"""The part of the client about suites by their whole names."""

from __future__ import annotations

from typing import Literal, Unpack

from typing_extensions import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.answers_suites import SuiteList, SuiteRemoved, SuiteRow, SuiteStates
from entrepot.client.segments import segment
from entrepot.client.wire import Wire, given

SuiteFormat = Literal["deb", "rpm"]


class SuiteOptions(TypedDict, total=False):
    """Options of a suite."""

    description: str
    components: list[str]
    architectures: list[str]
    origin: str
    label: str
    suite: str
    version: str
    codecs: list[str]
    digests: list[str]
    contents: bool
    valid_days: int
    not_automatic: bool
    but_automatic_upgrades: bool
    ecosystem: str
    max_versions: int
    package_days: int


class SuitesTheme:
    """``Client.suites``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def all(self, format_: SuiteFormat | None = None, archive: str | None = None) -> SuiteList:
        """``GET /suites``."""
        return shaped(self._wire("GET", "/suites", given(format=format_, archive=archive)), SuiteList, suites=list)

    def create(self, format_: SuiteFormat, archive: str, codename: str, **options: Unpack[SuiteOptions]) -> SuiteRow:
        """``POST /suites``."""
        payload = {"format": format_, "archive": archive, "codename": codename, **options}
        return shaped(self._wire("POST", "/suites", payload=payload), SuiteRow, codename=str)

    def one(self, format_: SuiteFormat, archive: str, codename: str) -> SuiteRow:
        """``GET /suites/{format}/{archive}/{codename}``."""
        return shaped(self._wire("GET", _path(format_, archive, codename)), SuiteRow, codename=str)

    def change(self, format_: SuiteFormat, archive: str, codename: str, **options: Unpack[SuiteOptions]) -> SuiteRow:
        """``PATCH /suites/{format}/{archive}/{codename}``: what is not named stays."""
        body = self._wire("PATCH", _path(format_, archive, codename), payload=dict(options))
        return shaped(body, SuiteRow, codename=str)

    def remove(self, format_: SuiteFormat, archive: str, codename: str, *, force: bool = False) -> SuiteRemoved:
        """``DELETE /suites/{format}/{archive}/{codename}``: with ``force`` also when it has packages."""
        asked = {"force": "true"} if force else {}
        return shaped(self._wire("DELETE", _path(format_, archive, codename), asked), SuiteRemoved, status=str)

    def states(self, format_: SuiteFormat, archive: str, codename: str) -> SuiteStates:
        """``GET /suites/{format}/{archive}/{codename}/states``."""
        return shaped(self._wire("GET", f"{_path(format_, archive, codename)}/states"), SuiteStates, states=list)


def _path(format_: str, archive: str, codename: str) -> str:
    return f"/suites/{segment(format_)}/{segment(archive)}/{segment(codename)}"
