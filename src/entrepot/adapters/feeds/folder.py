"""Files of advisories in one configured folder, and nowhere else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from entrepot.adapters.feeds.archives import ArchiveHolding
from entrepot.adapters.feeds.base import Holding, Member
from entrepot.domain.advisories.osv import MOST_BYTES
from entrepot.errors import InvalidRequest, MalformedAdvisory, NotFound, StoreUnavailable

_MOST_FILES = 1_000_000
_MOST_DEPTH = 16
_PIECE = 1 << 20


class LocalFeedFiles:
    """Implements ``FeedFiles``; ``root`` is where an administrator of this machine puts files, or none."""

    def __init__(self, root: Path | None) -> None:
        self._root = root

    def stored(self, file: BinaryIO, digest: str) -> Holding:
        """Any seekable file."""
        return ArchiveHolding(file, digest)

    @contextmanager
    def local(self, location: str) -> Iterator[Holding]:
        """Links are followed only where they stay inside."""
        path = self._inside(location)
        if path.is_dir():
            yield FolderHolding(path)
            return
        try:
            file = path.open("rb")
        except OSError as error:
            raise StoreUnavailable(f"the feed {location[:80]!a} cannot be read: {error.strerror}") from error
        with file:
            yield ArchiveHolding(file, _file_digest(file), path.name)

    def _inside(self, location: str) -> Path:
        if self._root is None:
            raise InvalidRequest("no folder for feeds is set up; see ENTREPOT_ADVISORIES, or give a URL")
        root = self._root.resolve()
        try:
            path = (root / location).resolve()
        except (OSError, ValueError, RuntimeError):
            raise InvalidRequest("the location of the feed is no path") from None
        if path != root and root not in path.parents:
            raise InvalidRequest("the location of the feed leads out of the folder for feeds, ENTREPOT_ADVISORIES")
        if not path.exists():
            raise NotFound(f"nothing is at {location[:80]!a} in the folder for feeds")
        return path


class FolderHolding:
    """Implements ``Holding`` over a tree of ``.json`` and ``.zip`` files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = sorted(_walk(path, ""))

    @property
    def digest(self) -> str:
        """Of names, sizes and times: contents of a mirror are not read for nothing."""
        found = hashlib.sha256()
        for name in self._files:
            told = (self._path / name).stat()
            found.update(f"{name}\0{told.st_size}\0{told.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
        return found.hexdigest()

    def members(self) -> Iterator[Member]:
        """In order of names; archives are looked through where they stand."""
        for name in self._files:
            path = self._path / name
            if name.endswith(".json"):
                yield Member(name, partial(_contents, path))
                continue
            with ExitStack() as stack:
                yield from ArchiveHolding(stack.enter_context(path.open("rb")), "", name).members()

    def lines(self) -> Iterator[bytes]:
        """None."""
        raise MalformedAdvisory("the location of this feed is a folder; it must be one file")

    def whole(self, most_bytes: int) -> bytes:
        """None."""
        raise MalformedAdvisory("the location of this feed is a folder; it must be one file")


def _walk(path: Path, inside: str, depth: int = 0) -> Iterator[str]:
    if depth > _MOST_DEPTH:
        raise MalformedAdvisory("the folder of the feed is nested too deeply")
    with os.scandir(path) as found:
        for number, entry in enumerate(found):
            if number > _MOST_FILES:
                raise MalformedAdvisory(f"the folder of the feed has more than {_MOST_FILES} files")
            name = f"{inside}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(path / entry.name, f"{name}/", depth + 1)
            elif entry.is_file(follow_symlinks=False) and name.endswith((".json", ".zip")):
                yield name


def _contents(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise MalformedAdvisory(f"{path.name[:80]!a} cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise MalformedAdvisory(f"{path.name[:80]!a} is larger than {MOST_BYTES >> 20} MiB")
    return data


def _file_digest(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while piece := file.read(_PIECE):
        found.update(piece)
    file.seek(0)
    return found.hexdigest()
