"""The members of control.tar: a flat directory of regular files, none of them twice."""

from __future__ import annotations

import re
from dataclasses import dataclass

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.concerns import ConcernLog
from entrepot.domain.formats.deb.tar import DIRECTORY, REGULAR, TarMember, TarReader
from entrepot.domain.formats.quoting import quote
from entrepot.errors import AmbiguousPackage, MalformedPackage, PackageBomb

MAX_MEMBERS = 1000
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")

_READ = frozenset(("control", "conffiles", "md5sums"))
_NAME = re.compile(rb"(?:\./)?([A-Za-z0-9][A-Za-z0-9._+-]{0,99})")
_ROOT = frozenset((b".", b"./"))
# md5sum(1) marks binary mode with a star and escaped names with a backslash before the sum.
_NOT_A_SUM = re.compile(rb"^(?!\\?[0-9a-fA-F]{32} [ *][^\n]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The control file as written, and what its neighbours say."""

    control: bytes
    conffiles: tuple[str, ...]
    scripts: tuple[str, ...]


def read_metadata(tar: TarReader, limits: Limits, log: ConcernLog) -> Metadata:
    """Walk the whole of control.tar.

    Raises:
        MalformedPackage: no control file, or a member that is not a regular file of the top directory.
        AmbiguousPackage: a name twice.
        PackageBomb: too many members, or a control file no index could carry.
    """
    texts: dict[str, bytes] = {}
    names: set[str] = set()
    for member in tar.members():
        name = _check_member(member)
        if name is None:
            continue
        if name in names:
            raise AmbiguousPackage(f"control.tar has {name} twice", member=name)
        names.add(name)
        if len(names) > MAX_MEMBERS:
            raise PackageBomb(f"control.tar has more than {MAX_MEMBERS} members", member="control.tar")
        if member.mode & 0o6000:
            log.add("control.setuid", f"control.tar: {name} is a set-uid or set-gid file")
        if name in _READ:
            if name == "control" and member.size > 2 * limits.field_bytes:
                raise PackageBomb(f"the control file has {member.size} bytes", member=name)
            texts[name] = tar.read_all()
    if "control" not in texts:
        raise MalformedPackage("control.tar has no control file", member="control.tar")
    if _NOT_A_SUM.search(texts.get("md5sums", b"")):
        log.add("control.md5sums", "control.tar: md5sums has a line that is not a sum and a path")
    return Metadata(
        control=texts["control"],
        conffiles=_read_conffiles(texts.get("conffiles", b"")),
        scripts=tuple([script for script in SCRIPTS if script in names]),
    )


def _check_member(member: TarMember) -> str | None:
    """The bare name of a regular file; None for the top directory, the only other member dpkg installs."""
    if member.kind == DIRECTORY and member.name in _ROOT:
        return None
    match = _NAME.fullmatch(member.name)
    if match is None or member.kind == DIRECTORY:
        raise MalformedPackage(f"control.tar has the member {quote(member.name)}, which no control file is called")
    name = match[1].decode("ascii")
    if member.kind != REGULAR:
        raise MalformedPackage(f"control.tar: {name} is not a regular file", member=name)
    return name


def _read_conffiles(data: bytes) -> tuple[str, ...]:
    """Absolute paths, one on a line; deb-conffiles(5) allows flags before them."""
    paths = []
    for line in data.decode("utf-8", "backslashreplace").split("\n"):
        words = line.strip()
        if not words:
            continue
        path = words.removeprefix("remove-on-upgrade").lstrip() if words.startswith("remove-on-upgrade ") else words
        if path[0] != "/":
            raise MalformedPackage(
                f"control.tar: conffiles has {quote(line)}, not an absolute path", member="conffiles"
            )
        paths.append(path)
    return tuple(paths)
