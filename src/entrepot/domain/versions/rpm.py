"""Rpm versions: ``[epoch:]version-release``, ordered as rpm orders them (rpm-version(7), ``rpmvercmp``)."""

from __future__ import annotations

import re
from typing import NamedTuple

from entrepot.errors import BadVersion

MAX_CHARACTERS = 256  # ours: a version is part of a file name and of every index that names the package
MAX_EPOCH = 2**32 - 1  # the epoch is an INT32 of the header, taken without sign

# Spec files may use exactly these characters; rpm itself takes any byte in a header.
_LABEL = r"[A-Za-z0-9._+~^]+"
_VERSION = re.compile(rf"(?:([0-9]{{1,10}}):)?({_LABEL})-({_LABEL})")
_SEGMENT = re.compile(r"~|\^|[0-9]+|[A-Za-z]+")

# What stands at one place of a label, oldest first: a tilde, the end, a caret, letters, a number.
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)

LabelKey = tuple[tuple[int, int, str], ...]
SortKey = tuple[int, LabelKey, LabelKey]


class RpmVersion(NamedTuple):
    """The parts of a version; an epoch that is not written is 0."""

    epoch: int
    version: str
    release: str

    def __str__(self) -> str:
        prefix = f"{self.epoch}:" if self.epoch else ""
        return f"{prefix}{self.version}-{self.release}"


def parse(version: str) -> RpmVersion:
    """Split a version.

    Raises:
        BadVersion: outside the grammar, or longer than ``MAX_CHARACTERS``.
    """
    if len(version) > MAX_CHARACTERS:
        raise BadVersion(f"version {version[:20]!a}... is longer than {MAX_CHARACTERS} characters")
    match = _VERSION.fullmatch(version)
    if match is None:
        raise BadVersion(f"version {version!a} is not [epoch:]version-release")
    epoch = int(match[1] or 0)
    if epoch > MAX_EPOCH:
        raise BadVersion(f"version {version!a} has an epoch above {MAX_EPOCH}")
    return RpmVersion(epoch, match[2], match[3])


def validate(version: str) -> None:
    """Raise BadVersion unless ``version`` is inside the grammar."""
    parse(version)


def sort_key(version: str) -> SortKey:
    """A key that orders versions as rpm does; equal versions have equal keys.

    Raises:
        BadVersion: see ``parse``.
    """
    epoch, upstream, release = parse(version)
    return epoch, label_key(upstream), label_key(release)


def compare(a: str, b: str) -> int:
    """Negative, zero or positive as ``a`` is older than, equal to or newer than ``b``; raises BadVersion."""
    if a == b:
        validate(a)
        return 0
    left, right = sort_key(a), sort_key(b)
    return (left > right) - (left < right)


def compare_labels(a: str, b: str) -> int:
    """``rpmvercmp`` on a bare version or a bare release, as dependencies have them; takes any text."""
    left, right = label_key(a), label_key(b)
    return (left > right) - (left < right)


def label_key(label: str) -> LabelKey:
    """A key that orders bare versions or releases as ``rpmvercmp`` does; separators only separate."""
    return (*map(_place, _SEGMENT.findall(label)), (_END, 0, ""))


def _place(segment: str) -> tuple[int, int, str]:
    if segment == "~":
        return _TILDE, 0, ""
    if segment == "^":
        return _CARET, 0, ""
    if segment[0] > "9":
        return _LETTERS, 0, segment
    digits = segment.lstrip("0")
    # A longer number is the greater one; among numbers of one length text decides.
    return _NUMBER, len(digits), digits


def loose_key(version: str) -> tuple[int, LabelKey, LabelKey | None]:
    """The same for text outside the grammar, as third parties write it; no release is ``None``."""
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version
    label, hyphen, release = rest.rpartition("-")
    return int(epoch), label_key(label if hyphen else rest), label_key(release) if hyphen else None
