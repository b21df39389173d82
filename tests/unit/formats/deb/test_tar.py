"""The ar and tar readers against the real ar and tar, and what the listing of data.tar notices."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.bundled import Collector
from entrepot.domain.formats.concerns import ConcernLog
from entrepot.domain.formats.deb.ar import ArReader
from entrepot.domain.formats.deb.payload import read_payload
from entrepot.domain.formats.deb.tar import TarReader
from entrepot.errors import MalformedPackage, PackageBomb


def reader(data: bytes, *, max_bytes: int = 1 << 40, max_members: int = 1000) -> TarReader:
    return TarReader(io.BytesIO(data), "data.tar", Limits(), max_bytes=max_bytes, max_members=max_members)


def tar_of(*members: tuple[str, bytes, str] | tuple[str, bytes, str, int], form: int = tarfile.GNU_FORMAT) -> bytes:
    """Members as (name, type, link target[, mode]); regular ones hold their own name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, kind, link, *mode in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, link, mode[0] if mode else 0o644
            content = name.encode() if kind == tarfile.REGTYPE else b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def concerns(data: bytes) -> list[str]:
    log = ConcernLog()
    read_payload(reader(data), Limits(), log, Collector())
    return [concern.code for concern in log.concerns()]


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar"])
def test_lists_what_the_real_tar_lists(tmp_path: Path, form: str) -> None:
    if not shutil.which("tar"):
        pytest.skip("tar is not installed")
    deep = tmp_path / "tree" / ("d" * 60)
    deep.mkdir(parents=True)
    for n, name in enumerate(["a", "\u00e9t\u00e9", "f" * 30, "x" * (30 if form == "v7" else 90)]):
        (deep / name).write_bytes(b"z" * n * 700)
    (deep / "link").symlink_to("a")
    os.link(deep / "a", deep / "hard")
    if form in {"gnu", "oldgnu"}:
        (deep / ("n" * 200)).write_bytes(b"long")
        (deep / "far").symlink_to("t" * 180)
    tar = subprocess.run(
        ["tar", "-c", f"--format={form}", "-C", str(tmp_path / "tree"), "."],
        check=True,
        capture_output=True,
    )
    listing = subprocess.run(
        ["tar", "-t", "--quoting-style=literal"], input=tar.stdout, capture_output=True, check=True
    )
    assert [member.name for member in reader(tar.stdout).members()] == listing.stdout.rstrip(b"\n").split(b"\n")


def test_a_long_directory_name_cut_at_a_slash_is_no_v7_directory() -> None:
    name = "./" + "d" * 97 + "/" + "f" * 50
    (member,) = reader(tar_of((name, tarfile.REGTYPE, ""))).members()
    assert member.name.decode() == name
    assert member.size == len(name)


def test_content_comes_whole_and_what_is_not_read_is_skipped() -> None:
    tar = reader(tar_of(*[(f"f{n}", tarfile.REGTYPE, "") for n in range(9)]))
    assert [tar.read_all() for n, _ in enumerate(tar.members()) if n % 2] == [b"f1", b"f3", b"f5", b"f7"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (tar_of(("a" * 200, tarfile.REGTYPE, ""), form=tarfile.PAX_FORMAT), "PAX"),
        (tar_of(("a", tarfile.REGTYPE, ""))[:700], "middle of a header|middle of 'a'"),
        (tar_of(("a", tarfile.REGTYPE, "")) + b"x" * 512, "after its end marker"),
        (tar_of() + tar_of(("b", tarfile.REGTYPE, "")), "after its end marker"),
        (tar_of(("a", b"V", "")), "unknown type"),
        (b"\1" * 512, "check sum"),
        (tar_of(("a" * 200, tarfile.REGTYPE, ""))[:1024], "ends after a long name"),
    ],
)
def test_refuses(data: bytes, sentence: str) -> None:
    with pytest.raises(MalformedPackage, match=sentence):
        list(reader(data).members())


def test_bounds_are_bombs() -> None:
    with pytest.raises(PackageBomb, match="members"):
        list(reader(tar_of(*[(f"f{n}", tarfile.REGTYPE, "") for n in range(9)]), max_members=8).members())
    assert len(list(reader(tar_of(*[(f"f{n}", tarfile.REGTYPE, "") for n in range(9)]), max_members=9).members())) == 9
    with pytest.raises(PackageBomb, match="'long-name'"):
        list(reader(tar_of(("long-name", tarfile.REGTYPE, "")), max_bytes=5).members())
    with pytest.raises(PackageBomb, match="longer than"):
        list(reader(tar_of(("a" * 5000, tarfile.REGTYPE, ""))).members())


REG, SYM, LNK, DIR = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


@pytest.mark.parametrize(
    ("members", "codes"),
    [
        ([("./usr/bin/x", REG, "", 0o755), ("./usr/bin/y", SYM, "x"), ("./usr/bin/z", SYM, "/etc/alternatives/z")], []),
        ([("./bin", SYM, "usr/bin"), ("./usr/bin/x", REG, "")], []),
        ([("./var/mail", DIR, "", 0o2775)], []),
        ([("./a/f", REG, ""), ("./a/h", LNK, "./a/f")], []),
        ([("./usr/share/x", SYM, "../../etc/passwd")], []),
        ([("./usr/share/x", SYM, "../../../etc/passwd")], ["payload.symlink"]),
        ([("./x", SYM, "/tmp")], ["payload.symlink"]),
        ([("./usr/x", SYM, "/")], ["payload.symlink"]),
        ([("./d/e", SYM, "f"), ("./d/e/g/h", REG, "")], ["payload.through-symlink"]),
        ([("./d/x", REG, ""), ("./d", SYM, "f"), ("./d/y", REG, "")], ["payload.through-symlink"]),
        ([("./a/h", LNK, "./a/f"), ("./a/i", LNK, "a/i")], ["payload.hardlink", "payload.hardlink"]),
        ([("./s", REG, "", 0o6755)], ["payload.setuid", "payload.setgid"]),
        ([("./n", tarfile.FIFOTYPE, ""), ("./c", tarfile.CHRTYPE, "")], ["payload.fifo", "payload.device"]),
        ([("../x", REG, ""), ("./a/../b", REG, ""), ("/x", REG, "")], ["payload.path"] * 3),
        ([("./a\nb", REG, "")], ["payload.name"]),
        ([("./a", REG, ""), ("./a", REG, "")], ["payload.duplicate"]),
    ],
)
def test_notices_what_a_person_should_see(members: list[tuple[str, bytes, str]], codes: list[str]) -> None:
    assert concerns(tar_of(*members)) == codes


def test_members_are_those_of_the_real_ar(tmp_path: Path) -> None:
    if not shutil.which("ar"):
        pytest.skip("ar is not installed")
    for name in ("debian-binary", "control.tar.gz", "_extra"):
        (tmp_path / name).write_text(name * 3)
    subprocess.run(["ar", "qcD", "x.deb", "debian-binary", "control.tar.gz", "_extra"], cwd=tmp_path, check=True)
    data = (tmp_path / "x.deb").read_bytes()
    archive = ArReader(io.BytesIO(data), len(data))
    seen = []
    while member := archive.next_member():
        seen.append((member.name, member.read(1000).decode()))
    assert seen == [(name, name * 3) for name in ("debian-binary", "control.tar.gz", "_extra")]
