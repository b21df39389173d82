"""Generations before they are in force: documents and small files, signed, checked and stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from entrepot.adapters.catalog.choices import CarriedDocument
from entrepot.adapters.signing.base import Keyring, Verification
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.manifest import FileDraft, Form, Manifest, StoredDocument, write_manifest
from entrepot.domain.formats.segments.codecs import CODECS
from entrepot.domain.formats.segments.document import Document, frame
from entrepot.domain.formats.segments.packing import MapJobs
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.domain.model.erratum import Erratum
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.services.publish.documents import Documents, Listings, recipe_of
from entrepot.services.publish.manifests import Manifests
from entrepot.services.publish.trees import DocumentPlan, Extras, Measured, Tree, TreeWriter

_log = structlog.get_logger(__name__)

_TOPS = {Format.DEB: "apt", Format.RPM: "rpm"}
_GATHERED_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Draft:
    """A generation that is stored but not in force."""

    manifest: Digest
    package_count: int
    digests: Sequence[str]
    refresh_at: datetime | None


@dataclass(frozen=True, slots=True)
class PublisherParts:
    """What generations are made with; ``map_jobs`` lends threads for compression.

    ``site`` is the address that clients use, empty where it is not known.
    """

    blobs: BlobStore
    manifests: Manifests
    keyring: Keyring
    verification: Verification
    map_jobs: MapJobs
    site: str = ""


@dataclass(frozen=True, slots=True)
class Built:
    """A document of a generation and the revision that it shows."""

    plan: DocumentPlan
    document: Document
    revision: int


class Drafts:
    """Writes them."""

    def __init__(self, parts: PublisherParts, trees: Mapping[Format, TreeWriter], documents: Documents) -> None:
        self._parts = parts
        self._trees = trees
        self._documents = documents
        self._site = parts.site.rstrip("/")

    def extras(self, suite: Suite, errata: Sequence[Erratum], documents: Sequence[CarriedDocument]) -> Extras:
        """What the generation tells besides its packages."""
        site = f"{self._site}/{_TOPS[suite.format]}/{suite.archive.name}" if self._site else ""
        return Extras(errata, f"{site}/snapshot/@SNAPSHOTID@/" if site else "", documents)

    def write(
        self,
        suite: Suite,
        documents: Mapping[str, Built],
        told: tuple[int, Extras],
        old: Manifest | None,
        now: datetime,
        revision: int | None = None,
    ) -> Draft:
        """Everything is stored when this ends.  Without a revision it is the suite's.

        Raises:
            GenerationRefused: clients would trip over it.
        """
        signer = self._parts.keyring.signer(suite.archive.key_name)
        writer = self._trees[suite.format]
        measured = {name: self._documents.measure(suite, each.plan, each.document) for name, each in documents.items()}
        count, extras = told
        tree = writer.write(suite, now, measured, signer, extras)
        files = _files(suite, tree, measured, old, int(now.timestamp()))
        sizes = {path: (file.size_bytes, str(file.digest)) for path, file in files.items()}
        writer.check(tree, sizes, signer.certificate(), self._parts.verification)
        stored = {
            name: StoredDocument(each.document, recipe_of(each.plan), each.revision) for name, each in documents.items()
        }
        shown = suite.revision if revision is None else revision
        manifest = self._parts.manifests.keep(write_manifest(shown, count, stored, files))
        digests = [digest for file in files.values() for digest in (file.digest, file.sha512) if digest]
        return Draft(manifest, count, digests, tree.refresh_at)


def affordable(reading: Listings, suite: Suite, plan: DocumentPlan) -> bool:
    """Whether what a later document gathers fits into memory; a mirror of that size has upstream's own."""
    size = reading.fragment_bytes(suite.id, plan.component, plan.trees, plan.kind)
    if size > _GATHERED_BYTES:
        _log.warning("index.left_out", suite=suite.codename, index=plan.name, bytes=size, most=_GATHERED_BYTES)
    return size <= _GATHERED_BYTES


def _files(
    suite: Suite, tree: Tree, measured: Mapping[str, Measured], old: Manifest | None, second: int
) -> dict[str, FileDraft]:
    files: dict[str, FileDraft] = {}

    def dates(path: str, digest: Digest) -> tuple[int, bool]:
        before = None if old is None else old.files.get(path)
        if before is not None and before.digest == digest:
            return before.modified_at, before.dated
        return second, before is None or before.modified_at < second

    for path, (name, codec) in tree.forms.items():
        form = measured[name].forms[codec]
        around = frame(measured[name].document, CODECS[codec])
        digest = Digest(form.digests["sha256"])
        files[path] = FileDraft(
            digest,
            form.digests.get("sha512"),
            form.size_bytes,
            *dates(path, digest),
            form=Form(name, codec, around.prefix, around.suffix),
        )
    for path, body in tree.bodies.items():
        digest = digest_of(body)
        sha512 = hashlib.sha512(body).hexdigest() if "sha512" in suite.options.digests else None
        files[path] = FileDraft(digest, sha512, len(body), *dates(path, digest), body=body)
    return files
