"""The files that the main header lists: names, modes, flags, sizes."""

from __future__ import annotations

import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.concerns import ConcernLog
from entrepot.domain.formats.quoting import quote
from entrepot.domain.formats.rpm.header import MAIN_HEADER, Header
from entrepot.domain.formats.rpm.tags import Tag
from entrepot.errors import PackageBomb

CONFIG = 1 << 0
GHOST = 1 << 6

_CONTROL = re.compile(rb"[\0-\x1f\x7f]")
_CLIMBING = re.compile(rb"(?:^|/)\.\.(?:/|$)")
_PARALLEL = (
    Tag.BASENAMES, Tag.DIRINDEXES, Tag.FILEMODES, Tag.FILEFLAGS, Tag.FILESIZES, Tag.LONGFILESIZES, Tag.FILELINKTOS,
    Tag.FILEDEVICES, Tag.FILEINODES,
)  # fmt: skip
_REQUIRED = (Tag.DIRNAMES, Tag.DIRINDEXES, Tag.FILEMODES)
_SPECIAL = {
    stat.S_IFCHR: ("payload.device", "a character device"),
    stat.S_IFBLK: ("payload.device", "a block device"),
    stat.S_IFIFO: ("payload.fifo", "a named pipe"),
}
_KNOWN_KINDS = frozenset((stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFSOCK, *_SPECIAL))


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file of the header.

    ``path`` is raw, with its leading ``/`` in a binary package and bare in a source package.  ``size_bytes`` is none
    where the header does not say.  ``has_content`` is false for all hard links to one file but the last.
    """

    path: bytes
    mode: int
    flags: int
    size_bytes: int | None
    link: bytes
    has_content: bool = True

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_regular(self) -> bool:
        """Whether it is a plain file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_ghost(self) -> bool:
        """Whether it is only owned, not shipped."""
        return bool(self.flags & GHOST)


def read_files(header: Header, limits: Limits, *, source_package: bool) -> tuple[ListedFile, ...]:
    """All files in the order of the header.

    Raises:
        BadPackageField: arrays that do not agree, or a path that is none.
        PackageBomb: more files or longer paths than the limits allow.
    """
    _check_counts(header, limits)
    paths = _paths(header, limits, source_package=source_package)
    count = len(paths)
    modes = header.numbers(Tag.FILEMODES)
    flags = header.numbers(Tag.FILEFLAGS) or (0,) * count
    sizes = header.numbers(Tag.LONGFILESIZES) or header.numbers(Tag.FILESIZES) or (None,) * count
    links = header.texts(Tag.FILELINKTOS) or [b""] * count
    contents = _contents(header, modes)
    columns = zip(paths, modes, flags, sizes, links, contents, strict=True)
    return tuple(ListedFile(*column) for column in columns)


def note_files(files: tuple[ListedFile, ...], log: ConcernLog) -> None:
    """Note what a person should see: set-uid files, devices, paths that climb, one path twice."""
    for each in files:
        kind = stat.S_IFMT(each.mode)
        if _CLIMBING.search(each.path):
            log.add("payload.path", f"main header: the path {quote(each.path)} climbs out of its directory")
        if each.is_regular and each.mode & stat.S_ISUID:
            log.add("payload.setuid", f"main header: {quote(each.path)} is a set-uid file")
        if each.is_regular and each.mode & stat.S_ISGID:
            log.add("payload.setgid", f"main header: {quote(each.path)} is a set-gid file")
        if kind in _SPECIAL:
            code, what = _SPECIAL[kind]
            log.add(code, f"main header: {quote(each.path)} is {what}")
    if len({each.path for each in files}) != len(files):
        ((twice, _),) = Counter(each.path for each in files).most_common(1)
        log.add("payload.duplicate", f"main header: the path {quote(twice)} is there more than once")


def _check_counts(header: Header, limits: Limits) -> None:
    if Tag.OLDFILENAMES in header:
        raise header.bad(Tag.OLDFILENAMES, "is how packages listed files before rpm 4; rebuild the package")
    count = header.count(Tag.BASENAMES)
    if max(count, header.count(Tag.DIRNAMES)) > limits.members:
        raise PackageBomb(f"{MAIN_HEADER}: it lists more than {limits.members} files", member=MAIN_HEADER)
    for tag in _PARALLEL:
        if tag in header and header.count(tag) != count:
            raise header.bad(tag, f"has {header.count(tag)} values for {count} files")
    for tag in _REQUIRED:
        if count and tag not in header:
            raise header.bad(tag, "is missing although there are files")


def _paths(header: Header, limits: Limits, *, source_package: bool) -> list[bytes]:
    folders = header.texts(Tag.DIRNAMES)
    for folder in folders:
        if _CONTROL.search(folder) or (folder and not folder.endswith(b"/")):
            raise header.bad(Tag.DIRNAMES, f"holds {quote(folder)}, which is no directory")
        if not folder.startswith(b"/") and not (source_package and not folder):
            raise header.bad(Tag.DIRNAMES, f"holds {quote(folder)}, which is not an absolute directory")
    paths = list(_joined(header, folders))
    if any(len(path) > limits.path_bytes for path in paths):
        raise PackageBomb(f"{MAIN_HEADER}: a path is longer than {limits.path_bytes} bytes", member=MAIN_HEADER)
    if sum(map(len, paths)) > limits.listing_bytes:
        raise PackageBomb(f"{MAIN_HEADER}: the paths exceed {limits.listing_bytes} bytes", member=MAIN_HEADER)
    for mode in set(header.numbers(Tag.FILEMODES)):
        if stat.S_IFMT(mode) not in _KNOWN_KINDS:
            raise header.bad(Tag.FILEMODES, f"holds {mode:o}, no mode of a file")
    return paths


def _joined(header: Header, folders: list[bytes]) -> Iterator[bytes]:
    names, indexes = header.texts(Tag.BASENAMES), header.numbers(Tag.DIRINDEXES)
    for name, index in zip(names, indexes, strict=True):
        if index >= len(folders):
            raise header.bad(Tag.DIRINDEXES, f"points to directory {index} of {len(folders)}")
        if b"/" in name or name in (b".", b".."):
            raise header.bad(Tag.BASENAMES, f"holds {quote(name)}, which is more than one name")
        if _CONTROL.search(name):
            raise header.bad(Tag.BASENAMES, f"holds {quote(name)}, which has control characters")
        # Only the root directory itself has no name of its own.
        if not name and folders[index] != b"/":
            raise header.bad(Tag.BASENAMES, "holds an empty name")
        yield folders[index] + name


def _contents(header: Header, modes: tuple[int, ...]) -> list[bool]:
    """For each file, whether the payload holds its bytes: of hard links, only with the last."""
    inodes, devices = header.numbers(Tag.FILEINODES), header.numbers(Tag.FILEDEVICES)
    if not inodes or not devices:
        return [True] * len(modes)
    keys = list(zip(devices, inodes, modes, strict=True))
    last = {key: number for number, key in enumerate(keys)}
    return [last[key] == number or not stat.S_ISREG(key[2]) for number, key in enumerate(keys)]
