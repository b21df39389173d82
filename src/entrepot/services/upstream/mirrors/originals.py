"""The signed files of a source as they are, and what they list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.outbound.fetching import Watch
from entrepot.adapters.signing.base import Verification
from entrepot.domain.formats.deb.release_reader import Release
from entrepot.domain.model.package import Format
from entrepot.domain.upstream import treeinfo
from entrepot.domain.upstream.mirror import MirrorFile, group_of, is_mirrored
from entrepot.domain.upstream.release import (
    MAX_ROOT_BYTES,
    IndexFile,
    Verdict,
    by_hash_of,
    check_time,
    judge_release,
    read_release,
    strong_digests,
)
from entrepot.domain.upstream.repomd import MAX_REPOMD_BYTES, judge_repomd, read_documents
from entrepot.domain.upstream.source import Root, Source
from entrepot.errors import BadSignature, UpstreamMissing, UpstreamParse, UpstreamSignature
from entrepot.services.upstream.courier import Courier, Wanted

_MAX_SIGNATURE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class More:
    """What comes along only when somebody wants it."""

    sources: bool = False
    installer: bool = False


NOTHING_MORE = More()


@dataclass(frozen=True, slots=True)
class Original:
    """What is there.  Without ``files`` it is as it was when ``root`` was taken.

    ``bodies`` are the signed files and their signatures by path below the suite; ``indexes`` list the packages.
    ``images`` are what an installer boots; ``source_indexes`` list source packages, ``sums``
    such images of Debian.
    """

    root: Root
    bases: list[str]
    bodies: Mapping[str, bytes]
    files: Sequence[MirrorFile] = ()
    indexes: Sequence[IndexFile] = ()
    notes: tuple[str, ...] = ()
    images: Sequence[MirrorFile] = ()
    source_indexes: Sequence[IndexFile] = ()
    sums: Sequence[MirrorFile] = ()


class Originals:
    """Looks.  ``source`` has, as the root of its state, the one that the mirror shows."""

    def __init__(self, courier: Courier, verification: Verification, now: Callable[[], datetime]) -> None:
        self._courier = courier
        self._verification = verification
        self._now = now

    def look(self, source: Source, watch: Watch | None, *, anew: bool, more: More = NOTHING_MORE) -> Original:
        """One request where nothing changed, unless it is to be done ``anew``.

        Raises:
            UpstreamSignature, UpstreamExpired, UpstreamRollback, UpstreamIdentity, UpstreamParse, UpstreamPath,
            UpstreamDigest, UpstreamMissing: what is there is not to be believed.
        """
        if not source.keyring and not source.trust.allow_unsigned:
            raise UpstreamSignature(
                f"{source.name}: there is no key to verify it with; give it one (gpg_key), or allow it to be unsigned"
            )
        bases = self._courier.bases(source, watch)
        known = None if anew else source.state.root
        if source.format is Format.RPM:
            return self._repomd(source, bases, known, watch)
        return self._release(source, bases, known, watch, more)

    def _release(
        self, source: Source, bases: list[str], known: Root | None, watch: Watch | None, more: More
    ) -> Original:
        folder, bodies = source.folder, {}
        first = "InRelease" if source.keyring else "Release"
        try:
            fetched, data = self._courier.read(source, bases, _wanted(folder + first, known), watch)
        except UpstreamMissing:
            if not source.keyring:
                raise
            first = "Release"
            fetched, data = self._courier.read(source, bases, _wanted(folder + first, known), watch)
        if known is not None and fetched.not_modified:
            return self._as_it_was(source, known, bases)
        bodies[first] = data
        text = self._clear(source, data) if first == "InRelease" else data
        beside = self._maybe(source, bases, f"{folder}Release.gpg", watch)
        if first == "Release":
            bodies |= {"Release.gpg": beside} if beside else {}
            self._check_signed(source, "Release", data, beside)
        else:
            bodies |= self._plain(source, bases, folder, text, beside, watch)
        sha256 = hashlib.sha256(text).hexdigest()
        if known is not None and sha256 == known.sha256:
            return self._as_it_was(source, known, bases)
        release = read_release(text, f"{source.name}: Release")
        verdict = judge_release(source, release, sha256, self._now())
        root = replace(verdict.root, etag=fetched.etag, last_modified=fetched.last_modified)
        files, indexes = _listed(source, release, verdict, more)
        lists = _smallest(source, files, "Sources") if more.sources else []
        sums = [file for file in files if file.path.endswith("/SHA256SUMS")]
        return Original(root, bases, bodies, files, indexes, verdict.notes, source_indexes=lists, sums=sums)

    def _repomd(self, source: Source, bases: list[str], known: Root | None, watch: Watch | None) -> Original:
        path = "repodata/repomd.xml"
        fetched, text = self._courier.read(source, bases, _wanted(path, known, MAX_REPOMD_BYTES), watch)
        sha256 = hashlib.sha256(text).hexdigest()
        if known is not None and (fetched.not_modified or sha256 == known.sha256):
            return self._as_it_was(source, known, bases)
        bodies = {path: text}
        signature = self._maybe(source, bases, f"{path}.asc", watch)
        self._check_signed(source, "repomd.xml", text, signature)
        bodies |= {f"{path}.asc": signature} if signature else {}
        key = self._maybe(source, bases, f"{path}.key", watch)
        bodies |= {f"{path}.key": key} if key else {}
        verdict = judge_repomd(source, text, sha256, self._now())
        root = replace(verdict.root, etag=fetched.etag, last_modified=fetched.last_modified)
        files = [
            MirrorFile(f"{prefix_of(source)}{one.path}", (one.path,), one.size_bytes, one.digests, hidden=True)
            for one in read_documents(text, f"{source.name}: repomd.xml")
        ]
        images, notes = self._images(source, bases, bodies, watch)
        return Original(root, bases, bodies, files, verdict.indexes, (*verdict.notes, *notes), images)

    def _images(
        self, source: Source, bases: list[str], bodies: dict[str, bytes], watch: Watch | None
    ) -> tuple[list[MirrorFile], list[str]]:
        """What an installer boots, where the repository has it; nobody waits for it."""
        name, data = "", b""
        for name in treeinfo.NAMES:
            data = self._maybe(source, bases, name, watch, treeinfo.MAX_BYTES)
            if data:
                break
        if not data:
            return [], []
        try:
            listed, notes = treeinfo.read_treeinfo(data, f"{source.name}: {name}")
        except UpstreamParse as error:
            return [], [error.detail]
        bodies[name] = data
        most = treeinfo.MAX_FILE_BYTES
        return [
            MirrorFile(path, (path,), 0, {"sha256": digest}, most_bytes=most) for path, digest in listed.items()
        ], notes

    def _as_it_was(self, source: Source, known: Root, bases: list[str]) -> Original:
        """It may have run out meanwhile."""
        check_time(source, known, source.name, self._now())
        return Original(known, bases, {})

    def _clear(self, source: Source, signed: bytes) -> bytes:
        try:
            return self._verification.verify_clearsigned(source.keyring.encode(), signed)
        except BadSignature as error:
            raise UpstreamSignature(f"{source.name}: InRelease: {error.detail}") from None

    def _check_signed(self, source: Source, name: str, text: bytes, signature: bytes) -> None:
        if source.keyring and not signature:
            raise UpstreamSignature(f"{source.name}: {name}: it is not signed")
        if source.keyring:
            self._check(source, name, text, signature)

    def _check(self, source: Source, name: str, text: bytes, signature: bytes) -> None:
        try:
            self._verification.verify_detached(source.keyring.encode(), text, signature)
        except BadSignature as error:
            raise UpstreamSignature(f"{source.name}: {name}: {error.detail}") from None

    def _plain(
        self, source: Source, bases: list[str], folder: str, text: bytes, signature: bytes, watch: Watch | None
    ) -> dict[str, bytes]:
        """Release and its signature, for old clients: shown where they say the same as InRelease."""
        release = self._maybe(source, bases, f"{folder}Release", watch, MAX_ROOT_BYTES)
        if not release or release.split() != text.split():
            return {}
        if not signature:
            return {"Release": release}
        if source.keyring:
            self._check(source, "Release", release, signature)
        return {"Release": release, "Release.gpg": signature}

    def _maybe(
        self, source: Source, bases: list[str], path: str, watch: Watch | None, most: int = _MAX_SIGNATURE_BYTES
    ) -> bytes:
        try:
            return self._courier.read(source, bases, Wanted(path, most), watch)[1]
        except UpstreamMissing:
            return b""


def prefix_of(source: Source) -> str:
    """What stands before the paths of hidden files: they are looked up by the suite, never by clients."""
    return "repodata:" if source.format is Format.RPM else "dists:"


def _wanted(path: str, known: Root | None, most_bytes: int = MAX_ROOT_BYTES) -> Wanted:
    # A date has whole seconds and would hide a second change within one; the file is small.
    return Wanted(path, most_bytes, etag="" if known is None else known.etag)


def _listed(source: Source, release: Release, verdict: Verdict, more: More) -> tuple[list[MirrorFile], list[IndexFile]]:
    """Files of the chosen components and architectures, and those indexes among them that list packages."""
    folder, indexes = source.folder, list(verdict.indexes)
    folders = tuple({one.path.partition("/binary-")[0] for one in indexes})
    machines = frozenset(one.path.partition("/binary-")[2].partition("/")[0] for one in indexes) | {"all"}
    files = []
    for file in release.files:
        digests = strong_digests(file)
        if not digests or not is_mirrored(file.path, folders, machines, sources=more.sources, installer=more.installer):
            continue
        places = [folder + file.path]
        if release.fields.acquire_by_hash:
            places.insert(0, folder + by_hash_of(file.path, digests))
        files.append(
            MirrorFile(
                prefix_of(source) + file.path,
                tuple(places),
                file.size_bytes,
                digests,
                hidden=True,
                group=group_of(file.path),
            )
        )
    return files, [*indexes, *_smallest(source, files, "Packages", within="/debian-installer/binary-")]


def _smallest(source: Source, files: Sequence[MirrorFile], name: str, within: str = "") -> list[IndexFile]:
    """Of each index with a name, the form to read: those of packages that only an installer takes, or of sources."""
    found: dict[str, IndexFile] = {}
    for file in files:
        path = file.path.removeprefix(prefix_of(source))
        if within in path and f"/{group_of(path)}".endswith(f"/{name}"):
            better = found.get(file.group)
            if file.size_bytes and (better is None or file.size_bytes < better.size_bytes):
                found[file.group] = IndexFile(path, path.partition("/")[0], file.size_bytes, file.digests)
    return list(found.values())
