"""A .deb from nothing: an ar archive of ``debian-binary``, ``control.tar`` and ``data.tar`` (deb(5))."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypedDict, Unpack

from entrepot.testing.payload import FIXED_TIME, compressed, default_files, file_mode

_MEMBER_SUFFIX = {"none": "", "gz": ".gz", "xz": ".xz", "zst": ".zst", "bz2": ".bz2", "lzma": ".lzma"}


class DebOptions(TypedDict, total=False):
    """What a package may say beyond its name.

    ``files`` maps paths without a leading slash to contents; what begins with ``#!`` is executable.  ``fields`` adds
    to the control stanza or replaces; an empty value takes a field out.  ``scripts`` maps ``postinst`` and its kin to
    shell text.  ``compression`` is none, gz, xz, zst, bz2 or lzma; as with dpkg-deb, the control member is none, gz,
    xz or zst, and gz where the data member is something else.
    """

    files: Mapping[str, bytes]
    depends: str
    fields: Mapping[str, str]
    scripts: Mapping[str, str]
    conffiles: Sequence[str]
    compression: str


def build_deb(name: str, version: str = "1.0", architecture: str = "all", **options: Unpack[DebOptions]) -> bytes:
    """A binary package that dpkg verifies and installs."""
    files = options.get("files", default_files(name))
    fields = {"Package": name, "Version": version, "Architecture": architecture}
    compression = options.get("compression", "xz")
    control_compression = compression if compression in {"none", "gz", "xz", "zst"} else "gz"
    members = {
        "debian-binary": b"2.0\n",
        "control.tar" + _MEMBER_SUFFIX[control_compression]: compressed(
            _control(fields, files, options), control_compression
        ),
        "data.tar" + _MEMBER_SUFFIX[compression]: compressed(_tar(files), compression),
    }
    return b"!<arch>\n" + b"".join(ar_member(member, data) for member, data in members.items())


def _control(identity: Mapping[str, str], files: Mapping[str, bytes], options: DebOptions) -> bytes:
    scripts = options.get("scripts", {})
    conffiles = options.get("conffiles", ())
    members = {"control": _stanza(identity, files, options), "md5sums": _md5sums(files, conffiles)}
    members |= {script: text.encode() for script, text in scripts.items()}
    if conffiles:
        members["conffiles"] = "".join(f"/{path}\n" for path in conffiles).encode()
    return _tar(members, executable=frozenset(scripts), with_parents=False)


def _stanza(identity: Mapping[str, str], files: Mapping[str, bytes], options: DebOptions) -> bytes:
    fields = {
        **identity,
        "Maintainer": "Package Builder <builder@example.org>",
        "Installed-Size": str(max(1, sum(len(data) + 1023 >> 10 for data in files.values()))),
        "Depends": options.get("depends", ""),
        "Section": "misc",
        "Priority": "optional",
        "Description": f"test package {identity['Package']}\n A package made for a test.",
        **options.get("fields", {}),
    }
    return "".join(f"{field}: {value}\n" for field, value in fields.items() if value).encode()


def _md5sums(files: Mapping[str, bytes], conffiles: Sequence[str]) -> bytes:
    sums = {path: hashlib.md5(data, usedforsecurity=False).hexdigest() for path, data in sorted(files.items())}
    return "".join(f"{digest}  {path}\n" for path, digest in sums.items() if path not in conffiles).encode()


def _tar(files: Mapping[str, bytes], executable: frozenset[str] = frozenset(), *, with_parents: bool = True) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} if with_parents else {"."}
        for folder in sorted(folders, key=lambda each: (each != ".", each)):
            archive.addfile(_entry("./" if folder == "." else f"./{folder}/", 0o755, tarfile.DIRTYPE))
        for path, data in sorted(files.items()):
            entry = _entry(f"./{path}", 0o755 if path in executable else file_mode(data), tarfile.REGTYPE)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _entry(path: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.mtime = kind, mode, FIXED_TIME
    entry.uname = entry.gname = "root"
    return entry


def ar_member(name: str, data: bytes) -> bytes:
    head = f"{name:<16}{FIXED_TIME:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
    return head + data + b"\n" * (len(data) % 2)
