"""Walk catalog, blobs and published trees, and report every difference.  Reads only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.signing.base import Keyring, Verification
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.manifest import Manifest, parse_manifest
from entrepot.domain.formats.segments.cut import Entry
from entrepot.domain.formats.segments.document import Segment
from entrepot.domain.formats.segments.recut import build
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import EntrepotError
from entrepot.services.publish.packs import stream_file
from entrepot.services.publish.trees import DocumentPlan, Tree, TreeWriter

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the catalog says: what kind, where, and in which way."""

    kind: str
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at and what differs."""

    blobs: int
    generations: int
    files: int
    differences: tuple[Difference, ...]


class Verifier:
    """Trusts nothing but the catalog: every byte is hashed, every current index is rendered again."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        keyring: Keyring,
        verification: Verification,
        trees: Mapping[Format, TreeWriter],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._keyring = keyring
        self._verification = verification
        self._trees = trees

    def verify(self, actor: Actor, progress: Callable[[str], None] = lambda _line: None) -> Report:
        """Walk everything; ``progress`` hears where it is."""
        demand(actor, Permission.STORE_VERIFY)
        found: list[Difference] = []
        with self._catalog.read() as reading:
            packages = list(reading.needed_digests())
            suites = reading.suites()
        for number, (digest, size) in enumerate(packages):
            if number % 1000 == 0:
                progress(f"packages {number}/{len(packages)}")
            found.extend(self._blob(digest, size))
        generations = files = 0
        for suite in suites:
            progress(f"suite {suite.archive.name}/{suite.codename}")
            with self._catalog.read() as reading:
                kept = [*reading.generations(suite.id), *reading.generations_apart(suite.id)]
            for generation in kept:
                count, differences = self._generation(suite, generation)
                generations, files = generations + 1, files + count
                found.extend(differences)
        return Report(len(packages), generations, files, tuple(found))

    def _blob(self, digest: Digest, size: int) -> Iterator[Difference]:
        try:
            with self._blobs.open(digest) as blob:
                hashed, length = hashlib.sha256(), 0
                while data := blob.read(_CHUNK_BYTES):
                    hashed.update(data)
                    length += len(data)
        except EntrepotError as error:
            yield Difference(error.code, digest, error.detail)
            return
        if length != size:
            yield Difference("blob.size", digest, f"{length} bytes are stored, the catalog says {size}")
        elif hashed.hexdigest() != digest:
            yield Difference("blob.content", digest, "the stored bytes do not hash to their name")

    def _generation(self, suite: Suite, generation: Generation) -> tuple[int, list[Difference]]:
        where = f"{suite.archive.format.value}/{suite.archive.name}/{suite.codename}#{generation.number}"
        try:
            with self._blobs.open(generation.manifest) as blob:
                data = blob.read()
            if hashlib.sha256(data).hexdigest() != generation.manifest:
                return 0, [Difference("manifest.content", where, "the stored bytes do not hash to their name")]
            manifest = parse_manifest(data, generation.manifest)
        except EntrepotError as error:
            return 0, [Difference(error.code, where, error.detail)]
        found = [difference for path in manifest.files for difference in self._file(where, path, manifest)]
        if suite.verbatim:
            return len(manifest.files), found
        if not found:
            found.extend(self._signatures(where, suite, generation, manifest))
        if generation.id == suite.generation_id and suite.revision == suite.published_revision:
            found.extend(self._content(where, suite, manifest))
        return len(manifest.files), found

    def _file(self, where: str, path: str, manifest: Manifest) -> Iterator[Difference]:
        file = manifest.files[path]
        hashed, length = hashlib.sha256(), 0
        try:
            for data in stream_file(self._blobs, file):
                hashed.update(data)
                length += len(data)
        except EntrepotError as error:
            yield Difference(error.code, f"{where}/{path}", error.detail)
            return
        if length != file.size_bytes or hashed.hexdigest() != file.digest:
            yield Difference("file.content", f"{where}/{path}", "the served bytes are not the ones that were signed")

    def _signatures(self, where: str, suite: Suite, generation: Generation, manifest: Manifest) -> Iterator[Difference]:
        try:
            certificate = self._keyring.signer(suite.archive.key_name).certificate()
            if generation.id != suite.generation_id:
                certificate += self._keyring.retired(suite.archive.key_name)
            bodies = {
                path: b"".join(stream_file(self._blobs, file))
                for path, file in manifest.files.items()
                if file.size_bytes <= _CHUNK_BYTES * 16
            }
            sizes = {path: (file.size_bytes, str(file.digest)) for path, file in manifest.files.items()}
            writer = self._trees[suite.format]
            writer.check(Tree({}, bodies), sizes, certificate, self._verification)
        except EntrepotError as error:
            yield Difference(error.code, where, error.detail)

    def _content(self, where: str, suite: Suite, manifest: Manifest) -> Iterator[Difference]:
        plans = {plan.name: plan for plan in self._trees[suite.format].plan(suite)}
        needed = {name for name, plan in plans.items() if plan.later is None}
        for name in sorted((needed - set(manifest.documents)) | (set(manifest.documents) - set(plans))):
            yield Difference("index.set", f"{where}/{name}", "the index is published but not planned, or the reverse")
        with self._catalog.read() as reading:
            current = reading.suite(suite.id)
            if current.revision != suite.revision:
                return  # it moved on meanwhile; the next walk sees it
            for name, plan in plans.items():
                stored = manifest.documents.get(name)
                if stored is None or stored.revision != suite.revision:
                    continue  # a later document may lag behind
                if not self._same(reading, suite, plan, stored.document.segments):
                    yield Difference("index.content", f"{where}/{name}", "the index does not list what the catalog has")

    def _same(self, reading: Reading, suite: Suite, plan: DocumentPlan, segments: Sequence[Segment]) -> bool:
        listings = reading.listings(suite.id, plan.component, plan.trees, plan.kind)
        entries: Iterable[Entry] = (Entry(listing.key, plan.render(listing)) for listing in listings)
        if plan.later is not None:
            entries = plan.later(reading.listings(suite.id, plan.component, plan.trees, plan.kind))
        wanted = [draft.text_digest for draft in build(entries)]
        return wanted == [segment.text_digest for segment in segments]
