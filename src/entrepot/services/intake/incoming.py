"""Files that clients send one by one and have taken in later: the way of ``dput`` and of aptly's API.

A file belongs to the account that sent it, in a folder of its choice; nobody else sees it.  It is durable when ``keep``
returns, and forgotten when it is taken, or after a day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.incoming import IncomingFile
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.signing.base import Verification
from entrepot.adapters.storage.base import BlobStore, BlobWriter
from entrepot.adapters.storage.staged import StoredFile
from entrepot.domain.formats.deb.changes import (
    MOST_BYTES,
    Changes,
    ChangesEntry,
    is_clearsigned,
    parse_changes,
    without_signature,
)
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import (
    BadSignature,
    BodyTooLarge,
    EntrepotError,
    InvalidRequest,
    NotFound,
    PackageDigestMismatch,
    PackageSignatureInvalid,
    UnfitChanges,
)
from entrepot.services.intake.receipts import Receipt, UploadRequest
from entrepot.services.intake.service import Intake
from entrepot.services.intake.targets import find_suite

KEPT_FOR = timedelta(days=1)
_MOST_FILES = 1000
_MOST_BYTES = 100 << 30
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.~_-]{0,127}\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.~_:-]{0,254}\Z")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file: a receipt, or why not."""

    name: str
    receipt: Receipt | None = None
    error: EntrepotError | None = None


@dataclass(frozen=True, slots=True)
class TakenSet:
    """What became of a set; ``left_out`` are files that are no packages."""

    changes: Changes
    taken: Sequence[Taken]
    left_out: Sequence[str]


