"""The element of a package in other.xml: the newest entries of its change log."""

from __future__ import annotations

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.rpm.content import Change, Content
from entrepot.domain.formats.rpm.filelists import package_tag, version_element
from entrepot.domain.formats.rpm.header import MAIN_HEADER, Header
from entrepot.domain.formats.rpm.markup import attribute, decoded, text
from entrepot.domain.formats.rpm.tags import Tag
from entrepot.errors import PackageBomb

MAX_CHANGES = 10  # what createrepo_c lists unless told otherwise
_MAX_RECORDED = 1 << 18

_PARALLEL = (Tag.CHANGELOGTIME, Tag.CHANGELOGNAME, Tag.CHANGELOGTEXT)


def other_fragment(content: Content) -> bytes:
    """``<package pkgid=...>...</package>`` with the mark of the digest in it; changes go from old to new."""
    lines = [
        package_tag(content.key),
        f"  {version_element(content.key)}",
        *(f"  {_element(change)}" for change in reversed(_apart(content.changes))),
        "</package>",
    ]
    return ("\n".join(lines) + "\n").encode()


def read_changes(header: Header, limits: Limits) -> tuple[Change, ...]:
    """The newest ``MAX_CHANGES`` entries, newest first.

    Raises:
        BadPackageField: arrays of different length.
        PackageBomb: an entry is longer than ``limits.field_bytes``, or there are absurdly many.
    """
    counts = {header.count(tag) for tag in _PARALLEL}
    if max(counts) > _MAX_RECORDED:
        raise PackageBomb(f"{MAIN_HEADER}: the change log has more than {_MAX_RECORDED} entries", member=MAIN_HEADER)
    if len(counts) > 1:
        raise header.bad(Tag.CHANGELOGTIME, "and the names and texts of the change log differ in number")
    times = header.numbers(Tag.CHANGELOGTIME)[:MAX_CHANGES]
    names = header.texts(Tag.CHANGELOGNAME)[:MAX_CHANGES]
    texts = header.texts(Tag.CHANGELOGTEXT)[:MAX_CHANGES]
    if any(len(each) > limits.field_bytes for each in (*names, *texts)):
        sentence = f"{MAIN_HEADER}: an entry of the change log is longer than {limits.field_bytes} bytes"
        raise PackageBomb(sentence, member=MAIN_HEADER, field=Tag.CHANGELOGTEXT.name)
    return tuple(Change(at, decoded(n), decoded(t)) for at, n, t in zip(times, names, texts, strict=True))


def _apart(changes: tuple[Change, ...]) -> list[Change]:
    """Entries of one moment, a second apart: clients sort by time, and all of one day have the same."""
    apart: list[Change] = []
    last_time: int | None = None
    for change in changes:
        if change.at == last_time:
            _push_later(apart, change.at)
        last_time = change.at
        apart.append(change)
    return apart


def _push_later(changes: list[Change], at: int) -> None:
    for number in range(len(changes) - 1, -1, -1):
        at += 1
        changes[number] = Change(at, changes[number].author, changes[number].text)
        if number and changes[number - 1].at != at:
            return


def _element(change: Change) -> str:
    return f'<changelog author="{attribute(change.author)}" date="{change.at}">{text(change.text)}</changelog>'
