"""Stock clients read files made of many members: apt every form of Packages, createrepo_c and dnf every form of XML."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from entrepot.domain.formats.deb.packages_index import PackageEntry, parse_entries, stanza
from entrepot.domain.formats.deb.release import ReleaseFields, ReleaseFile, write_release
from entrepot.domain.formats.segments.codecs import CODECS, GZ, PLAIN, XZ, IndexCodec, Member
from entrepot.domain.formats.segments.cut import CutSizes, Entry
from entrepot.domain.formats.segments.digests import FormDigest, RunningDigests
from entrepot.domain.formats.segments.document import Document, MemberRef, Segment, extents, frame
from entrepot.domain.formats.segments.packing import Packed, pack
from entrepot.domain.formats.segments.recut import build, recut
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.generation import Extent

pytestmark = pytest.mark.clients

PACKED = [codec for codec in CODECS.values() if codec is not PLAIN]
FEW = CutSizes(minimum=8 << 10, target=16 << 10, maximum=32 << 10, rare_every=64 << 10, dense_every=4 << 10)
NOW = datetime(2026, 8, 1, tzinfo=UTC)
COUNT = 2500


def package_entry(number: int) -> Entry:
    name = f"package{number:05d}"
    fragment = f"Package: {name}\nVersion: 1.{number}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
    digest = digest_of(name.encode())
    text = stanza(
        f"{fragment}Description: package number {number}\n".encode(),
        filename=f"pool/main/p/{name}_1.{number}_all.deb",
        size_bytes=number + 1,
        digests={"sha256": digest},
    )
    return Entry(name.encode(), text)


@dataclass
class Published:
    """One document in one form, its members kept in a dictionary."""

    codec: IndexCodec
    kept: dict[Extent, bytes]
    document: Document

    @staticmethod
    def of(codec: IndexCodec, entries: Iterable[Entry], head: bytes = b"", tail: bytes = b"") -> Published:
        published = Published(codec, {}, Document([], head, tail))
        published.store(pack(build(entries, FEW), [codec]))
        return published

    def store(self, stream: Iterator[Segment | Packed]) -> None:
        segments = [self.keep(each) if isinstance(each, Packed) else each for each in stream]
        self.document = replace(self.document, segments=segments)

    def keep(self, packed: Packed) -> Segment:
        member = packed.members[self.codec.name]
        extent = Extent(digest_of(member.data), 0, len(member.data))
        self.kept[extent] = member.data
        return packed.draft.stored({self.codec.name: MemberRef(extent, member.unpadded)})

    def read(self, segment: Segment, form: str) -> bytes:
        ref = segment.members[self.codec.name]
        member = Member(self.kept[ref.extent], ref.unpadded)
        return self.codec.unpack(member, segment.plain_length) if form == PLAIN.name else member.data

    def digests(self) -> dict[str, FormDigest]:
        return RunningDigests([PLAIN, self.codec]).measure(self.document, self.read)

    def file(self) -> bytes:
        around = frame(self.document, self.codec)
        return around.prefix + b"".join(self.kept[each] for each in extents(self.document, self.codec)) + around.suffix


class AptRoot:
    """A repository and an apt that knows nothing else."""

    def __init__(self, folder: Path) -> None:
        self.repository, self.root = folder / "repository", folder / "root"
        for each in ("apt.conf.d", "preferences.d", "trusted.gpg.d"):
            (self.root / "etc/apt" / each).mkdir(parents=True)
        for each in ("lib/apt/lists/partial", "cache/apt/archives/partial", "lib/dpkg"):
            (self.root / "var" / each).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "apt.conf").touch()
        (self.root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{self.repository} test main\n")

    def publish(self, published: Published, moment: datetime) -> None:
        """Only by-hash names and only the packed form exist; the plain one is listed and nowhere to be had."""
        suite = self.repository / "dists" / "test"
        by_hash = suite / "main/binary-amd64/by-hash/SHA256"
        by_hash.mkdir(parents=True, exist_ok=True)
        files = []
        for name, measured in published.digests().items():
            path = "main/binary-amd64/Packages" + CODECS[name].suffix
            files.append(ReleaseFile(path, measured.size_bytes, measured.digests))
        (by_hash / files[-1].digests["sha256"]).write_bytes(published.file())
        fields = ReleaseFields("Example", "Example", "test", "test", moment, ("amd64",), ("main",))
        (suite / "Release").write_bytes(write_release(fields, files))

    def run(self, program: str, *arguments: str) -> bytes:
        options = [f"-oDir={self.root}", f"-oDir::State::status={self.root}/var/lib/dpkg/status",
                   "-oAPT::Sandbox::User=root", "-oAPT::Architecture=amd64", "-oAPT::Architectures=amd64",
                   "-oAcquire::Languages=none"]  # fmt: skip
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "APT_CONFIG": str(self.root / "apt.conf")}
        done = subprocess.run([program, *options, *arguments], capture_output=True, check=False, env=environment)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    def update(self) -> set[PackageEntry]:
        self.run("apt-get", "update", "-oAPT::Update::Error-Mode=any")
        return set(parse_entries([self.run("apt-cache", "dumpavail")]))


@pytest.fixture
def apt(tmp_path: Path) -> AptRoot:
    if shutil.which("apt-get") is None or shutil.which("apt-cache") is None:
        pytest.skip("apt IS NOT INSTALLED; no stock client reads the Packages files")
    return AptRoot(tmp_path)


@pytest.mark.parametrize("codec", PACKED, ids=lambda codec: codec.name)
def test_apt_reads_every_form_before_and_after_changes(codec: IndexCodec, apt: AptRoot) -> None:
    entries = {entry.key: entry for entry in map(package_entry, range(COUNT))}
    published = Published.of(codec, entries.values())
    assert len(published.document.segments) > 20
    apt.publish(published, NOW)
    assert apt.update() == set(parse_entries([entry.text for entry in entries.values()]))

    changed = [package_entry(COUNT), package_entry(COUNT + 1)]
    gone = [b"package00000", b"package01200"]
    entries |= {entry.key: entry for entry in changed}
    for key in gone:
        del entries[key]

    def read(first: bytes, before: bytes | None) -> Iterator[Entry]:
        return (entries[key] for key in sorted(entries) if first <= key and (before is None or key < before))

    keys = [*gone, *(entry.key for entry in changed)]
    published.store(pack(recut(published.document.segments, keys, read, FEW), [codec]))
    apt.publish(published, NOW + timedelta(hours=1))
    assert apt.update() == set(parse_entries([entry.text for entry in entries.values()]))


@pytest.mark.parametrize("codec", PACKED, ids=lambda codec: codec.name)
def test_apt_reads_an_empty_index_of_every_form(codec: IndexCodec, apt: AptRoot) -> None:
    apt.publish(Published.of(codec, []), NOW)
    assert apt.update() == set()


HEADS = {
    "primary": b'<metadata xmlns="http://linux.duke.edu/metadata/common" '
    b'xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="%d">\n',
    "filelists": b'<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="%d">\n',
    "other": b'<otherdata xmlns="http://linux.duke.edu/metadata/other" packages="%d">\n',
}
TAILS = {"primary": b"</metadata>\n", "filelists": b"</filelists>\n", "other": b"</otherdata>\n"}


def xml_entry(kind: str, number: int) -> Entry:
    name, digest = f"package{number:05d}", digest_of(b"%d" % number)
    version = f'<version epoch="0" ver="1.{number}" rel="1"/>'
    text = f'<package pkgid="{digest}" name="{name}" arch="noarch">{version}</package>\n'
    if kind == "primary":
        text = (
            f'<package type="rpm"><name>{name}</name><arch>noarch</arch>{version}'
            f'<checksum type="sha256" pkgid="YES">{digest}</checksum><summary>s</summary><description>d</description>'
            f'<packager/><url/><time file="1" build="1"/><size package="1" installed="1" archive="1"/>'
            f'<location href="{name}.rpm"/><format><rpm:license>MIT</rpm:license><rpm:provides>'
            f'<rpm:entry name="{name}" flags="EQ" epoch="0" ver="1.{number}" rel="1"/></rpm:provides></format>'
            "</package>\n"
        )
    return Entry(name.encode(), text.encode())


def write_repodata(folder: Path, codec: IndexCodec, count: int) -> None:
    repodata = folder / "repodata"
    repodata.mkdir(parents=True)
    parts = ['<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>']
    for kind, head in HEADS.items():
        opening = b'<?xml version="1.0" encoding="UTF-8"?>\n' + head % count
        published = Published.of(codec, (xml_entry(kind, number) for number in range(count)), opening, TAILS[kind])
        measured = published.digests()
        packed, plain = measured[codec.name], measured[PLAIN.name]
        name = f"repodata/{packed.digests['sha256']}-{kind}.xml{codec.suffix}"
        (folder / name).write_bytes(published.file())
        parts.append(
            f'<data type="{kind}"><checksum type="sha256">{packed.digests["sha256"]}</checksum>'
            f'<open-checksum type="sha256">{plain.digests["sha256"]}</open-checksum><location href="{name}"/>'
            f"<timestamp>1</timestamp><size>{packed.size_bytes}</size><open-size>{plain.size_bytes}</open-size></data>"
        )
    (repodata / "repomd.xml").write_text("".join(parts) + "</repomd>\n")


@pytest.mark.parametrize("count", [0, 1, COUNT])
@pytest.mark.parametrize("codec", PACKED, ids=lambda codec: codec.name)
def test_dnf_reads_every_form(codec: IndexCodec, count: int, tmp_path: Path) -> None:
    if shutil.which("dnf") is None:
        pytest.skip("dnf IS NOT INSTALLED; no stock client reads the XML files")
    write_repodata(tmp_path / "repository", codec, count)
    configuration = tmp_path / "dnf.conf"
    configuration.write_text(
        f"[main]\nreposdir={tmp_path}/none\ncachedir={tmp_path}/cache\nlogdir={tmp_path}/log\nplugins=0\n"
        f"persistdir={tmp_path}/state\n[test]\nname=test\nbaseurl=file://{tmp_path}/repository\ngpgcheck=0\n"
    )
    asked = subprocess.run(
        ["dnf", "-q", "-c", configuration, f"--installroot={tmp_path}/root", "--releasever=1", "repoquery",
         "--qf=%{name}-%{version}"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr.decode()
    assert set(asked.stdout.split()) == {b"package%05d-1.%d" % (number, number) for number in range(count)}


@pytest.mark.parametrize("codec", [GZ, XZ], ids=lambda codec: codec.name)  # its release in Debian 12 has no zstd yet
def test_createrepo_reads_every_form(codec: IndexCodec, tmp_path: Path) -> None:
    if shutil.which("mergerepo_c") is None:
        pytest.skip("mergerepo_c IS NOT INSTALLED (createrepo-c); its parser does not read the XML files")
    write_repodata(tmp_path / "repository", codec, COUNT)
    merged = tmp_path / "merged"
    subprocess.run(
        ["mergerepo_c", "--repo", f"file://{tmp_path}/repository", "--outputdir", merged, "--no-database"],
        capture_output=True, check=True,
    )  # fmt: skip
    (primary,) = (merged / "repodata").glob("*-primary.xml.gz")
    names = set(re.findall(rb"<name>([^<]*)</name>", gzip.decompress(primary.read_bytes())))
    assert names == {b"package%05d" % number for number in range(COUNT)}
