"""Trees that other programs left in a folder, read as a client would: signed root, indexes, then files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from entrepot.adapters.signing import verification
from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.compression import Codec, open_stream
from entrepot.domain.formats.deb.pool import deb_filename, pool_path
from entrepot.domain.model.package import Format
from entrepot.domain.upstream.listed import Ledger, ListedPackage
from entrepot.domain.upstream.packages import read_packages
from entrepot.domain.upstream.primary import read_primary
from entrepot.domain.upstream.release import IndexFile, Verdict, judge_release, read_release
from entrepot.domain.upstream.repomd import judge_repomd
from entrepot.domain.upstream.source import Source, SourceId, Trust
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.errors import EntrepotError

_CODECS = {"xz": Codec.XZ, "zst": Codec.ZST, "gz": Codec.GZ, "bz2": Codec.BZ2}
_ROOT_BYTES = 32 << 20
_OPEN_BYTES = 4 << 30
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TreePackage:
    """A package that an index of the tree lists; ``path`` is where its file has to be."""

    listed: ListedPackage
    path: Path

    @property
    def moved(self) -> bool:
        """Whether it will be at another address below the archive than it was."""
        one = self.listed
        if self.path.suffix != ".deb":
            return False
        source = one.source.partition(" ")[0] or one.name
        wanted = pool_path(one.component, source, deb_filename(one.name, one.version, one.architecture))
        return one.filename != wanted


@dataclass(slots=True)
class Tree:
    """What a folder holds.  ``passed_over`` are entries of indexes that say nothing that could be used."""

    format: Format
    label: str
    packages: list[TreePackage] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def read_tree(folder: Path, distribution: str | None, keyring: bytes | None) -> Tree:
    """All packages that the indexes of a tree list, once the root was verified; without a keyring it is believed.

    Raises:
        CommandFailed: the folder holds no tree, or one that does not agree with itself.
    """
    try:
        if (folder / "repodata/repomd.xml").is_file():
            return _rpm(folder, keyring)
        return _deb(folder, _chosen(folder, distribution), keyring)
    except EntrepotError as error:
        raise CommandFailed(error.detail, error.code, ExitCode.REFUSED) from error
    except OSError as error:
        raise CommandFailed(f"{error.filename}: {error.strerror}", "no_files", ExitCode.INVALID) from error


def verified(package: TreePackage) -> tuple[str, str]:
    """SHA-256 of the file, and why it is not the one that the index lists; empty when it is."""
    kind, _, wanted = package.listed.digest.partition(":")
    found = {"sha256": hashlib.sha256(), "sha512": hashlib.sha512()}
    try:
        with package.path.open("rb") as file:
            while data := file.read(_CHUNK_BYTES):
                for one in found.values():
                    one.update(data)
    except OSError as error:
        return "", f"cannot be read: {error.strerror}"
    same = found[kind].hexdigest() == wanted
    return found["sha256"].hexdigest(), "" if same else "is not the file that the index lists"


def _chosen(folder: Path, distribution: str | None) -> str:
    dists = folder / "dists"
    names = [
        str(path.parent.relative_to(dists)) for path in sorted(dists.rglob("Release")) if "binary-" not in str(path)
    ]
    names += [str(path.parent.relative_to(dists)) for path in sorted(dists.rglob("InRelease"))]
    found = sorted(set(names))
    if distribution is not None and distribution in found:
        return distribution
    if distribution is not None or not found:
        raise CommandFailed(
            f"{folder} has no {distribution or 'dists/*/Release'} and no repodata/repomd.xml",
            "no_files",
            ExitCode.INVALID,
        )
    if len(found) > 1:
        hint = "choose with --distribution"
        raise CommandFailed(f"{folder} has {', '.join(found)}", "usage", ExitCode.INVALID, hint)
    return found[0]


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock of whoever types


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_ROOT_BYTES + 1)


def _deb(folder: Path, distribution: str, keyring: bytes | None) -> Tree:
    top, label = folder / "dists" / distribution, f"dists/{distribution}/Release"
    release = read_release(_release(top, keyring), label)
    architectures = tuple(each for each in release.fields.architectures if each not in ("all", "source"))
    source = Source(SourceId(0), label, label, Format.DEB, str(folder), distribution, (), architectures, trust=_TRUST)
    verdict = judge_release(source, release, "", _now())
    tree = Tree(Format.DEB, label)
    _gather(tree, folder, top, verdict)
    return tree


_TRUST = Trust(allow_unsigned=True, check_valid_until=False)


def _release(top: Path, keyring: bytes | None) -> bytes:
    """The text of Release that a key of the keyring has signed."""
    inline = top / "InRelease"
    if keyring is None:
        return _read(top / "Release")
    if inline.is_file():
        return verification.verify_clearsigned(keyring, _read(inline))
    text = _read(top / "Release")
    verification.verify_detached(keyring, text, _read(top / "Release.gpg"))
    return text


def _rpm(folder: Path, keyring: bytes | None) -> Tree:
    path = folder / "repodata/repomd.xml"
    raw, label = _read(path), "repodata/repomd.xml"
    if keyring is not None:
        verification.verify_detached(keyring, raw, _read(path.with_name("repomd.xml.asc")))
    source = Source(SourceId(0), label, label, Format.RPM, str(folder), "", trust=_TRUST)
    tree = Tree(Format.RPM, label)
    _gather(tree, folder, folder, judge_repomd(source, raw, "", _now()))
    return tree


def _gather(tree: Tree, folder: Path, top: Path, verdict: Verdict) -> None:
    ledger = Ledger(tree.label)
    base = folder.resolve()
    for index in verdict.indexes:
        for listed in _packages(tree, top, index, ledger):
            path = folder / listed.filename
            if not path.resolve().is_relative_to(base):
                tree.passed_over.append(f"{listed.filename}: it leads out of the tree")
            else:
                tree.packages.append(TreePackage(listed, path))
    tree.passed_over += ledger.named


def _packages(tree: Tree, top: Path, index: IndexFile, ledger: Ledger) -> Sequence[ListedPackage]:
    """All of an index, whose bytes are what the root says."""
    path = top / index.path
    kind, wanted = max(index.digests.items())
    with path.open("rb") as file:
        if hashlib.file_digest(file, kind).hexdigest() != wanted:
            raise CommandFailed(f"{index.path} is not the file that {tree.label} lists", "digest", ExitCode.REFUSED)
    pieces = _unpacked(path)
    if tree.format is Format.DEB:
        return list(read_packages(pieces, index.path, index.component, frozenset(), ledger))
    return list(read_primary(pieces, index.path, frozenset(), ledger))


def _unpacked(path: Path) -> Iterator[bytes]:
    codec = _CODECS.get(path.suffix.removeprefix("."), Codec.NONE)
    with path.open("rb") as file:
        stream = open_stream(file, codec, Limits(), name=path.name, max_bytes=_OPEN_BYTES, concatenated=True)
        while piece := stream.read(_CHUNK_BYTES):
            yield piece
