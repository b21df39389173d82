"""Making bundles: what states hold is listed, signed and kept; the files stay where they are until they are read."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.bundles import Bundle, BundleStatus
from entrepot.adapters.catalog.jobs import Begin
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.bundles.head import KEY, MANIFEST, Head, cut
from entrepot.domain.bundles.lists import Entry, file_path, write_list, write_sums
from entrepot.domain.bundles.manifest import MOST_STATES, BundledState, BundleManifest
from entrepot.domain.jobs.work import JobId, Work
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import BundleIncomplete, InvalidRequest, NotFound
from entrepot.services.bundles.gathering import Gathered, State, gather
from entrepot.services.bundles.heads import Heads
from entrepot.services.bundles.signing import BundleKey

MAKE_JOB = "bundle"
LATEST = "latest"
LEAST_VOLUME_BYTES = 1 << 20
_MOST_LABEL = 200
_MOST_NAMED = 20
_LOOK_EVERY = 500

Find = Callable[[Reading, str], State]


@dataclass(frozen=True, slots=True)
class BundleWish:
    """What to put into a bundle.  ``base`` is an earlier bundle, or ``latest``: only what that has not goes in."""

    states: Sequence[str]
    base: str = ""
    volume_bytes: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A state in the words of the manifest, with its packed list and its entries."""

    state: BundledState
    packed: bytes
    entries: Sequence[Entry]
    withheld: Sequence[str]


