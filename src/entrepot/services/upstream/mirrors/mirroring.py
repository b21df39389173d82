"""One mirror brought up to date: the signed root, the index, the packages, and then the switch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.manifest import FileDraft, Manifest, parse_manifest, write_manifest
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.domain.upstream.listed import Ledger, ListedPackage
from entrepot.domain.upstream.mirror import Mirror, MirrorFile, MirrorId, MirrorState, OnBad, above_of, listed_file
from entrepot.domain.upstream.source import Source
from entrepot.domain.upstream.sums import MAX_BYTES as MAX_SUMS_BYTES
from entrepot.domain.upstream.sums import read_sums
from entrepot.domain.upstream.treeinfo import MAX_FILE_BYTES
from entrepot.errors import (
    EntrepotError,
    Kind,
    LostRace,
    UpstreamBadFiles,
    UpstreamDigest,
    UpstreamMassDeletion,
    UpstreamMissing,
    UpstreamProtocol,
    UpstreamStatus,
    UpstreamTimedOut,
    UpstreamTooLarge,
    UpstreamUnreachable,
)
from entrepot.services.upstream.indexes import read_index, read_source_index
from entrepot.services.upstream.mirrors.endings import Endings
from entrepot.services.upstream.mirrors.filling import Errand, Filling, Tally, Tell
from entrepot.services.upstream.mirrors.originals import More, Original, Originals, prefix_of

_log = structlog.get_logger(__name__)

_MOST_LOST = 0.5
_MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class MirrorOutcome:
    """How it went."""

    changed: bool
    file_count: int
    tally: Tally = field(default_factory=Tally)
    notes: tuple[str, ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a person says is right although it looks wrong: that most is gone, that files are missing or no good."""

    loss: bool = False
    bad: bool = False


NOTHING = Accepted()


