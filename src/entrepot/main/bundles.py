"""States that are carried from server to server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import BinaryIO, TypedDict

from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.exports.filesystem import folder_below
from entrepot.adapters.signing import verification
from entrepot.adapters.signing.base import KeyAlgorithm
from entrepot.adapters.storage.base import BlobStore
from entrepot.adapters.storage.staged import StoredFile
from entrepot.domain.bundles.head import Head
from entrepot.domain.bundles.lists import Entry
from entrepot.domain.bundles.manifest import BundledState, Content
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import PackageKey
from entrepot.domain.model.suite import Suite, SuiteOptions
from entrepot.domain.policy.permissions import Permission
from entrepot.domain.upstream.drafts import Draft
from entrepot.errors import InvalidRequest, NotFound, SigningUnavailable
from entrepot.main.gate import Gate
from entrepot.main.parts import FORMATS, Parts
from entrepot.main.publishing import Publishing
from entrepot.main.snapshots import Frozen
from entrepot.main.upstream import Upstream, mirroring_from
from entrepot.services.bundles import (
    IMPORT_JOB,
    MAKE_JOB,
    RECEIVE_JOB,
    BundleFolders,
    BundleImports,
    BundleMaking,
    BundleReceiving,
    Bundles,
)
from entrepot.services.bundles.folders import OpenBelow
from entrepot.services.bundles.gate import Decided, Errand, Fill, LetIn, Passed, Tell, Ways
from entrepot.services.bundles.heads import Heads
from entrepot.services.bundles.signing import BundleKey
from entrepot.services.bundles.targets import Make, Targets
from entrepot.services.intake import Intake
from entrepot.services.intake.receipts import Origin, ReceiptStatus, UploadRequest
from entrepot.services.jobs import JobKind, Jobs
from entrepot.services.snapshots.references import find_state
from entrepot.services.upstream.mirrors.mirroring import Accepted
from entrepot.services.upstream.mirrors.register import MirrorDraft
from entrepot.settings import Settings

_STATUSES = {
    ReceiptStatus.ACCEPTED: "published",
    ReceiptStatus.DUPLICATE: "skipped",
    ReceiptStatus.HELD: "pending_review",
    ReceiptStatus.REFUSED: "rejected",
    ReceiptStatus.INSPECTING: "publishing",
}
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~:^-]{0,250}")
_BY_HASH = re.compile(r".*/by-hash/SHA256/([0-9a-f]{64})\Z")
_PIECE_BYTES = 1 << 20
_TOLD = ("received_at", "received_by", "decided_at", "decided_by", "reason")
_MOST_TOLD = 1000


class Carried(TypedDict):
    """By their names in the application."""

    bundles: Bundles
    bundle_making: BundleMaking
    bundle_receiving: BundleReceiving
    bundle_folders: BundleFolders
    bundle_imports: BundleImports


def carrying(
    settings: Settings,
    parts: Parts,
    let_in: Gate,
    published: Publishing,
    outer: Upstream,
    frozen: Frozen,
    jobs: Jobs,
) -> Carried:
    """Made, handed out, received and imported."""
    heads, algorithm = Heads(parts.blobs), KeyAlgorithm(settings.key_algorithm)
    key = BundleKey(parts.keyring, verification, algorithm, _trusted(settings), parts.now)
    shared = (parts.catalog, parts.blobs, heads, key)
    making = BundleMaking(*shared, find_state, jobs.begin, jobs.wake, parts.now)
    intake, snapshots = let_in["intake"], frozen["snapshots"]

    def keep(actor: Actor, distribution: str, name: str) -> None:
        snapshots.keep(actor, distribution, name)

    ways = Ways(_letting_in(parts.blobs, intake), _decided(intake), _filling(parts), keep)
    targets = Targets(parts.catalog, _making_suites(published, outer))
    imports = BundleImports(parts.catalog, parts.queue, heads, targets, ways, jobs.begin, jobs.wake, parts.now)
    jobs.define(JobKind(MAKE_JOB, Permission.BUNDLE_READ, Permission.BUNDLE_CREATE, making.pursue))
    jobs.define(JobKind(IMPORT_JOB, Permission.BUNDLE_READ, Permission.BUNDLE_IMPORT, imports.pursue))
    receiving = BundleReceiving(*shared, parts.now)
    folders = BundleFolders(parts.catalog, receiving, _below(settings), jobs.begin, jobs.wake, parts.now)
    jobs.define(JobKind(RECEIVE_JOB, Permission.BUNDLE_READ, Permission.BUNDLE_IMPORT, folders.pursue))
    return Carried(
        bundles=Bundles(*shared, parts.now),
        bundle_making=making,
        bundle_receiving=receiving,
        bundle_folders=folders,
        bundle_imports=imports,
    )


def _trusted(settings: Settings) -> Callable[[], bytes | None]:
    path = settings.bundle_keyring

    def read() -> bytes | None:
        if path is None:
            return None
        try:
            return path.read_bytes()
        except OSError as error:
            raise SigningUnavailable(
                f"the keys of bundles cannot be read ({error.strerror}); see ENTREPOT_BUNDLE_KEYRING"
            ) from error

    return read


def _below(settings: Settings) -> OpenBelow:
    def open_below(name: str) -> BinaryIO:
        if settings.bundle_folder is None:
            raise InvalidRequest("this server takes no bundles from a folder; name one in ENTREPOT_BUNDLE_FOLDER")
        path = folder_below(settings.bundle_folder.absolute(), name, "files")
        try:
            return path.open("rb")
        except OSError as error:
            raise NotFound(f"{name} cannot be read below ENTREPOT_BUNDLE_FOLDER ({error.strerror})") from error

    return open_below


def _letting_in(blobs: BlobStore, intake: Intake) -> LetIn:
    def let_in(errand: Errand, entry: Entry) -> Passed:
        format_ = errand.suite.format
        key = PackageKey(format_, entry.name, entry.version, entry.architecture)
        suffix = FORMATS[format_].suffix
        good = _FILENAME.fullmatch(entry.filename) and entry.filename.endswith(suffix)
        origin = Origin(f"bundle {errand.bundle[:8]}", entry.path, key, "", errand.job, _told(entry))
        receipt = intake.receive(
            errand.actor,
            StoredFile(blobs, entry.digest, entry.size_bytes),
            UploadRequest(
                entry.filename if good else f"{entry.name}{suffix}",
                errand.suite.full_name,
                entry.component or None,
                origin=origin,
            ),
        )
        return Passed(_STATUSES[receipt.status], "; ".join(receipt.reasons)[:500], receipt.admission_id)

    return let_in


def _told(entry: Entry) -> dict[str, JsonValue]:
    """What is known of what the other server says, and not more of it than a person reads."""
    return {name: str(value)[:_MOST_TOLD] for name in _TOLD if (value := entry.told.get(name))}


def _decided(intake: Intake) -> Decided:
    return lambda admission: _STATUSES[intake.receipt(admission).status]


def _making_suites(published: Publishing, outer: Upstream) -> Make:
    def make(actor: Actor, state: BundledState) -> None:
        if state.content is Content.PACKAGES:
            known = {field.name for field in fields(SuiteOptions)}
            options = {name: value for name, value in state.options.items() if name in known}
            published["suites"].initialise(actor, f"{state.archive}/{state.codename}", state.format, options)
            return
        told = state.source
        try:
            outer["sources"].one(actor, str(told["name"]))
        except NotFound:
            outer["sources"].create(actor, _draft(state, told), {})
        draft = MirrorDraft(str(told["mirror"]), str(told["name"]), state.archive, state.codename, every_hours=0)
        outer["mirrors"].create(actor, draft)

    return make


def _draft(state: BundledState, told: Mapping[str, object]) -> Draft:
    def words(name: str) -> tuple[str, ...]:
        found = told.get(name)
        return tuple(str(one) for one in found) if isinstance(found, list) else ()

    return Draft(
        name=str(told["name"]),
        type=state.format.value,
        label=str(told.get("label") or told["name"]),
        url=str(told.get("url") or ""),
        distribution=str(told.get("distribution") or ""),
        components=words("components"),
        architectures=words("architectures"),
        keyring=str(told.get("gpg_key") or ""),
        allow_unsigned=bool(told.get("allow_unsigned")),
    )


def _filling(parts: Parts) -> Fill:
    def fill(actor: Actor, suite: Suite, state: BundledState, head: Head, tell: Tell) -> None:
        places = {entry.path: entry.digest for entry in head.entries(state)}
        known = set(places.values())

        def open_file(path: str) -> BinaryIO | None:
            by_hash = _BY_HASH.match(path)
            digest = Digest(by_hash[1]) if by_hash else places.get(path)
            return parts.blobs.open(digest) if digest in known else None

        with parts.catalog.read() as reading:
            mirror = reading.mirror_of(suite.id)
        if mirror is None:
            raise NotFound(f"{suite.full_name} is no mirror any more")
        run = mirroring_from(parts, open_file, f"bundle {head.manifest.id[:8]}")
        run.run(mirror.id, actor, tell, Accepted(loss=True))

    return fill