class BundleMaking:
    """Begins jobs and does them."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        heads: Heads,
        key: BundleKey,
        find: Find,
        begin: Begin,
        wake: Callable[[JobId], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._heads = heads
        self._key = key
        self._find = find
        self._begin = begin
        self._wake = wake
        self._now = now

    def begin(self, actor: Actor, wish: BundleWish) -> JobId:
        """The job that makes it.

        Raises:
            InvalidRequest, NotFound, UnknownDistribution: there is no such state, or no such base.
        """
        demand(actor, Permission.BUNDLE_CREATE)
        _check(wish)
        with self._catalog.read() as reading:
            for reference in wish.states:
                self._find(reading, reference)
            base = _base_of(reading, wish)
        name = secrets.token_hex(16)
        parameters: dict[str, JsonValue] = {
            "id": name,
            "states": list(wish.states),
            "base": "" if base is None else base.id,
            "volume_bytes": wish.volume_bytes,
            "label": wish.label,
        }
        label = ", ".join(wish.states)[:200]
        with self._catalog.write() as unit:
            job = self._begin(unit, MAKE_JOB, label, actor, f"bundle:{name}", None, parameters)
            detail: dict[str, JsonValue] = {"bundle": name, "states": list(wish.states), "base": parameters["base"]}
            unit.audit(AuditEntry("BUNDLE_CREATE", "START", actor, self._now(), detail=detail))
        self._wake(job)
        return job

    def pursue(self, work: Work) -> Mapping[str, JsonValue]:
        """Do a job; begun again, it makes the same bundle, with what the states are by then.

        Raises:
            EntrepotError: a state is gone, or files of it are not there.
        """
        asked = work.parameters
        name, actor = str(asked["id"]), Actor(work.begun_by, frozenset(), work.address)
        with self._catalog.read() as reading:
            known = reading.bundle(name, made_here=True)
            base = reading.bundle(str(asked["base"]), made_here=True) if asked["base"] else None
        if known is not None:
            return _result(known, [])
        if asked["base"] and base is None:
            raise NotFound(f"bundle {asked['base']} was removed; make a full one")
        states = []
        for number, reference in enumerate(cast("Sequence[str]", asked["states"]), 1):
            if work.cancelled():
                return {}
            work.progress(event={"message": f"listing {reference}", "level": "info"})
            states.append(self._listed(number, reference))
        entries = {entry.digest: entry.size_bytes for one in states for entry in one.entries}
        there = set() if base is None else set(self._heads.get(base.head).sizes)
        carried = [digest for digest in entries if digest not in there]
        if self._look(work, entries):
            return {}
        head = self._head(name, base, str(asked["label"]), states, carried, entries)
        most = cast("int | None", asked["volume_bytes"])
        volumes = cut(len(head.to_bytes()), [entries[digest] for digest in carried], most)
        bundle = self._bundle(head, [(one.start, one.stop, one.size_bytes) for one in volumes], actor)
        withheld = [one for state in states for one in state.withheld]
        for text in withheld[:_MOST_NAMED]:
            work.progress(event={"message": f"left out, in quarantine: {text}", "level": "warning"})
        return self._note(actor, bundle, withheld)

    def _listed(self, number: int, reference: str) -> _Listed:
        with self._catalog.read() as reading:
            state = self._find(reading, reference)
            found = gather(reading, self._blobs, state)
        entries = found.entries + [
            Entry(path, self._blobs.put(body), len(body)) for path, body in sorted(found.roots.items())
        ]
        packed, count, size = write_list(entries)
        path = f"lists/{number}.jsonl.gz"
        return _Listed(_state(reference, state, found, path, count, size), packed, entries, found.withheld)

    def _look(self, work: Work, entries: Mapping[Digest, int]) -> bool:
        """Whether to stop; a state that is not whole is not carried anywhere."""
        for number, (digest, size) in enumerate(entries.items()):
            if number % _LOOK_EVERY == 0:
                if work.cancelled():
                    return True
                work.progress(done=number, total=len(entries))
            if not self._blobs.has(digest) or self._blobs.size_bytes(digest) != size:
                raise BundleIncomplete(
                    f"file {digest} of these states is not stored here; 'entrepot verify' tells more",
                    sha256=digest,
                )
        return False

    def _head(
        self,
        name: str,
        base: Bundle | None,
        label: str,
        states: Sequence[_Listed],
        carried: Sequence[Digest],
        sizes: Mapping[Digest, int],
    ) -> Head:
        manifest = BundleManifest(
            id=name,
            chain=name if base is None else base.chain,
            number=0 if base is None else base.place + 1,
            base="" if base is None else base.id,
            created_at=self._now().replace(microsecond=0),
            producer="Entrepot",
            label=label,
            file_count=len(carried),
            size_bytes=sum(sizes[digest] for digest in carried),
            states=[one.state for one in states],
            requires=sorted({one.state.content.value for one in states}),
        )
        signer = self._key.signer()
        small = {MANIFEST: manifest.to_bytes(), KEY: signer.armored()}
        small |= {one.state.list_path: one.packed for one in states}
        digests = {path: digest_of(data) for path, data in small.items()}
        sums = write_sums({**digests, **{file_path(digest): digest for digest in carried}})
        return Head(sums, signer.detach(sums), small)

    def _bundle(self, head: Head, volumes: Sequence[tuple[int, int, int]], actor: Actor) -> Bundle:
        return bundle_of(
            head,
            self._heads.keep(head),
            volumes,
            BundleStatus.READY,
            self._key.signer().fingerprints()[0],
            actor,
            self._now(),
            made_here=True,
        )

    def _note(self, actor: Actor, bundle: Bundle, withheld: Sequence[str]) -> Mapping[str, JsonValue]:
        detail: dict[str, JsonValue] = {
            "bundle": bundle.id,
            "base": bundle.base,
            "files": bundle.file_count,
            "bytes": bundle.size_bytes,
            "states": [str(state["reference"]) for state in bundle.states],
            "withheld": list(withheld[:_MOST_NAMED]),
        }
        with self._catalog.write() as unit:
            unit.add_bundle(bundle)
            unit.audit(AuditEntry("BUNDLE_CREATE", "SUCCESS", actor, self._now(), detail=detail))
        return _result(bundle, withheld)


def bundle_of(
    head: Head,
    digest: Digest,
    volumes: Sequence[tuple[int, int, int]],
    status: BundleStatus,
    signer: str,
    actor: Actor,
    now: datetime,
    *,
    made_here: bool,
) -> Bundle:
    """The row of a bundle whose head is stored."""
    manifest = head.manifest
    return Bundle(
        number=0,
        id=manifest.id,
        made_here=made_here,
        status=status,
        chain=manifest.chain,
        place=manifest.number,
        base=manifest.base,
        label=manifest.label,
        head=digest,
        file_count=manifest.file_count,
        size_bytes=manifest.size_bytes,
        volumes=volumes,
        states=[
            {
                "reference": state.reference,
                "distribution": state.path_name,
                "content": state.content.value,
                "files": state.entry_count,
                "generation": state.generation,
            }
            for state in manifest.states
        ],
        signer=signer,
        made_at=manifest.created_at,
        noted_at=now,
        noted_by=actor.name,
    )


def _result(bundle: Bundle, withheld: Sequence[str]) -> dict[str, JsonValue]:
    return {
        "bundle": bundle.id,
        "files": bundle.file_count,
        "bytes": bundle.size_bytes,
        "volumes": len(bundle.volumes),
        "withheld": list(withheld[:_MOST_NAMED]),
    }


def _check(wish: BundleWish) -> None:
    if not 1 <= len(wish.states) <= MOST_STATES or len(set(wish.states)) != len(wish.states):
        raise InvalidRequest(f"states: name 1 to {MOST_STATES} different states", field="states")
    if wish.volume_bytes is not None and wish.volume_bytes < LEAST_VOLUME_BYTES:
        raise InvalidRequest(f"volume_size: {LEAST_VOLUME_BYTES} bytes are the least", field="volume_size")
    if len(wish.label) > _MOST_LABEL:
        raise InvalidRequest(f"label: {_MOST_LABEL} characters are the most", field="label")


def _base_of(reading: Reading, wish: BundleWish) -> Bundle | None:
    if not wish.base:
        return None
    if wish.base != LATEST:
        found = reading.bundle(wish.base, made_here=True)
        if found is None:
            raise NotFound(f"no bundle {wish.base[:40]} was made here; make a full one")
        return found
    wanted = set(wish.states)
    for bundle in reading.bundles(0, 1000)[0]:
        if bundle.made_here and {str(state["reference"]) for state in bundle.states} == wanted:
            return bundle
    raise NotFound("no bundle of these states was made here; make a full one")


def _state(reference: str, state: State, found: Gathered, path: str, count: int, size: int) -> BundledState:
    suite, generation = state.suite, state.generation
    return BundledState(
        content=found.content,
        reference=reference,
        format=suite.format,
        archive=suite.archive.name,
        codename=suite.codename,
        list_path=path,
        entry_count=count,
        list_bytes=size,
        generation=generation.number,
        options=found.options,
        source=found.source,
    )
