"""What makes indexes of what was let in, signs them, and hands them out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

from entrepot.adapters.exports.filesystem import FilesystemExport, folder_below
from entrepot.adapters.signing import verification
from entrepot.adapters.signing.base import KeyAlgorithm
from entrepot.domain.model.suite import Archive
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.state_words import merge_words
from entrepot.errors import InvalidRequest, SigningUnavailable
from entrepot.main.parts import FORMATS, TREES, Parts
from entrepot.services.intake.suites import Suites
from entrepot.services.jobs import JobKind, Jobs
from entrepot.services.publish.apart import Apart
from entrepot.services.publish.drafts import PublisherParts
from entrepot.services.publish.export_jobs import EXPORT_JOB, ExportJobs
from entrepot.services.publish.exports import ExportParts, Exports
from entrepot.services.publish.manifests import Manifests
from entrepot.services.publish.reading import PublishedFiles
from entrepot.services.publish.service import Publisher
from entrepot.services.publish.verification import Verifier
from entrepot.services.publish.views import Views
from entrepot.services.publish.waiting import Publications
from entrepot.services.snapshots import Merging
from entrepot.services.snapshots.merge_jobs import MERGE_JOB, MergeJobs
from entrepot.services.snapshots.references import find_state
from entrepot.services.snapshots.strangers import Against
from entrepot.services.upkeep.collector import Collector, Keep
from entrepot.services.upkeep.signing_keys import SigningKeys, Wanted
from entrepot.settings import Settings


class Publishing(TypedDict):
    """By their names in the application."""

    publisher: Publisher
    publications: Publications
    published: PublishedFiles
    collector: Collector
    verifier: Verifier
    exports: Exports
    merging: Merging
    signing_keys: SigningKeys
    suites: Suites


def publishing(settings: Settings, parts: Parts, against: Against) -> Publishing:
    """From a revision of a suite to signed files, and the care for both; ``against`` asks the gate."""
    manifests = Manifests(parts.blobs)
    tools = _tools(settings, parts, manifests)
    publisher = Publisher(parts.catalog, tools, TREES, parts.now)
    views = Views(parts.catalog, manifests, parts.keyring, parts.now)
    sources = ExportParts(parts.blobs, manifests, views, parts.keyring, TREES)
    return Publishing(
        publisher=publisher,
        publications=Publications(parts.catalog, publisher),
        published=PublishedFiles(parts.catalog, manifests, parts.keyring, parts.blobs, parts.now),
        collector=_collector(settings, parts),
        verifier=Verifier(parts.catalog, parts.blobs, parts.keyring, verification, TREES),
        exports=Exports(parts.catalog, sources, find_state, lambda path: FilesystemExport(Path(path)), parts.now),
        merging=Merging(parts.catalog, FORMATS, Apart(parts.catalog, tools, TREES, parts.now), against, parts.now),
        signing_keys=_signing_keys(settings, parts),
        suites=Suites(parts.catalog, parts.queue, parts.keyring, key_maker(settings, parts), parts.now),
    )


def _tools(settings: Settings, parts: Parts, manifests: Manifests) -> PublisherParts:
    codecs = ThreadPoolExecutor(max_workers=2, thread_name_prefix="codec")
    return PublisherParts(parts.blobs, manifests, parts.keyring, verification, codecs.map, settings.public_url)


def _signing_keys(settings: Settings, parts: Parts) -> SigningKeys:
    defaults = Wanted(email=settings.key_email, algorithm=settings.key_algorithm)
    return SigningKeys(parts.catalog, parts.keyring, parts.queue, defaults, parts.now)


def _collector(settings: Settings, parts: Parts) -> Collector:
    graces = (settings.generation_grace_seconds, settings.collect_grace_seconds)
    keep = Keep(settings.generations_kept, *graces, settings.generation_days)
    return Collector(parts.catalog, parts.blobs, keep, parts.now, parts.monotonic)


def key_maker(settings: Settings, parts: Parts) -> Callable[[Archive], None]:
    """Sees to it that an archive has its key."""

    def make(archive: Archive) -> None:
        fact = f"key/{archive.key_name}"
        with parts.catalog.read() as reading:
            known = reading.fact(fact)
        if known is not None and archive.key_name not in parts.keyring.names():
            raise SigningUnavailable(
                f"the signing key {known} of archive {archive.name} is gone; restore the folder 'keys' from a backup: "
                "clients trust no other key"
            )
        address = f" <{settings.key_email}>" if settings.key_email else ""
        uid = f"Entrepot {archive.format.value} archive {archive.name}{address}"
        made = parts.keyring.create(archive.key_name, uid, KeyAlgorithm(settings.key_algorithm), parts.now())
        if known is None:
            with parts.catalog.write() as unit:
                unit.set_fact(fact, made.fingerprint)

    return make


class Exporting(TypedDict):
    """By its name in the application."""

    export_jobs: ExportJobs
    merge_jobs: MergeJobs


def exporting(settings: Settings, parts: Parts, published: Publishing, jobs: Jobs) -> Exporting:
    """Exports and merges that somebody asks the API for."""

    def below(name: str) -> str:
        if settings.exports is None:
            raise InvalidRequest(
                "this server writes no exports; name a folder for them in ENTREPOT_EXPORTS, or use the command "
                "'entrepot export'"
            )
        return str(folder_below(settings.exports.absolute(), name))

    export_jobs = ExportJobs(parts.catalog, published["exports"], find_state, below, jobs.begin, jobs.wake, parts.now)
    jobs.define(JobKind(EXPORT_JOB, Permission.TREE_EXPORT, Permission.TREE_EXPORT, export_jobs.pursue))
    merge_jobs = MergeJobs(parts.catalog, published["merging"], merge_words, jobs.begin, jobs.wake, parts.now)
    jobs.define(JobKind(MERGE_JOB, Permission.SNAPSHOT_WRITE, Permission.SNAPSHOT_WRITE, merge_jobs.pursue))
    return Exporting(export_jobs=export_jobs, merge_jobs=merge_jobs)
