"""From a URL path to the bytes of the generation in force.  Readers take no lock.

What is immutable is remembered; the pointer of a suite is looked up for every answer, unless the catalog can say that
nothing was committed since.  While the database is away, the last known generation is served.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import Pointer
from entrepot.adapters.signing.base import Keyring
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.manifest import Manifest
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.generation import Extent, PublishedFile
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Archive, ArchiveId, Suite
from entrepot.errors import CatalogUnavailable
from entrepot.services.publish.addresses import places_of, plain
from entrepot.services.publish.client_files import Foreign, mirror_file, repo_file, sources_file
from entrepot.services.publish.manifests import Manifests
from entrepot.services.publish.recent import Recent
from entrepot.services.publish.views import Shown, View, Views, view_of

_BY_HASH = re.compile(r"(?:^|.*/)by-hash/(SHA256|SHA512)/([0-9a-f]{64,128})\Z")
_CHECKSUM_NAMED = re.compile(r"(?:.*/)?repodata/([0-9a-f]{64})-[^/]+\Z")
_SUITE_FILE = re.compile(r"([^/]+)\.(sources|repo)\Z")
POOL_SECONDS = 1.0
"""For so long a process may go on giving out a package that was put into quarantine through another one."""
_HASHED_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Found:
    """A file to send.  ``immutable`` means that these bytes will stand at this URL for ever.

    ``partner`` is the other one of repomd.xml and its signature, of the same generation; ``pooled`` says that it is
    the file of a package.  With ``absent``, the number of a listed file of a mirror, its bytes have yet to come.
    """

    file: PublishedFile
    immutable: bool
    media_type: str
    body: bytes | None = None
    partner: PublishedFile | None = None
    pooled: bool = False
    absent: int = 0


class PublishedFiles:
    """Read-only view of everything published."""

    def __init__(
        self,
        catalog: Catalog,
        manifests: Manifests,
        keyring: Keyring,
        blobs: BlobStore,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._keyring = keyring
        self._blobs = blobs
        self._views = Views(catalog, manifests, keyring, now)
        self._monotonic = monotonic
        self._archives: dict[tuple[Format, str], Archive] = {}
        self._manifests = manifests
        self._pointers: Recent[tuple[ArchiveId, str], tuple[int | None, Pointer]] = Recent(4096)
        self._pool: Recent[tuple[ArchiveId, str], tuple[float, PublishedFile]] = Recent(65536)
        self._hashed: Recent[tuple[int, str], PublishedFile] = Recent(4096)

    def find(self, format_: Format, archive_name: str, path: str, base_url: str) -> Found | None:
        """The file at ``/apt/<archive>/<path>`` or ``/rpm/<archive>/<path>``; none when nothing is published there.

        Raises:
            CatalogUnavailable: the database is away and nothing is remembered for this path.
        """
        archive = self._archive(format_, archive_name)
        if archive is None:
            return None
        if plain(path) != path and self._mirrors(archive):
            path = plain(path)
        if path in ("key.asc", "key.gpg"):
            return self._key(archive, armored=path == "key.asc")
        view = view_of(path)
        if view is not None:
            return self._viewed(archive, view, base_url)
        named = _SUITE_FILE.match(path)
        if named:
            return self._client_file(archive, named[1], named[2], base_url, "")
        if format_ is Format.DEB:
            return self._find_deb(archive, path)
        return self._find_rpm(archive, path)

    def remembered(self, format_: Format, archive_name: str, path: str) -> Found | None:
        """The same answer as ``find`` where it can be given without waiting for anything; else none."""
        archive = self._archives.get((format_, archive_name))
        if archive is None:
            return None
        if format_ is Format.RPM:
            codename, _, inner = path.partition("/")
            pooled = inner.partition("/")[2]
            hashed = _CHECKSUM_NAMED.match(inner)
            is_pooled = pooled.startswith("Packages/")
        else:
            if not path.startswith(("dists/", "pool/")):
                return None
            codename, _, inner = path.removeprefix("dists/").partition("/")
            pooled, is_pooled = path, path.startswith("pool/")
            hashed = _BY_HASH.match(inner)
        if is_pooled:
            known = self._pool.get((archive.id, pooled))
            fresh = known is not None and known[0] >= self._monotonic()
            return _package_file(known[1], path) if known and fresh else None
        remembered = self._pointers.get((archive.id, codename))
        if remembered is None or remembered[0] is None or remembered[0] != self._catalog.version():
            return None
        if hashed:
            digest = hashed[hashed.re.groups]
            file = self._hashed.get((remembered[1].suite_id, digest))
            return None if file is None else Found(file, immutable=True, media_type=_HASHED_TYPE)
        manifest = self._manifests.remembered(remembered[1].manifest)
        return None if manifest is None else _found_in(manifest, inner)

    def _mirrors(self, archive: Archive) -> bool:
        """Whether it may have flat repositories; files of others have one address each."""
        with self._catalog.read() as reading:
            return any(suite.verbatim for suite in reading.suites(archive.id))

    def _viewed(self, archive: Archive, view: View, base_url: str) -> Found | None:
        """The same files as of the archive, of a generation that a view shows."""
        named = _SUITE_FILE.match(view.path)
        if named:
            if self._views.shown(archive, view, named[1]) is None:
                return None
            return self._client_file(archive, named[1], named[2], base_url, f"/{view.prefix}")
        if view.path in ("key.asc", "key.gpg"):
            return self._key(archive, armored=view.path == "key.asc")
        path = view.path
        if archive.format is Format.DEB:
            for codename, inner in places_of(path):
                shown = self._views.shown(archive, view, codename)
                found = None if shown is None else self._shown(archive, shown, inner)
                if found is not None:
                    return found
            return self._pooled(archive, path)
        codename, _, inner = path.partition("/")
        if inner.partition("/")[2].startswith("Packages/"):
            found = self._pooled(archive, inner.partition("/")[2])
            if found is not None:
                return found
        shown = self._views.shown(archive, view, codename) if inner else None
        if shown is None:
            return None
        found = self._shown(archive, shown, inner)
        return self._pooled(archive, path) if found is None and shown.suite.verbatim else found

    def _shown(self, archive: Archive, shown: Shown, inner: str) -> Found | None:
        manifests = shown.manifests
        hashed = (_BY_HASH if archive.format is Format.DEB else _CHECKSUM_NAMED).match(inner)
        if hashed:
            wanted = hashed[hashed.re.groups]
            file = next((file for one in manifests if (file := one.by_digest(wanted))), None)
            return None if file is None else Found(file, immutable=True, media_type=_HASHED_TYPE)
        if inner not in manifests[0].files:
            return None
        if shown.suite.verbatim:
            return _found_in(manifests[0], inner)
        signed = self._views.root(archive, shown, inner, lambda name: self._read(manifests[0], name))
        return _found_in(manifests[0], inner) if signed is None else in_memory(signed, media_type(inner))

    def _read(self, manifest: Manifest, path: str) -> bytes:
        return b"".join(self._blobs.read(one.blob, one.offset, one.length) for one in manifest.files[path].extents)

    def _find_deb(self, archive: Archive, path: str) -> Found | None:
        # An upstream may have its packages anywhere, even among its indexes.
        last = path.startswith("dists/")
        pooled = None if last else self._pooled(archive, path)
        if pooled is not None:
            return pooled
        for codename, inner in places_of(path):
            hashed = _BY_HASH.match(inner)
            found = self._by_digest(archive, codename, hashed[2]) if hashed else self._current(archive, codename, inner)
            if found is not None:
                return found
        return self._pooled(archive, path) if last else None

    def _find_rpm(self, archive: Archive, path: str) -> Found | None:
        codename, _, inner = path.partition("/")
        rest = inner.partition("/")[2]
        if not inner:
            return None
        if rest.startswith("Packages/"):
            found = self._pooled(archive, rest)
            if found is not None:
                return found
        hashed = _CHECKSUM_NAMED.match(inner)
        if hashed:
            return self._by_digest(archive, codename, hashed[1])
        return self._current(archive, codename, inner) or self._pooled(archive, path)

    def _archive(self, format_: Format, name: str) -> Archive | None:
        known = self._archives.get((format_, name))
        if known is None:
            with self._catalog.read() as reading:
                known = reading.archive(format_, name)
            if known is not None:
                self._archives[format_, name] = known
        return known

    def _pointer(self, archive: Archive, codename: str) -> Pointer | None:
        key = (archive.id, codename)
        remembered = self._pointers.get(key)
        version = self._catalog.version()
        if remembered is not None and version is not None and remembered[0] == version:
            return remembered[1]
        try:
            with self._catalog.read() as reading:
                pointer = reading.pointer(archive.id, codename)
        except CatalogUnavailable:
            if remembered is None:
                raise
            return remembered[1]
        if pointer is not None:
            self._pointers.put(key, (version, pointer))
        return pointer

    def _current(self, archive: Archive, codename: str, path: str) -> Found | None:
        pointer = self._pointer(archive, codename)
        return None if pointer is None else _found_in(self._manifests.get(pointer.manifest), path)

    def _by_digest(self, archive: Archive, codename: str, digest: str) -> Found | None:
        pointer = self._pointer(archive, codename)
        if pointer is None:
            return None
        file = self._hashed.get((pointer.suite_id, digest))
        if file is None:
            file = self._search(pointer, digest)
            if file is None:
                return None
            self._hashed.put((pointer.suite_id, digest), file)
        return Found(file, immutable=True, media_type=_HASHED_TYPE)

    def _search(self, pointer: Pointer, digest: str) -> PublishedFile | None:
        file = self._manifests.get(pointer.manifest).by_digest(digest)
        if file is not None:
            return file
        with self._catalog.read() as reading:
            generation = reading.generation_with_file(pointer.suite_id, digest)
        return None if generation is None else self._manifests.get(generation.manifest).by_digest(digest)

    def _pooled(self, archive: Archive, path: str) -> Found | None:
        key, now = (archive.id, path), self._monotonic()
        remembered = self._pool.get(key)
        if remembered is None or remembered[0] < now:
            try:
                with self._catalog.read() as reading:
                    pooled = reading.pooled(archive.id, path) or reading.mirrored(archive.id, path)
            except CatalogUnavailable:
                if remembered is None:
                    raise
            else:
                if pooled is None:
                    self._pool.forget(key)
                    return None
                file = PublishedFile(
                    digest=pooled.digest,
                    size_bytes=pooled.size_bytes,
                    extents=(Extent(pooled.digest, 0, pooled.size_bytes),),
                    modified_at=int(pooled.received_at.timestamp()),
                )
                if pooled.absent:
                    return replace(_package_file(file, path), absent=pooled.absent)
                remembered = (now + POOL_SECONDS, file)
                self._pool.put(key, remembered)
        return _package_file(remembered[1], path)

    def _key(self, archive: Archive, *, armored: bool) -> Found | None:
        foreign = self._upstream_keys(archive)
        if foreign:
            return in_memory(foreign, "application/pgp-keys") if armored else None
        signer = self._keyring.signer(archive.key_name)
        kind = "application/pgp-keys" if armored else "application/octet-stream"
        return in_memory(signer.armored() if armored else signer.certificate(), kind)

    def _upstream_keys(self, archive: Archive, codename: str | None = None) -> bytes:
        """Armored keys of those whose signed files an archive shows; nothing where it signs its own."""
        with self._catalog.read() as reading:
            mirrors = [
                reading.mirror_of(suite.id)
                for suite in reading.suites(archive.id)
                if suite.verbatim and codename in (None, suite.codename)
            ]
            keys = {reading.source(one.source_id).keyring.strip(): None for one in mirrors if one is not None}
        return "".join(f"{key}\n" for key in keys if key).encode()

    def _told(self, suite: Suite) -> tuple[str, str]:
        """What the upstream calls it, and what kinds of packages there are."""
        with self._catalog.read() as reading:
            mirror = reading.mirror_of(suite.id)
            if mirror is None:
                return suite.codename, "deb"
            return reading.source(mirror.source_id).distribution, "deb deb-src" if mirror.sources else "deb"

    def _client_file(self, archive: Archive, codename: str, suffix: str, base_url: str, within: str) -> Found | None:
        with self._catalog.read() as reading:
            suite = reading.suite_named(archive.id, codename)
        if suite is None or (suffix == "sources") != (archive.format is Format.DEB):
            return None
        if suite.verbatim:
            foreign = Foreign(self._upstream_keys(archive, codename), *self._told(suite))
            text = mirror_file(suite, base_url, foreign, within)
            return in_memory(text, "text/plain; charset=utf-8")
        if suffix == "repo":
            return in_memory(repo_file(suite, base_url, within), "text/plain; charset=utf-8")
        armored = self._keyring.signer(archive.key_name).armored()
        return in_memory(sources_file(suite, base_url, armored, within), "text/plain; charset=utf-8")


def _package_file(file: PublishedFile, path: str) -> Found:
    return Found(file, immutable=True, media_type=media_type(path), pooled=True)


def _found_in(manifest: Manifest, path: str) -> Found | None:
    file = manifest.files.get(path)
    if file is None:
        return None
    partner = None
    if f"/{path}".endswith("/repodata/repomd.xml"):
        partner = manifest.files.get(f"{path}.asc")
    elif f"/{path}".endswith("/repodata/repomd.xml.asc"):
        partner = manifest.files.get(path.removesuffix(".asc"))
    return Found(file, immutable=False, media_type=media_type(path), partner=partner)


def in_memory(body: bytes, kind: str) -> Found:
    """Something made on the spot."""
    file = PublishedFile(digest_of(body), len(body), (), 0, dated=False)
    return Found(file, immutable=False, media_type=kind, body=body)


_TYPES = {
    "deb": "application/vnd.debian.binary-package",
    "rpm": "application/x-rpm",
    "gz": "application/gzip",
    "xz": "application/x-xz",
    "zst": "application/zstd",
    "xml": "application/xml",
    "asc": "application/pgp-signature",
    "gpg": "application/pgp-signature",
    "key": "application/pgp-keys",
}


def media_type(path: str) -> str:
    """By the suffix; index files without one are text."""
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2] if "." in name else ""
    return _TYPES.get(suffix, "text/plain; charset=utf-8")
