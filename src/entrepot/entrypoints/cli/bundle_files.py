"""Volumes of bundles as files on a disk: looked into, verified, and sent in part."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from entrepot.adapters.signing import verification
from entrepot.domain.bundles.archive import BLOCK, END, Archive, parse_header, space_of
from entrepot.domain.bundles.head import KEY, Head, Verify, read_head
from entrepot.domain.model.digest import Digest
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.errors import BadSignature, BundleDigest, BundleMalformed, BundleSignature, EntrepotError, Kind

_PIECE_BYTES = 1 << 20
_NUMBERED = re.compile(r"(.*)\.[0-9]{3}\.tar\Z")
_CODES = {Kind.UNPROCESSABLE: ExitCode.REFUSED, Kind.CONFLICT: ExitCode.CONFLICT}

Told = Callable[[int], None]


@dataclass(slots=True)
class Checked:
    """What was found in all volumes; ``missing`` are files that no volume has."""

    head: Head
    signers: tuple[str, ...]
    volumes: int = 0
    files: int = 0
    size_bytes: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Files of a volume that are to be sent, with the head before them.  Iterates over the bytes."""

    path: Path
    head: bytes
    places: Sequence[tuple[int, int]]
    told: Told | None = None

    def __iter__(self) -> Iterator[bytes]:
        yield self.head
        with opened(self.path) as file:
            for start, size in self.places:
                file.seek(start)
                left = size
                while left:
                    piece = file.read(min(_PIECE_BYTES, left))
                    if not piece:
                        raise CommandFailed(f"{self.path} is cut off", "bundle.malformed", ExitCode.REFUSED)
                    left -= len(piece)
                    if self.told is not None:
                        self.told(len(piece))
                    yield piece
        yield END


@contextmanager
def failing_as_command(path: Path) -> Iterator[None]:
    """Our own errors about a volume, as those of a command."""
    try:
        yield
    except EntrepotError as error:
        code = _CODES.get(error.kind, ExitCode.INVALID)
        raise CommandFailed(f"{path}: {error.detail}", error.code, code) from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A volume."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}", "no_files", ExitCode.INVALID) from error


def volumes_of(paths: Sequence[Path]) -> list[Path]:
    """The files that are meant: one of several volumes stands for all that lie beside it."""
    found: dict[Path, None] = {}
    for path in paths:
        numbered = _NUMBERED.match(path.name)
        beside = sorted(path.parent.glob("*.tar")) if numbered else []
        mine = [one for one in beside if (match := _NUMBERED.match(one.name)) and match[1] == (numbered or [""])[1]]
        found.update(dict.fromkeys(mine or [path]))
    return list(found)


def look(path: Path) -> Head:
    """The head, whoever signed it."""
    with opened(path) as file, failing_as_command(path):
        return read_head(Archive(file), lambda _sums, _signature: None)[0]


def verify_volumes(paths: Sequence[Path], key: bytes | None, told: Told | None = None) -> Checked:
    """All bytes of all volumes against the signed list; without a key, the one that comes along is believed.

    Raises:
        CommandFailed: naming what is wrong.
    """
    checked: Checked | None = None
    seen: set[Digest] = set()
    for path in paths:
        with opened(path) as file, failing_as_command(path):
            archive = Archive(_Told(file, told))
            head, members = read_head(archive, _verifier(key))
            if key is None:
                _verifier(head.small.get(KEY, b""))(head.sums, head.signature)
            checked = checked or Checked(head, verification.fingerprints(key or head.small[KEY]))
            if head.sums != checked.head.sums:
                raise BundleMalformed("this volume is of another bundle than the first")
            checked.volumes += 1
            for member in members:
                digest = head.listed.get(member.path)
                running = hashlib.sha256()
                while piece := archive.read(_PIECE_BYTES):
                    running.update(piece)
                if digest is None or running.hexdigest() != digest:
                    raise BundleDigest(f"{member.path} is not the file that the signed list names")
                if digest not in seen:
                    seen.add(digest)
                    checked.files, checked.size_bytes = checked.files + 1, checked.size_bytes + member.size_bytes
    if checked is None:
        raise CommandFailed("name the volumes of a bundle", "no_files", ExitCode.INVALID)
    checked.missing = len(set(checked.head.carried) - seen)
    return checked


def part_of(path: Path, wanted: Callable[[Digest], bool], told: Told | None = None) -> Part:
    """What to send of a volume.  Nothing is read but the headers."""
    places = []
    with opened(path) as file, failing_as_command(path):
        head = read_head(Archive(file), lambda _sums, _signature: None)[0]
        start = at = len(head_bytes := _head_bytes(file))
        while (block := _block(file, at)) != bytes(BLOCK):
            member = parse_header(block)
            digest = head.listed.get(member.path)
            if digest is None:
                raise BundleMalformed(f"{member.path} is in the volume, and not in the signed list")
            space = space_of(member.size_bytes)
            if wanted(digest):
                places.append((at, space))
            at += space
    return Part(path, head_bytes[:start], places, told)


def _head_bytes(file: BinaryIO) -> bytes:
    """As they are in the file, with whatever this version does not know."""
    at = 0
    while (block := _block(file, at)) != bytes(BLOCK):
        member = parse_header(block)
        if member.path.startswith("files/"):
            break
        at += space_of(member.size_bytes)
    file.seek(0)
    return file.read(at)


def _block(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    block = file.read(BLOCK)
    if len(block) != BLOCK:
        raise BundleMalformed("the volume is cut off")
    return block


def _verifier(key: bytes | None) -> Verify:
    def verify(sums: bytes, signature: bytes) -> None:
        if key is None:
            return
        try:
            verification.verify_detached(key, sums, signature)
        except BadSignature as error:
            raise BundleSignature(f"SHA256SUMS: {error.detail}") from error

    return verify


class _Told:
    """A file whose reading somebody hears of."""

    def __init__(self, file: BinaryIO, told: Told | None) -> None:
        self._file = file
        self._told = told

    def read(self, size: int, /) -> bytes:
        data = self._file.read(size)
        if self._told is not None:
            self._told(len(data))
        return data
