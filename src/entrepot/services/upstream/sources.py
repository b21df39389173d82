"""Which sources there are: those that come with the program, and those of administrators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.jobs import JobFilter
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.signing.base import Verification
from entrepot.domain.jobs.work import JobStatus
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.configuration import Configuration
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.domain.upstream.drafts import Draft, changed_source, new_source
from entrepot.domain.upstream.source import FIRST_BUILTIN, Source, SourceId
from entrepot.errors import AlreadyRunning, BadSignature, BuiltInSource, InvalidRequest, SourceMirrored
from entrepot.services.upstream import streaks
from entrepot.services.upstream.courier import Courier
from entrepot.services.upstream.wellknown import WELL_KNOWN

_ROWS_A_UNIT = 4000


def wanted_source(reading: Reading, key: str) -> Source:
    """By number or name.

    Raises:
        NotFound: there is none.
    """
    if key.isdigit() and len(key) < 16:
        return reading.source(SourceId(int(key)))
    return reading.source_called(key)


@dataclass(frozen=True, slots=True)
class Standing:
    """A source, and whether a job has yet to be done with it."""

    source: Source
    running: bool


class Sources:
    """The register."""

    def __init__(
        self,
        catalog: Catalog,
        courier: Courier,
        verification: Verification,
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._courier = courier
        self._verification = verification
        self._configuration = configuration
        self._now = now

    def prepare(self) -> None:
        """Have the sources that come with the program in the catalog; repeatable."""
        with self._catalog.read() as reading:
            known = {source.id: source for source in reading.sources()}
        for number, source in enumerate(WELL_KNOWN, FIRST_BUILTIN):
            if number not in known:
                with self._catalog.write() as unit:
                    if all(source.name != each.name for each in unit.sources()):
                        unit.add_source(replace(source, id=SourceId(number)))

    def all(self, actor: Actor) -> list[Standing]:
        """In order of their names."""
        demand(actor, Permission.SOURCE_READ)
        return self._listed()

    def states(self, actor: Actor) -> list[Standing]:
        """The same for readers, who see how the sources stand and nothing else of them."""
        demand(actor, Permission.UPSTREAM_READ)
        return self._listed()

    def one(self, actor: Actor, key: str) -> Standing:
        """By number or name.

        Raises:
            NotFound: there is none.
        """
        demand(actor, Permission.SOURCE_READ)
        with self._catalog.read() as reading:
            source = wanted_source(reading, key)
            return Standing(self.switched(source), source.id in _running(reading))

    def _listed(self) -> list[Standing]:
        with self._catalog.read() as reading:
            running = _running(reading)
            return [Standing(self.switched(source), source.id in running) for source in reading.sources()]

    def switched(self, source: Source) -> Source:
        """With the switch of the settings, which wins over the source's own."""
        return replace(source, enabled=self._configuration().sources.get(source.name, source.enabled))

    def create(self, actor: Actor, draft: Draft, secrets: Mapping[str, str]) -> Source:
        """A new one.

        Raises:
            InvalidRequest: something about it makes no sense.
            AlreadyExists: its name, or its URL for this distribution, is taken.
        """
        demand(actor, Permission.SOURCE_WRITE)
        source = self._checked(new_source(draft), secrets)
        with self._catalog.write() as unit:
            source = replace(source, id=unit.add_source(source))
            self._note(unit, actor, "SOURCE_CREATE", source)
        return source

    def change(self, actor: Actor, key: str, draft: Draft, secrets: Mapping[str, str]) -> Source:
        """What the draft says; secrets that are not given stay.

        Another URL, distribution or set of keys makes it another source: what was taken from the old one is no measure
        for it any more, and the next synchronisation begins anew.

        Raises:
            NotFound, InvalidRequest, AlreadyExists, BuiltInSource: see there.
        """
        demand(actor, Permission.SOURCE_WRITE)
        with self._catalog.write() as unit:
            before = wanted_source(unit, key)
            after = changed_source(before, draft)
            after = self._checked(after, {**self._courier.secrets(before), **secrets})
            unit.change_source(after)
            if _is_another(before, after):
                unit.note_source(after.id, replace(before.state, root=None))
            self._note(unit, actor, "SOURCE_UPDATE", after)
            return self.switched(unit.source(after.id))

    def remove(self, actor: Actor, key: str) -> Source:
        """With all that was listed from it; what was imported stays.

        Raises:
            NotFound: there is none.
            BuiltInSource: it comes with the program.
            AlreadyRunning: it is being synchronised; cancel that first.
            SourceMirrored: a mirror follows it.
        """
        demand(actor, Permission.SOURCE_WRITE)
        with self._catalog.read() as reading:
            source = wanted_source(reading, key)
            if source.builtin:
                raise BuiltInSource(f"{source.name} comes with the program; switch it off instead")
            if reading.running_job("sync", f"source:{source.id}") is not None:
                raise AlreadyRunning(f"{source.name} is being synchronised; cancel that first")
            if mirrors := ", ".join(mirror.name for mirror in reading.mirrors_of(source.id)):
                raise SourceMirrored(f"{mirrors} follows {source.name}; remove this mirror first", mirrors=mirrors)
        # Nothing of it can be found from here on, however long the rest takes.
        with self._catalog.write() as unit:
            unit.change_source(replace(source, enabled=False))
        while True:
            with self._catalog.write() as unit:
                if not unit.forget_upstream(source.id, (), _ROWS_A_UNIT):
                    unit.remove_source(source.id)
                    streaks.forget(unit, streaks.of_source(source))
                    self._note(unit, actor, "SOURCE_DELETE", source)
                    return source

    def _checked(self, source: Source, secrets: Mapping[str, str]) -> Source:
        if source.keyring:
            try:
                found = self._verification.fingerprints(source.keyring.encode())
            except BadSignature:
                raise InvalidRequest(
                    "gpg_key: that is no OpenPGP certificate; send the armored public key itself", field="gpg_key"
                ) from None
            wanted = source.trust.fingerprints
            if wanted and not set(wanted) & set(found):
                raise InvalidRequest(f"gpg_key: none of the keys of {source.name} is in it", field="gpg_key")
        return replace(source, reach=replace(source.reach, sealed=self._courier.seal(secrets)))

    def _note(self, unit: Writing, actor: Actor, action: str, source: Source) -> None:
        detail: dict[str, JsonValue] = {
            "source": source.name,
            "url": source.url,
            "distribution": source.distribution,
            "enabled": source.enabled,
            "keyring": bool(source.keyring),
            "allow_unsigned": source.trust.allow_unsigned,
        }
        unit.audit(AuditEntry(action, "SUCCESS", actor, self._now(), detail=detail))


def _running(reading: Reading) -> frozenset[int]:
    jobs, _ = reading.jobs(JobFilter(("sync",), "", "sync", JobStatus.RUNNING), 0, 100)
    return frozenset(
        number
        for job in jobs
        for number in set(_numbers(job.parameters.get("sources"))) - set(_numbers(job.position.get("done")))
    )


def _numbers(value: object) -> list[int]:
    return [int(each) for each in value] if isinstance(value, (list, tuple)) else []


def _is_another(before: Source, after: Source) -> bool:
    names = ("url", "distribution", "components", "architectures", "keyring", "trust")
    return any(getattr(before, name) != getattr(after, name) for name in names)
