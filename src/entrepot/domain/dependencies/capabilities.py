"""Names under which others can ask for a package, beside its own: the index that solvers look into first."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping, Sequence

from entrepot.domain.model.package import Format

MOST = 20_000
"""Names of one package that are indexed: what it provides, then its files.  The largest kernels have some 5,000."""

_KEY_CHARACTERS = 256
_FILE = re.compile(r"<file(?: [^>]*)?>([^<]*)</file>")


def capability_key(name: str) -> str:
    """The name as it is indexed; a long one by its digest."""
    return name if len(name) <= _KEY_CHARACTERS else "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def capabilities(
    format_: Format, name: str, relations: Mapping[str, Sequence[str]], fragments: Mapping[str, bytes]
) -> list[str]:
    """Keys of what a package provides, and of the files that others may require by path; at most ``MOST``."""
    found: dict[str, None] = {}
    for each in _offered(format_, relations, fragments):
        if each and each != name:
            found[capability_key(each)] = None
        if len(found) >= MOST:
            break
    return list(found)


def _offered(format_: Format, relations: Mapping[str, Sequence[str]], fragments: Mapping[str, bytes]) -> Iterator[str]:
    provides = relations.get("provides", ())
    if format_ is Format.DEB:
        yield from (re.split(r"[ :(]", entry.strip(), maxsplit=1)[0] for entry in provides)
        return
    yield from (split_rpm(entry)[0] for entry in provides)
    text = fragments.get("primary", b"").decode()
    yield from (html.unescape(match[1]) for match in _FILE.finditer(text))


_SENSE = re.compile(r"(.+) (<=|>=|<|>|=) ([!-~]+)", re.DOTALL)


def split_rpm(entry: str) -> tuple[str, str, str]:
    """Name, comparison and version of an entry as a spec file writes it; the last two empty for a name alone."""
    match = None if entry.startswith("(") else _SENSE.fullmatch(entry)
    return (entry, "", "") if match is None else (match[1], match[2], match[3])
