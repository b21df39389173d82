"""What data.tar would put on a machine: its paths, and whatever a person should look at first."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.bundled import Collector
from entrepot.domain.formats.concerns import ConcernLog
from entrepot.domain.formats.deb.tar import (
    BLOCK_DEVICE,
    CHARACTER_DEVICE,
    DIRECTORY,
    FIFO,
    HARDLINK,
    REGULAR,
    SYMLINK,
    TarMember,
    TarReader,
)
from entrepot.domain.formats.quoting import quote
from entrepot.errors import PackageBomb

_ODD = re.compile(rb"^/|(?:^|/)\.\.(?:/|$)|[\0-\x1f\x7f]")
_SPECIAL = {
    CHARACTER_DEVICE: ("payload.device", "a character device"),
    BLOCK_DEVICE: ("payload.device", "a block device"),
    FIFO: ("payload.fifo", "a named pipe"),
}


@dataclass(slots=True)
class _Links:
    """Links seen so far: symlinks shadow what follows below them, hard links must point into the package."""

    symlinks: set[bytes]
    hardlinks: list[tuple[bytes, bytes]]
    last_parent: bytes | None = None


def read_payload(tar: TarReader, limits: Limits, log: ConcernLog, collector: Collector) -> tuple[bytes, ...]:
    """Walk the whole of data.tar and give the paths of all but directories, in order.

    Files are shown to the collector on the way.

    Raises:
        MalformedPackage: see ``TarReader.members``.
        PackageBomb: also when the paths together exceed ``limits.listing_bytes``.
    """
    paths: list[bytes] = []
    links = _Links(set(), [])
    listing_bytes = 0
    for member in tar.members():
        path = _strip(member.name)
        if _ODD.search(member.name):
            _note_name(member.name, log)
        if links.symlinks:
            _note_shadowed(path, links, log)
        if member.kind == DIRECTORY:
            continue
        if member.kind == REGULAR:
            collector.look(path, member.mode, member.size, tar)
        else:
            _note_link(path, member, links, log)
        if member.mode & 0o6000 and member.kind in (REGULAR, HARDLINK):
            _note_mode(path, member.mode, log)
        listing_bytes += len(path)
        if listing_bytes > limits.listing_bytes:
            raise PackageBomb(f"data.tar: the paths exceed {limits.listing_bytes} bytes", member="data.tar")
        paths.append(path)
    _note_whole(paths, links, log)
    return tuple(paths)


def _strip(name: bytes) -> bytes:
    if name[:2] == b"./":
        return name[2:].lstrip(b"/")
    return name.lstrip(b"/") if name[:1] == b"/" else name


def _note_name(name: bytes, log: ConcernLog) -> None:
    if name[:1] == b"/":
        log.add("payload.path", f"data.tar: the path {quote(name)} is absolute")
    if b".." in name.split(b"/"):
        log.add("payload.path", f"data.tar: the path {quote(name)} climbs out of its directory")
    if any(byte < 0x20 or byte == 0x7F for byte in name):
        log.add("payload.name", f"data.tar: the path {quote(name)} holds control characters")


def _note_mode(path: bytes, mode: int, log: ConcernLog) -> None:
    if mode & 0o4000:
        log.add("payload.setuid", f"data.tar: {quote(path)} is a set-uid file")
    if mode & 0o2000:
        log.add("payload.setgid", f"data.tar: {quote(path)} is a set-gid file")


def _note_link(path: bytes, member: TarMember, links: _Links, log: ConcernLog) -> None:
    if member.kind == SYMLINK:
        links.symlinks.add(path.rstrip(b"/"))
        links.last_parent = None
        if fault := _symlink_fault(path, member.link):
            log.add("payload.symlink", f"data.tar: the symbolic link {quote(path)} to {quote(member.link)} {fault}")
    elif member.kind == HARDLINK:
        links.hardlinks.append((path, member.link))
    else:
        code, what = _SPECIAL[member.kind]
        log.add(code, f"data.tar: {quote(path)} is {what}")


def _symlink_fault(path: bytes, target: bytes) -> str:
    if target[:1] == b"/":
        if b"/" not in path:
            return "replaces a directory of the system"
        return "" if target.strip(b"/.") else "leads to the root directory"
    if target[:2] == b"..":
        depth = path.count(b"/")
        for part in target.split(b"/"):
            depth += -1 if part == b".." else part not in (b"", b".")
            if depth < 0:
                return "climbs above the root directory"
    return ""


def _note_shadowed(path: bytes, links: _Links, log: ConcernLog) -> None:
    parent = path.rstrip(b"/").rpartition(b"/")[0]
    if parent == links.last_parent:
        return
    links.last_parent = parent
    while parent:
        if parent in links.symlinks:
            log.add("payload.through-symlink", f"data.tar: {quote(path)} lies behind the symbolic link {quote(parent)}")
            return
        parent = parent.rpartition(b"/")[0]


def _note_whole(paths: list[bytes], links: _Links, log: ConcernLog) -> None:
    known = set(paths)
    if len(known) != len(paths):
        ((twice, _),) = Counter(paths).most_common(1)
        log.add("payload.duplicate", f"data.tar: the path {quote(twice)} is there more than once")
    for path, target in links.hardlinks:
        if _strip(target) not in known or _strip(target) == path:
            log.add(
                "payload.hardlink", f"data.tar: {quote(path)} is a hard link to {quote(target)} outside the package"
            )
