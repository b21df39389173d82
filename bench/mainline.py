"""The index of Debian main as this machine gets it, and small packages with the same control data.

The address is the one that apt is configured with.  The packages carry no files: they show what a package costs, not
its bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import re
import tarfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.corpora import NoCorpus

_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_INDEX = "main/binary-amd64/Packages.xz"
_FOREIGN = re.compile(r"^(?:Filename|Size|MD5sum|SHA\d+|Description-md5): .*\n", re.MULTILINE)
_SHARD = 1000
SUITE = "bookworm"


@dataclass(frozen=True, slots=True)
class Mainline:
    """``tree`` is what a web server shows; packages lie in folders of a thousand."""

    tree: Path
    shards: Sequence[Path]
    changed: Sequence[Path]
    """Newer versions of some of them, for "a hundred changes"."""

    def files(self) -> list[Path]:
        """All but the changed ones, in the order of the index."""
        return [file for shard in self.shards for file in sorted(shard.iterdir())]


def make_mainline(work: Path, count: int, changes: int) -> Mainline:
    """What is there from an earlier run is kept.

    Raises:
        NoCorpus: the index cannot be had.
    """
    tree, packages = make_tree(work), work / "mainline" / f"packages-{count}-{changes}"
    done = packages / "done"
    if not done.exists():
        _make_packages(tree / "dists" / SUITE / _INDEX, packages, count, changes)
        done.touch()
    shards = sorted(path for path in packages.iterdir() if path.is_dir() and path.name != "changed")
    return Mainline(tree, shards[: -(-count // _SHARD)], sorted((packages / "changed").iterdir()))


def stanza_count(tree: Path) -> int:
    """How many packages the index of the tree lists."""
    return sum(1 for _ in _stanzas(tree / "dists" / SUITE / _INDEX))


def make_tree(work: Path) -> Path:
    """The signed index alone.

    Raises:
        NoCorpus: it cannot be had.
    """
    tree = work / "mainline" / "tree"
    for name in ("InRelease", _INDEX):
        path = tree / "dists" / SUITE / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_fetched(f"dists/{SUITE}/{name}"))
    return tree


def _fetched(path: str) -> bytes:
    address = re.search(
        r"^URIs: (http\S+)", _SOURCES.read_text(encoding="utf-8") if _SOURCES.exists() else "", re.MULTILINE
    )
    if address is None:
        raise NoCorpus(f"{_SOURCES} names no address of Debian")
    try:
        with urllib.request.urlopen(f"{address[1]}/{path}", timeout=120) as answer:
            return bytes(answer.read())
    except OSError as error:
        raise NoCorpus(f"{path} cannot be fetched: {error}") from error


def _stanzas(index: Path) -> Iterator[str]:
    text = lzma.decompress(index.read_bytes()).decode()
    for stanza in text.split("\n\n"):
        if stanza.strip():
            yield _FOREIGN.sub("", stanza.strip("\n") + "\n")


def _make_packages(index: Path, folder: Path, count: int, changes: int) -> None:
    empty = gzip.compress(bytes(10240), 9, mtime=0)
    step = max(1, count // changes)
    (folder / "changed").mkdir(parents=True, exist_ok=True)
    for number, control in enumerate(_stanzas(index)):
        if number >= count:
            return
        shard = folder / f"{number // _SHARD:03}"
        shard.mkdir(exist_ok=True)
        _write_deb(shard, control, empty)
        if number % step == 0 and number // step < changes:
            _write_deb(
                folder / "changed", re.sub(r"^(Version: \S+)$", r"\1+bench1", control, flags=re.MULTILINE), empty
            )


def _write_deb(folder: Path, control: str, data: bytes) -> None:
    words = dict(re.findall(r"^(Package|Version|Architecture): (\S+)$", control, re.MULTILINE))
    body = control.encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        member = tarfile.TarInfo("./control")
        member.size, member.mode = len(body), 0o644
        tar.addfile(member, io.BytesIO(body))
    members = [("debian-binary", b"2.0\n"), ("control.tar.gz", out.getvalue()), ("data.tar.gz", data)]
    archive = b"!<arch>\n" + b"".join(
        f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(text):<10}`\n".encode() + text + b"\n" * (len(text) % 2)
        for name, text in members
    )
    mark = hashlib.sha256(archive).hexdigest()[:8]
    version = words["Version"].replace(":", "%3a")
    path = folder / f"{words['Package']}_{version}_{words['Architecture']}.deb"
    (path if not path.exists() else path.with_suffix(f".{mark}.deb")).write_bytes(archive)
