"""The signatures inside of a .deb: ``_gpg<type>`` members, in two unlike dialects.

A detached signature over the three members that count, one after the other (as debsigs makes it), or a signed message
that lists their MD5 and SHA-1 (as dpkg-sig makes it).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.domain.formats.deb.ar import ArReader
from entrepot.domain.formats.signed import MOST_SIGNATURE_BYTES, Carried, Covers, Opener, nothing

MOST_MEMBERS = 8
_PIECE_BYTES = 1 << 20
_MESSAGE = b"-----BEGIN PGP SIGNED MESSAGE-----"
_LISTED = re.compile(rb"\s+([0-9a-f]{32})\s+([0-9a-f]{40})\s+([0-9]{1,15})\s+([A-Za-z0-9._+-]{1,16})\s*")


@dataclass(frozen=True, slots=True)
class _Sums:
    name: str
    size_bytes: int
    md5: str
    sha1: str


def carried_by_deb(opened: Opener, size_bytes: int) -> list[Carried]:
    """All of them; a file that was read as a package already.  Raises MalformedPackage."""
    members, sums = _read(opened, size_bytes)
    if len(members) > MOST_MEMBERS:
        fault = f"is one of {len(members)} members with signatures; there may be {MOST_MEMBERS}"
        return [Carried(members[0][0], b"", Covers.WHOLE, nothing, fault)]
    counts = Counter(name for name, _ in members)

    def over_members() -> Iterator[bytes]:
        with opened() as source:
            archive = ArReader(source, size_bytes)
            while (member := archive.next_member()) is not None:
                while member.name[0] != "_" and (piece := member.read(_PIECE_BYTES)):
                    yield piece

    found = []
    for name, raw in members:
        fault = "is there twice" if counts[name] > 1 else ""
        if len(raw) > MOST_SIGNATURE_BYTES:
            found.append(Carried(name, b"", Covers.WHOLE, nothing, f"has more than {MOST_SIGNATURE_BYTES >> 10} KiB"))
        elif raw.startswith(_MESSAGE):
            found.append(Carried(name, raw, Covers.LISTED, nothing, fault or _compare(raw, sums)))
        else:
            found.append(Carried(name, raw, Covers.WHOLE, over_members, fault))
    return found


def _read(opened: Opener, size_bytes: int) -> tuple[list[tuple[str, bytes]], list[_Sums]]:
    """The members with signatures, each no longer than one octet over the bound, and the sums of the others."""
    members, sums = list[tuple[str, bytes]](), list[_Sums]()
    with opened() as source:
        archive = ArReader(source, size_bytes)
        while (member := archive.next_member()) is not None:
            if member.name.startswith("_gpg"):
                raw = b""
                while len(raw) <= MOST_SIGNATURE_BYTES and (piece := member.read(MOST_SIGNATURE_BYTES + 1 - len(raw))):
                    raw += piece
                members.append((member.name, raw))
            elif member.name[0] != "_":
                md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
                while piece := member.read(_PIECE_BYTES):
                    md5.update(piece)
                    sha1.update(piece)
                sums.append(_Sums(member.name, member.size_bytes, md5.hexdigest(), sha1.hexdigest()))
    return members, sums


def _compare(message: bytes, sums: list[_Sums]) -> str:
    """Why the list in a message is not that of this file, empty when it is."""
    listed = {}
    for line in message.split(b"\n"):
        match = _LISTED.fullmatch(line)
        if match is None:
            continue
        md5, sha1, size, name = (one.decode() for one in match.groups())
        if name in listed:
            return f"lists {name} twice"
        listed[name] = _Sums(name, int(size), md5, sha1)
    for one in sums:
        if one.name not in listed:
            return f"does not list {one.name}"
        if listed[one.name] != one:
            return f"lists another {one.name} than there is"
    return ""