class Mirroring:
    """Works on one mirror at a time; may be killed anywhere and be called again."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        originals: Originals,
        filling: Filling,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._originals = originals
        self._filling = filling
        self._now = now
        self._endings = Endings(catalog, now)

    def run(self, mirror_id: MirrorId, actor: Actor, tell: Tell, accept: Accepted = NOTHING) -> MirrorOutcome:
        """Bring it up to date.  What was in force stays until all of the new state is stored.

        Raises:
            NotFound: the mirror was removed.
            EntrepotError: of the upstream; it is noted with the mirror as well.
        """
        with self._catalog.read() as reading:
            mirror = reading.mirror(mirror_id)
        try:
            return self._run(mirror, actor, tell, accept)
        except EntrepotError as error:
            if error.kind not in (Kind.UNAVAILABLE, Kind.NOT_FOUND):
                self._endings.failed(mirror, actor, error)
            raise

    def _run(self, mirror: Mirror, actor: Actor, tell: Tell, accept: Accepted) -> MirrorOutcome:
        with self._catalog.write() as unit:
            run = unit.begin_run(mirror.id)
            found, suite = unit.source(mirror.source_id), unit.suite(mirror.suite_id)
            is_whole = mirror.is_on_demand or not unit.absent(suite.id)[0]
        selection = _selection(found, mirror)
        same = selection == mirror.state.selection and suite.generation_id is not None
        source = replace(found, state=replace(found.state, root=mirror.state.root if same else None))
        tell("started", 0, f"looking at {source.name}")
        original = self._originals.look(
            source, lambda _: tell("", 0, ""), anew=not (same and is_whole), more=_more(mirror)
        )
        errand = Errand(mirror, source, original.bases, run, Tally())
        if original.bodies:
            outcome = self._renew(errand, suite, original, actor, tell, accept)
        else:
            self._endings.unchanged(mirror, actor, original.root)
            outcome = MirrorOutcome(changed=False, file_count=mirror.state.file_count)
        return self._follow(errand, suite, outcome, tell) if mirror.is_on_demand else outcome

    def _renew(
        self, errand: Errand, suite: Suite, original: Original, actor: Actor, tell: Tell, accept: Accepted
    ) -> MirrorOutcome:
        mirror, source = errand.mirror, errand.source
        original, forms = self._index(errand, original, tell)
        tell("verifying", len(forms), f"{len(forms)} files of the index fit the signed root")
        ledger = _Files(source.name)
        packages = self._packages(source, suite, original, forms, ledger)
        if mirror.is_on_demand:
            self._filling.enlist(errand, packages, tell)
        else:
            self._filling.fill(errand, packages, tell)
        if errand.tally.bad and mirror.on_bad is OnBad.HOLD and not accept.bad:
            raise UpstreamBadFiles(
                f"{mirror.name}: {errand.tally.bad} files are no good or missing upstream, such as "
                f"{errand.tally.named[0]}; what was shown stays until you run it with accept_bad"
            )
        if not accept.loss:
            _check_loss(mirror, ledger.count)
        above, lenient = above_of(suite), replace(errand, mirror=replace(mirror, on_bad=OnBad.SKIP))
        images = [*original.images, *self._installer(source, original, forms)]
        self._filling.fill(lenient, (replace(image, path=above + image.path) for image in images), tell)
        notes = _notes(original, ledger, errand.tally)
        state = MirrorState(original.root, _selection(source, mirror), notes=notes)
        return self._switch(errand, suite, self._manifest(suite, source, original, forms), state, actor)

    def _follow(self, errand: Errand, suite: Suite, outcome: MirrorOutcome, tell: Tell) -> MirrorOutcome:
        """Fetch what is new of the packages that were asked for; machines will ask again.  It ends no run."""
        tally = outcome.tally
        with self._catalog.read() as reading:
            found = reading.successors(suite.id)
        if not found:
            return outcome
        tell("downloading", 0, f"{len(found)} files are new of packages that were asked for")
        files = (listed_file(suite, one.path, one.listed, one.size_bytes) for one in found)
        errand = replace(errand, mirror=replace(errand.mirror, on_bad=OnBad.SKIP), tally=tally)
        try:
            self._filling.fill(errand, files, tell)
        except (UpstreamUnreachable, UpstreamTimedOut, UpstreamStatus, UpstreamProtocol) as error:
            tally.skip(errand.source.name, error)
        named = tuple(tally.named)
        return replace(outcome, notes=(*outcome.notes, *(note for note in named if note not in outcome.notes)))

    def _index(self, errand: Errand, original: Original, tell: Tell) -> tuple[Original, dict[str, Digest]]:
        """All files of the index; when they do not fit a root that was just replaced, those of the new root."""
        for again in (False, True):
            try:
                forms = self._filling.fill(replace(errand, forms=True), original.files, tell)
                _check_forms(errand.source, original, forms)
            except (UpstreamDigest, UpstreamMissing):
                if again:
                    raise
                original = self._originals.look(errand.source, None, anew=True, more=_more(errand.mirror))
            else:
                break
        return original, forms

    def _packages(
        self, source: Source, suite: Suite, original: Original, forms: Mapping[str, Digest], ledger: Ledger
    ) -> Iterator[MirrorFile]:
        """Whatever the indexes list, of every architecture: clients are told of all of it."""
        everything = replace(source, architectures=())
        above = above_of(suite)
        for index in (*original.indexes, *original.source_indexes):
            digest = forms.get(prefix_of(source) + index.path)
            if digest is None:
                raise UpstreamMissing(f"{source.name}: {index.path} is not there, but another form of it")
            with self._blobs.open(digest) as file:
                read = read_source_index if index in original.source_indexes else read_index
                for package in read(everything, index, file, ledger):
                    algorithm, _, hexadecimal = package.digest.partition(":")
                    yield MirrorFile(
                        above + package.filename,
                        (package.filename,),
                        package.size_bytes,
                        {algorithm: hexadecimal},
                        package=f"{package.name} {package.architecture}",
                    )

    def _installer(self, source: Source, original: Original, forms: Mapping[str, Digest]) -> Iterator[MirrorFile]:
        """Images that lie beside the lists of an installer."""
        for one in original.sums:
            if one.path not in forms:
                continue
            path = one.path.removeprefix(prefix_of(source))
            if one.size_bytes > MAX_SUMS_BYTES:
                raise UpstreamTooLarge(f"{source.name}: {path}: it is longer than {MAX_SUMS_BYTES} bytes")
            data = self._blobs.read(forms[one.path], 0, one.size_bytes)
            folder = source.folder + path.removesuffix("SHA256SUMS")
            for name, digest in read_sums(data, f"{source.name}: {path}").items():
                place = folder + name
                yield MirrorFile(place, (place,), 0, {"sha256": digest}, most_bytes=MAX_FILE_BYTES)

    def _manifest(self, suite: Suite, source: Source, original: Original, forms: Mapping[str, Digest]) -> Digest:
        """Every file of the index as it is; the pool is found by its path."""
        old, second = self._shown(suite), int(self._now().timestamp())
        files: dict[str, FileDraft] = {}
        for path, body in original.bodies.items():
            digest = digest_of(body)
            files[path] = FileDraft(
                digest, hashlib.sha512(body).hexdigest(), len(body), *_dates(old, path, digest, second), body=body
            )
        for file in original.files:
            path, stored = file.path.removeprefix(prefix_of(source)), forms.get(file.path)
            if stored is not None:
                dates = _dates(old, path, stored, second)
                files[path] = FileDraft(stored, file.digests.get("sha512"), file.size_bytes, *dates, whole=True)
        return self._blobs.put(write_manifest(suite.revision + 1, 0, {}, files))

    def _shown(self, suite: Suite) -> Manifest | None:
        if suite.generation_id is None:
            return None
        with self._catalog.read() as reading:
            digest = reading.generation(suite.generation_id).manifest
        return self._read(digest)

    def _read(self, digest: Digest) -> Manifest:
        with self._blobs.open(digest) as blob:
            return parse_manifest(blob.read(), digest)

    def _switch(self, errand: Errand, suite: Suite, digest: Digest, state: MirrorState, actor: Actor) -> MirrorOutcome:
        mirror, now, tally = errand.mirror, self._now(), errand.tally
        self._check_stored(errand, digest)
        manifest = self._read(digest)
        with self._catalog.write() as unit:
            fresh = unit.suite(suite.id)
            if fresh.generation_id != suite.generation_id:
                raise LostRace("another run of this mirror came first")
            revision = unit.touch_suite(suite.id)
            count = unit.settle_mirrored(mirror, errand.run, revision)
            files, size = count["files"], count["bytes"]
            shown = list(manifest.hashed)
            published = max(now, unit.generation(suite.generation_id).published_at) if suite.generation_id else now
            generation = unit.switch(fresh, revision, digest, files, shown, None, published, revision)
            state = replace(state, file_count=files, size_bytes=size)
            figures: dict[str, JsonValue] = {"generation": generation.number, "files": files, "fetched": tally.fetched}
            self._endings.changed(unit, mirror, actor, state, figures)
        _log.info("mirror.switched", mirror=mirror.name, files=files, fetched=tally.fetched)
        return MirrorOutcome(changed=True, file_count=files, tally=tally, notes=state.notes)

    def _check_stored(self, errand: Errand, manifest: Digest) -> None:
        """A run may take longer than the collector waits with what came in by another way."""
        with self._catalog.read() as reading:
            lost = [
                one.number
                for one in reading.brought_in(errand.mirror.suite_id, errand.run)
                if one.digest and not self._blobs.has(one.digest)
            ]
        if not lost and self._blobs.has(manifest):
            return
        with self._catalog.write() as unit:
            unit.forget_brought(lost)
        raise LostRace("what was brought for this generation is gone; the next run fetches it again")


class _Files(Ledger):
    """Tells files apart and not packages: an index may list one package at two places, and both are asked for."""

    def admit(self, package: ListedPackage) -> bool:
        """By place."""
        return super().admit(replace(package, name=package.filename, version="-", architecture="-"))


def _more(mirror: Mirror) -> More:
    return More(mirror.sources, mirror.installer)


def _selection(source: Source, mirror: Mirror) -> str:
    """What decides which files are taken, in a few letters."""
    parts = [source.url, source.reach.mirrorlist, source.distribution, source.keyring, source.trust.allow_unsigned]
    text = json.dumps(
        [
            *parts,
            sorted(source.components),
            sorted(source.architectures),
            *["sources"] * mirror.sources,
            *["installer"] * mirror.installer,
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _check_forms(source: Source, original: Original, forms: Mapping[str, Digest]) -> None:
    """Of what lists packages, one form at least has to be there; and the one that is read."""
    prefix = prefix_of(source)
    for index in original.indexes:
        if prefix + index.path not in forms:
            raise UpstreamMissing(f"{source.name}: {index.path} is not there")
    if source.format is Format.RPM:
        for file in original.files:
            if file.path not in forms:
                raise UpstreamMissing(f"{source.name}: {file.path.removeprefix(prefix)} is not there")


def _check_loss(mirror: Mirror, count: int) -> None:
    before = mirror.state.file_count
    if before and count < before * _MOST_LOST:
        raise UpstreamMassDeletion(
            f"{mirror.name}: upstream lists {count} files and listed {before} before; look at it, then run it with "
            "accept_loss if that is right"
        )


def _notes(original: Original, ledger: Ledger, tally: Tally) -> tuple[str, ...]:
    notes: Sequence[str] = original.notes
    if ledger.skipped:
        notes = (*notes, f"{ledger.skipped} entries are no good; nothing was fetched for them", *ledger.named)
    if tally.bad:
        notes = (*notes, f"{tally.bad} files are no good or missing upstream, and are missing here", *tally.named)
    return tuple(notes)[:_MOST_NOTES]


def _dates(old: Manifest | None, path: str, digest: Digest, second: int) -> tuple[int, bool]:
    before = None if old is None else old.files.get(path)
    if before is not None and before.digest == digest:
        return before.modified_at, before.dated
    return second, before is None or before.modified_at < second
