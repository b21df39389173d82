"""Packages that a mirror brings, many at a time: looked at one by one, let in together when all of them are there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Writing
from entrepot.adapters.catalog.choices import Choice, ChoiceNews, ChoiceState
from entrepot.adapters.catalog.imports import Imported
from entrepot.adapters.catalog.records import Admission, AdmissionState, AuditEntry, JsonValue, StoredPackage
from entrepot.adapters.storage.base import BlobStore
from entrepot.adapters.storage.staged import Staged
from entrepot.domain.formats.base import Limits, PackageFormat
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.package import Format, PackageFacts, PackageKey
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.domain.policy.action import Action
from entrepot.domain.policy.gate import CheckOutcome, Ground, Judgement, Verdict, judge
from entrepot.domain.policy.security import GateRules
from entrepot.domain.upstream.mirror import MirrorRun
from entrepot.errors import LostRace, PackageQuarantined, SameKeyOtherBytes, UpstreamMisnamed
from entrepot.services.intake.admit import Candidate, check_key, live_in, open_admission, place, repeat_lost_races
from entrepot.services.intake.checks.asking import ask
from entrepot.services.intake.checks.base import Check, Surroundings
from entrepot.services.intake.decisions import acts
from entrepot.services.intake.findings import keep_scan
from entrepot.services.intake.receipts import RESULTS, STATES, steps_of, stored_subject, subject_of
from entrepot.services.intake.targets import Target

MISNAMED = "upstream.misnamed"
_STATES = {Verdict.ACCEPT: ChoiceState.READY, Verdict.HOLD: ChoiceState.HELD, Verdict.REFUSE: ChoiceState.REFUSED}


@dataclass(frozen=True, slots=True)
class Examined:
    """A file that was looked at, and is stored.

    ``facts`` are there when nobody knew it before; ``strange`` says that it is not what the index calls it.
    """

    choice: Choice
    component: str
    digest: Digest
    sha512: str
    size_bytes: int
    key: PackageKey
    facts: PackageFacts | None
    outcomes: Sequence[CheckOutcome]
    strange: str = ""


class Feeding:
    """The gate for mirrors: the same checks and rules as for an upload, and nothing seen before the run has ended."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        formats: Mapping[Format, PackageFormat],
        checks: Sequence[Check],
        rules: Callable[[Suite], GateRules],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._formats = formats
        self._checks = checks
        self._rules = rules
        self._now = now

    def rules_of(self, suite: Suite) -> str:
        """What the gate goes by, in letters: while they stay, a refusal stays."""
        rules = self._rules(suite)
        rules = replace(rules, stale_before={}, cooldown=replace(rules.cooldown, now=suite.created_at))
        return hashlib.sha256(repr((rules, [check.name for check in self._checks])).encode()).hexdigest()

    def examine(self, run: MirrorRun, choice: Choice, staged: Staged, *, hold_misnamed: bool) -> Examined:
        """Read a whole file, ask every check, store it.  May be called by several threads.

        Raises:
            MalformedPackage and its kin: the file is no good.
            UpstreamMisnamed: it is another package than the index says, and nobody wants to look at such.
            SameKeyOtherBytes: the archive knows this version with other content.
            ScannerUnavailable: to be asked again later.
        """
        digest, suite = staged.digest(), run.suite
        component = choice.component if choice.component in suite.options.components else suite.options.components[0]
        with self._catalog.read() as reading:
            known = reading.package_with_digest(digest)
        facts = None if known else self._read(choice, staged)
        key = known.key if known else facts.key if facts else choice.key
        strange = "" if key == choice.key else f"{run.source}: {choice.filename} should be {choice.key}, and is {key}"
        if strange and not hold_misnamed:
            raise UpstreamMisnamed(strange)
        with self._catalog.read() as reading:
            check_key(reading, suite, key, digest)
        if facts is None and known is not None:
            subject = stored_subject(known, suite, component)
        elif facts is not None:
            subject = subject_of(facts, digest, Target(suite, component))
        outcomes = ask(subject, self._checks, Surroundings(self._catalog, self._blobs, arriving=staged.reopen))
        staged.commit()
        return Examined(choice, component, digest, staged.sha512(), staged.size_bytes, key, facts, outcomes, strange)

    def _read(self, choice: Choice, staged: Staged) -> PackageFacts:
        with staged.reopen() as source:
            return self._formats[choice.key.format].read(source, staged.size_bytes, Limits())

    def judge(self, run: MirrorRun, found: Sequence[Examined]) -> list[ChoiceNews]:
        """Note what the gate says of a batch; what has to wait for a person does so from now on."""
        return repeat_lost_races(lambda: self._judge(run, found))

    def _judge(self, run: MirrorRun, found: Sequence[Examined]) -> list[ChoiceNews]:
        with self._catalog.write() as unit:
            news = [self._judge_one(unit, run, one) for one in found]
            unit.note_choices(news)
        return news

    def _judge_one(self, unit: Writing, run: MirrorRun, one: Examined) -> ChoiceNews:
        now, suite = self._now(), run.suite
        number = self._number(unit, run, one, now)
        against = acts.kept_out(unit, suite, number)
        accepted = unit.accepted_findings(number, suite.id, now)
        judgement = against or judge(one.outcomes, self._rules(suite), accepted)
        if one.strange:
            judgement = Judgement((*judgement.grounds, Ground("origin", MISNAMED, Action.REVIEW, one.strange)))
        steps, state = steps_of(one.outcomes, judgement), _STATES[judgement.verdict]
        reason = "; ".join(judgement.reasons)
        origin = (run.source, one.choice.filename, "", run.job, run.actor.name, now)
        unit.note_import(Imported(number, suite.id, *origin))
        if state is ChoiceState.READY:
            theirs = live_in(unit, suite, number, one.key) and one.choice.package_id is None
            return ChoiceNews(one.choice.number, ChoiceState.THERE if theirs else state, number, reason, steps)
        if open_admission(unit, suite, number, one.key) is None:
            asked = self._ask(run, number, one.component, STATES[judgement.verdict], steps, judgement.reasons, now)
            admission = unit.add_admission(asked)
            keep_scan(unit, suite, number, one.outcomes, now)
            if against is None:
                acts.note_wait(unit, admission, asked.state, one.outcomes, now)
            detail: dict[str, JsonValue] = {
                "architecture": one.key.architecture,
                "sha256": one.digest,
                "mirror": run.mirror,
                "source": run.source,
                "reasons": list(judgement.reasons),
            }
            result, key = RESULTS[asked.state], one.key
            unit.audit(AuditEntry("IMPORT", result, run.actor, now, key.name, key.version, suite.codename, detail))
        return ChoiceNews(one.choice.number, state, number, reason, steps)

    def _number(self, unit: Writing, run: MirrorRun, one: Examined, now: datetime) -> PackageId:
        known = unit.package_with_digest(one.digest)
        if known is not None:
            unit.seize(known.id)
            return known.id
        if one.facts is None:
            raise LostRace("the package was forgotten while it was looked at; it has to be looked at again")
        filename = self._formats[one.key.format].filename(one.key)
        return unit.add_package(one.facts, one.digest, one.sha512, one.size_bytes, filename, run.actor, now)

    def place(self, run: MirrorRun, choices: Sequence[Choice]) -> list[ChoiceNews]:
        """Put a batch of those that are ready into the suite."""
        with self._catalog.read() as reading:
            packages = {
                one.id: one for one in reading.packages([each.package_id for each in choices if each.package_id])
            }
        lost = [each.number for each in choices if not self._stored(packages, each)]
        if lost:
            with self._catalog.write() as unit:
                unit.note_choices([ChoiceNews(number, ChoiceState.WANTED) for number in lost])
            raise LostRace("packages were lost while the others came; the next run fetches them again")
        return repeat_lost_races(lambda: self._place(run, choices, packages))

    def _stored(self, packages: Mapping[PackageId, StoredPackage], choice: Choice) -> bool:
        package = packages.get(choice.package_id) if choice.package_id else None
        return package is not None and self._blobs.has(package.digest)

    def _place(
        self, run: MirrorRun, choices: Sequence[Choice], packages: Mapping[PackageId, StoredPackage]
    ) -> list[ChoiceNews]:
        now = self._now()
        with self._catalog.write() as unit:
            news = [self._place_one(unit, run, each, packages, now) for each in choices]
            unit.note_choices(news)
            names: list[JsonValue] = [str(one.key) for one, told in zip(choices, news, strict=True) if _entered(told)]
            if names:
                detail: dict[str, JsonValue] = {"mirror": run.mirror, "job": run.job, "packages": names}
                unit.audit(
                    AuditEntry("MIRROR_PLACE", "SUCCESS", run.actor, now, suite=run.suite.codename, detail=detail)
                )
        return news

    def _place_one(
        self, unit: Writing, run: MirrorRun, choice: Choice, packages: Mapping[PackageId, StoredPackage], now: datetime
    ) -> ChoiceNews:
        package = next(one for number, one in packages.items() if number == choice.package_id)
        format_, suite = self._formats[package.key.format], run.suite
        component = choice.component if choice.component in suite.options.components else suite.options.components[0]
        if live_in(unit, suite, package.id, package.key):
            return ChoiceNews(choice.number, ChoiceState.THERE, package.id)
        against = acts.kept_out(unit, suite, package.id)
        if against is not None:
            return ChoiceNews(choice.number, ChoiceState.REFUSED, package.id, "; ".join(against.reasons))
        try:
            revision = place(unit, suite, format_, Candidate.of(package), component, run.actor, now)
        except (SameKeyOtherBytes, PackageQuarantined) as error:
            return ChoiceNews(choice.number, ChoiceState.BAD, package.id, error.detail)
        waits, accepted = open_admission(unit, suite, package.id, package.key), AdmissionState.ACCEPTED
        if waits is not None:  # other rules than those that held it let it in
            unit.decide_admission(waits.id, accepted, choice.steps, (), SYSTEM, now, "", revision)
        else:
            unit.add_admission(self._ask(run, package.id, component, accepted, choice.steps, (), now, revision))
        return ChoiceNews(choice.number, ChoiceState.PLACED, package.id)

    def _ask(
        self,
        run: MirrorRun,
        number: PackageId,
        component: str,
        state: AdmissionState,
        steps: Sequence[Mapping[str, JsonValue]],
        reasons: Sequence[str],
        now: datetime,
        revision: int | None = None,
    ) -> Admission:
        return Admission(
            id=0,
            suite_id=run.suite.id,
            package_id=number,
            component=component,
            state=state,
            steps=steps,
            reasons=tuple(reasons),
            requested_by=run.actor.name,
            requested_at=now,
            revision=revision,
        )


def _entered(news: ChoiceNews) -> bool:
    return news.state is ChoiceState.PLACED