class Incoming:
    """Keep files, list them, take them in."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        intake: Intake,
        verification: Verification,
        uploaders: Callable[[], bytes | None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._intake = intake
        self._verification = verification
        self._uploaders = uploaders
        self._now = now

    def keep(self, actor: Actor, folder: str, name: str, staged: BlobWriter) -> IncomingFile:
        """Put a file that has arrived into a folder, in the place of one of the same name.

        Raises:
            InvalidRequest: folder or name are outside their grammar.
            BodyTooLarge: too much waits for this account already.
        """
        demand(actor, Permission.PACKAGE_UPLOAD)
        check_folder(folder)
        if not _NAME.match(name):
            raise InvalidRequest(f"{name[:80]!r} cannot be the name of a file here")
        now = self._now()
        file = IncomingFile(actor.owner, folder, name, staged.digest(), staged.sha512(), staged.size_bytes, now)
        with self._catalog.read() as reading:
            count, size_bytes = reading.incoming_size(actor.owner)
        if count >= _MOST_FILES or size_bytes + file.size_bytes > _MOST_BYTES:
            raise BodyTooLarge(
                f"{count} files with {size_bytes >> 20} MiB wait for {actor.owner} already; take them in or remove them"
            )
        staged.commit()
        with self._catalog.write() as unit:
            unit.forget_incoming_before(now - KEPT_FOR)
            unit.keep_incoming(file)
        return file

    def folders(self, actor: Actor) -> list[str]:
        """The caller's, by name."""
        demand(actor, Permission.PACKAGE_UPLOAD)
        with self._catalog.read() as reading:
            return reading.incoming_folders(actor.owner)

    def files(self, actor: Actor, folder: str, name: str | None = None) -> list[IncomingFile]:
        """The caller's files of a folder, or the one that is named; by name.

        Raises:
            NotFound: there are none.
        """
        demand(actor, Permission.PACKAGE_UPLOAD)
        with self._catalog.read() as reading:
            found = reading.incoming_files(actor.owner, folder)
        wanted = [file for file in found if name is None or file.name == name]
        if not wanted:
            what = f"file {folder[:80]}/{name[:80]}" if name is not None else f"folder {folder[:80]}"
            raise NotFound(f"there is no {what} of yours; send the files first, they are kept for a day")
        return wanted

    def forget(self, actor: Actor, folder: str, name: str | None = None) -> int:
        """Remove one file or a folder of the caller's; how many there were."""
        demand(actor, Permission.PACKAGE_UPLOAD)
        with self._catalog.write() as unit:
            return unit.forget_incoming(actor.owner, folder, name)

    def take(
        self,
        actor: Actor,
        files: Sequence[IncomingFile],
        distribution: str,
        component: str | None = None,
        *,
        keep: bool = False,
    ) -> list[Taken]:
        """Take files in as packages, each by itself; those that were taken wait no longer, unless they are kept."""
        demand(actor, Permission.PACKAGE_UPLOAD)
        taken = []
        for file in files:
            request = UploadRequest(file.name, distribution, component)
            try:
                receipt = self._intake.receive(actor, _stored(self._blobs, file), request)
            except EntrepotError as error:
                taken.append(Taken(file.name, error=error))
                continue
            taken.append(Taken(file.name, receipt))
            if not keep:
                self.forget(actor, file.folder, file.name)
        return taken

    def take_set(self, actor: Actor, file: IncomingFile, distribution: str | None = None) -> TakenSet:
        """Take in what a .changes file lists, into its distribution or another.

        Everything is looked at before anything is taken: an incomplete, altered, unsigned or malformed set changes
        nothing.  Files that are no packages (sources, build information) are not kept.

        Raises:
            UnfitChanges: files are missing, or there is no package among them.
            PackageDigestMismatch: a file is not the one that is listed.
            PackageSignatureInvalid: uploaders must sign, and none of them did.
        """
        demand(actor, Permission.PACKAGE_UPLOAD)
        changes = self._read(file)
        present = {one.name: one for one in self.files(actor, file.folder)}
        binaries = self._complete(changes, present)
        target = distribution or changes.distribution
        components = self._components(binaries, target)
        for name, component in components.items():
            self._intake.foresee(actor, _stored(self._blobs, present[name]), UploadRequest(name, target, component))
        taken = []
        for name, component in components.items():
            taken += self.take(actor, [present[name]], target, component)
        left_out = [entry.name for entry in changes.files if entry not in binaries]
        detail: dict[str, JsonValue] = {
            "changes": file.name,
            "signed": is_clearsigned(self._bytes(file)),
            "signature_checked": self._uploaders() is not None,
            "changed_by": changes.changed_by[:200],
            "packages": [entry.name for entry in binaries],
        }
        with self._catalog.write() as unit:
            for name in (file.name, *left_out):
                unit.forget_incoming(actor.owner, file.folder, name)
            result = "SUCCESS" if all(one.error is None for one in taken) else "PARTIAL"
            unit.audit(
                AuditEntry("INCLUDE", result, actor, self._now(), changes.source, changes.version, target, detail)
            )
        return TakenSet(changes, taken, left_out)

    def _bytes(self, file: IncomingFile) -> bytes:
        if file.size_bytes > MOST_BYTES:
            raise UnfitChanges(f"{file.name} has more than {MOST_BYTES >> 10} KiB, which no .changes file has")
        with self._blobs.open(file.digest) as blob:
            return blob.read()

    def _read(self, file: IncomingFile) -> Changes:
        data, uploaders = self._bytes(file), self._uploaders()
        if uploaders is None:
            return parse_changes(without_signature(data))
        if not is_clearsigned(data):
            raise PackageSignatureInvalid(f"{file.name} is not signed, and uploads must be signed here; use debsign")
        try:
            return parse_changes(self._verification.verify_clearsigned(uploaders, data))
        except BadSignature as error:
            raise PackageSignatureInvalid(
                f"{file.name}: {error.detail}; it must be signed by an uploader that this server knows"
            ) from error

    def _complete(self, changes: Changes, present: dict[str, IncomingFile]) -> list[ChangesEntry]:
        missing = [entry.name for entry in changes.files if entry.name not in present]
        if missing:
            raise UnfitChanges(
                f"{len(missing)} of {len(changes.files)} files did not arrive, the first is {missing[0]}; "
                "send them, then the .changes file again"
            )
        for entry in changes.files:
            file = present[entry.name]
            if (file.digest, file.size_bytes) != (entry.sha256, entry.size_bytes):
                raise PackageDigestMismatch(
                    f"{entry.name} is not the file that the .changes file lists; send it again",
                    declared_sha256=entry.sha256,
                    received_sha256=file.digest,
                )
        binaries = changes.binaries()
        if not binaries:
            raise UnfitChanges("there is no .deb in this upload; source packages are not published here")
        return binaries

    def _components(self, binaries: Sequence[ChangesEntry], distribution: str) -> dict[str, str | None]:
        """By name; none is the suite's first one, as Section is no component where the suite has none of that name."""
        with self._catalog.read() as reading:
            known = find_suite(reading, distribution, Format.DEB).options.components
        wanted = {entry.name: entry.section.rpartition("/")[0] for entry in binaries}
        return {name: component if component in known else None for name, component in wanted.items()}


def check_folder(folder: str) -> None:
    """Refuse what cannot be the name of a folder.

    Raises:
        InvalidRequest: with the rule.
    """
    if not _FOLDER.match(folder):
        raise InvalidRequest(f"{folder[:80]!r} cannot be the name of a folder here: letters, digits and . + ~ _ -")


def _stored(blobs: BlobStore, file: IncomingFile) -> StoredFile:
    return StoredFile(blobs, file.digest, file.size_bytes, file.sha512)
