"""The Contents index of an apt repository: every path with the packages that ship it, as entries for segments.

The format is that of apt-file: a path, blanks, and ``[area/section/]package`` joined by commas.  There is no way to
write a path that holds a line feed or ends in a blank; such paths are left out, the package stays installable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from entrepot.domain.formats.quoting import quote
from entrepot.domain.formats.segments.cut import MAX_KEY_BYTES, Entry
from entrepot.errors import BadIndexField, MalformedIndex

MAX_LINE_BYTES = 1 << 20

_UNLISTABLE = re.compile(rb"[\0-\x1f\x7f]|\A[ ]|[ ]\Z|\A\Z")
_OWNER = re.compile(rb"[!-+\--~]+")  # visible ASCII without the comma


def owner_word(section: str, package: str) -> bytes:
    """``section/package``; a section that is empty or holds blanks is left out.

    Raises:
        BadIndexField: the package name is not one visible word.
    """
    word = f"{section}/{package}".encode() if section else package.encode()
    if package and _OWNER.fullmatch(word):
        return word
    if section and package:
        return owner_word("", package)
    raise BadIndexField(f"Contents: {quote(package)} is not the name of a package", field="Package")


def contents_entries(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[Entry]:
    """One entry for each path, keyed by it; ``pairs`` are (path, owner word) in order of the path, with repeats.

    Paths have no leading slash.  Owners of one path are sorted and named once.
    """
    for path, group in groupby(pairs, key=itemgetter(0)):
        if is_listable(path):
            owners = sorted({owner for _, owner in group})
            yield Entry(path, b"%s\t%s\n" % (path, b",".join(owners)))


def is_listable(path: bytes) -> bool:
    """Whether the format can say this path."""
    return len(path) <= MAX_KEY_BYTES and _UNLISTABLE.search(path) is None


def parse_contents(chunks: Iterable[bytes], *, name: str = "Contents") -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
    """Paths with their owners, in file order; one line and one chunk in memory.

    Raises:
        MalformedIndex: a line has no owner, holds CR or NUL, is longer than ``MAX_LINE_BYTES`` or does not end.
    """
    for number, line in enumerate(_lines(chunks, name), 1):
        border = max(line.rfind(b" "), line.rfind(b"\t"))  # a path may hold blanks, its owners do not
        path, owners = line[: max(border, 0)].rstrip(b" \t"), tuple(line[border + 1 :].split(b","))
        if not path or not all(map(_OWNER.fullmatch, owners)) or b"\0" in path or b"\r" in path:
            raise MalformedIndex(f"{name}: line {number} is not a path and its packages", index=name, line=number)
        yield path, owners


def _lines(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *ended, rest = (rest + chunk).split(b"\n")
        yield from ended
        if len(rest) > MAX_LINE_BYTES:
            raise MalformedIndex(f"{name}: a line is longer than {MAX_LINE_BYTES} bytes", index=name)
    if rest:
        raise MalformedIndex(f"{name}: the text ends in the middle of a line", index=name)
