"""Signing keys over time: a new one beside the old, the old one retired, ends moved.

The keyring says which keys there are; the catalog says which ones the suites were asked to be signed with.  Where the
two differ, the suites take a new revision: at once by whoever changed the keyring, or at the next beat by any keeper.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.keys import SigningState
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.signing.base import KeyAlgorithm, KeyInfo, Keyring, NewKey
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import SYSTEM, Actor
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Archive, ArchiveId, SuiteId
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import InvalidRequest, KeyOverlap, NotFound, SigningUnavailable

_log = structlog.get_logger(__name__)

OVERLAP = timedelta(days=30)
MOST_KEYS = 2
_LIFETIME = re.compile(r"([1-9][0-9]{0,4})([dwmy])\Z")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_MOST_DAYS = 100 * 365
_TOPS = {Format.DEB: "apt", Format.RPM: "rpm"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new key as somebody asks for it; what is empty is as in the settings of the installation."""

    name: str = ""
    email: str = ""
    expire: str = ""
    algorithm: str = ""
    archive: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveKeys:
    """The keys of an archive in signing order; ``since`` is when they came into force together."""

    archive: Archive
    keys: Sequence[KeyInfo]
    since: datetime | None
    armored: bytes


@dataclass(frozen=True, slots=True)
class Changed:
    """Archives whose keys are others now, and the revisions under which their suites are signed anew."""

    keys: Sequence[KeyInfo]
    revisions: Mapping[SuiteId, int]
    codenames: Mapping[SuiteId, str]


class SigningKeys:
    """Rotates, retires, extends; finds suites that are signed with other keys than there are."""

    def __init__(
        self, catalog: Catalog, keyring: Keyring, queue: Queue, defaults: Wanted, now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._keyring = keyring
        self._queue = queue
        self._defaults = defaults
        self._now = now
        self._seen: dict[ArchiveId, str] = {}

    def show(self, actor: Actor) -> list[ArchiveKeys]:
        """Public facts of all archives that have keys.  Raises ``SigningUnavailable``."""
        demand(actor, Permission.SETTING_READ)
        with self._catalog.read() as reading:
            archives, states = reading.archives(), reading.signing_states()
        names = set(self._keyring.names())
        found = []
        for archive in archives:
            if archive.key_name in names:
                state = states.get(archive.id)
                armored = self._keyring.signer(archive.key_name).armored()
                keys = self._keyring.keys(archive.key_name)
                found.append(ArchiveKeys(archive, keys, None if state is None else state.since, armored))
        return found

    def rotate(self, actor: Actor, wanted: Wanted) -> Changed:
        """Make a key beside the one that there is; from now on both sign, and clients are given both.

        Archives that have two already are left alone, so that an interrupted rotation can be asked for again.

        Raises:
            KeyOverlap: all of them have two.
            InvalidRequest, NotFound: no such algorithm, lifetime or archive.
        """
        demand(actor, Permission.KEY_WRITE)
        archives = self._archives(wanted.archive)
        algorithm, now = _algorithm(wanted.algorithm or self._defaults.algorithm), self._now()
        expires_at = _end(wanted.expire or self._defaults.expire, now)
        made: list[tuple[Archive, KeyInfo]] = []
        refused: KeyOverlap | None = None
        for archive in archives:
            new = NewKey(_uid(archive, wanted, self._defaults), algorithm, now, expires_at)
            try:
                made.append((archive, self._keyring.add(archive.key_name, new, MOST_KEYS)))
            except KeyOverlap as error:
                refused = error
        if refused is not None and not made:
            raise refused
        return self._sign_anew(actor, "GPG_GENERATE", made)

    def retire(self, actor: Actor, archive: str, *, force: bool) -> Changed:
        """Take the older of two keys away: clients that know only that one are lost.

        Raises:
            KeyOverlap: both have signed for less than 30 days, unless ``force``; or not all suites are signed by both.
            InvalidRequest: no archive has two keys.
        """
        demand(actor, Permission.KEY_WRITE)
        chosen = []
        with self._catalog.read() as reading:
            states, suites = reading.signing_states(), reading.suites()
        for one in self._archives(archive):
            keys = self._keyring.keys(one.key_name)
            if len(keys) < MOST_KEYS:
                continue
            state = states.get(one.id)
            settled = state is not None and tuple(state.fingerprints) == tuple(key.fingerprint for key in keys)
            own = [suite for suite in suites if suite.archive.id == one.id]
            behind = any(suite.published_revision < suite.revision for suite in own)
            if state is None or not settled or behind:
                raise KeyOverlap(f"not every suite of {one.name} is signed by both keys yet; try again in a minute")
            age = self._now() - state.since
            if age < OVERLAP and not force:
                raise KeyOverlap(
                    f"the keys of {_TOPS[one.format]}/{one.name} overlap for {age.days} days; machines that were not "
                    f"updated meanwhile know only the old one: wait for {OVERLAP.days} days, or force it",
                    overlap_days=age.days,
                )
            chosen.append((one, keys[0]))
        if not chosen:
            raise InvalidRequest("no archive has two keys; rotate first")
        for one, key in chosen:
            self._keyring.retire(one.key_name, key.fingerprint)
        return self._sign_anew(actor, "GPG_RETIRE", chosen)

    def extend(self, actor: Actor, archive: str, expire: str) -> Changed:
        """Give the keys another end; clients learn of it when they fetch them anew.

        Raises:
            InvalidRequest, NotFound: no such lifetime or archive.
        """
        demand(actor, Permission.KEY_WRITE)
        now = self._now()
        expires_at, changed = _end(expire, now), []
        for one in self._archives(archive):
            changed += [(one, key) for key in self._keyring.extend(one.key_name, expires_at, now)]
        return self._sign_anew(actor, "GPG_EXTEND", changed)

    def settle(self) -> list[Goal]:
        """Find archives whose keys are not those that their suites were asked to be signed with."""
        with self._catalog.read() as reading:
            archives = reading.archives()
        goals: list[Goal] = []
        for archive in archives:
            try:
                mark = self._keyring.mark(archive.key_name)
                if self._seen.get(archive.id) == mark:
                    continue
                revisions, _ = self._note(archive, SYSTEM, "GPG_CHANGE", ())
            except SigningUnavailable:  # told by the health of this installation
                continue
            self._seen[archive.id] = mark
            goals += [Goal(GoalKind.PUBLISH, suite_id) for suite_id in revisions]
        return goals

    def _sign_anew(self, actor: Actor, action: str, changed: Sequence[tuple[Archive, KeyInfo]]) -> Changed:
        revisions: dict[SuiteId, int] = {}
        codenames: dict[SuiteId, str] = {}
        for archive in dict.fromkeys(archive for archive, _ in changed):
            fingerprints = [key.fingerprint for one, key in changed if one == archive]
            more, names = self._note(archive, actor, action, fingerprints)
            revisions |= more
            codenames |= names
        for suite_id in revisions:
            self._queue.submit(Goal(GoalKind.PUBLISH, suite_id))
        return Changed([key for _, key in changed], revisions, codenames)

    def _note(
        self, archive: Archive, actor: Actor, action: str, about: Sequence[str]
    ) -> tuple[dict[SuiteId, int], dict[SuiteId, str]]:
        """Compare; where it differs, one unit: a new revision for each suite, what it was for, and its audit entry."""
        signer = self._keyring.signer(archive.key_name)
        certificate = hashlib.sha256(signer.certificate()).hexdigest()
        fingerprints, now = signer.fingerprints(), self._now()
        revisions: dict[SuiteId, int] = {}
        with self._catalog.read() as reading:
            before = reading.signing_states().get(archive.id)
        if before is not None and before.certificate == certificate and not about:
            return {}, {}
        with self._catalog.write() as unit:
            before = unit.signing_states().get(archive.id)
            suites = unit.suites(archive.id)
            same = before is not None and tuple(before.fingerprints) == fingerprints
            since = before.since if before is not None and same else now
            if before is not None or about:  # an archive that is looked at for the first time was signed with these
                revisions = {suite.id: unit.touch_suite(suite.id) for suite in suites}
                detail: dict[str, JsonValue] = {
                    "archive": f"{_TOPS[archive.format]}/{archive.name}",
                    "fingerprints": list(fingerprints),
                    "about": list(about),
                }
                unit.audit(AuditEntry(action, "SUCCESS", actor, now, detail=detail))
            unit.set_signing_state(SigningState(archive.id, certificate, fingerprints, since))
        _log.info("keys.settled", archive=archive.key_name, keys=len(fingerprints), suites=len(revisions))
        return revisions, {suite.id: suite.codename for suite in suites}

    def _archives(self, wanted: str) -> list[Archive]:
        """All that have keys, or those that ``apt/main``, ``rpm/main`` or ``main`` means."""
        with self._catalog.read() as reading:
            archives = reading.archives()
        names = set(self._keyring.names())
        known = [archive for archive in archives if archive.key_name in names]
        if not wanted:
            return known
        fitting = [one for one in known if wanted in (one.name, f"{_TOPS[one.format]}/{one.name}")]
        if not fitting:
            raise NotFound(f"there is no archive {wanted[:80]!r} with keys")
        return fitting


def _algorithm(word: str) -> KeyAlgorithm:
    try:
        return KeyAlgorithm(word)
    except ValueError:
        raise InvalidRequest(f"unknown algorithm {word[:40]!r}; there are rsa4096 and ed25519") from None


def _end(lifetime: str, now: datetime) -> datetime | None:
    """When something ends that lives for ``90d``, ``12w``, ``6m`` or ``2y`` from now; ``0`` and ``never`` are none."""
    if lifetime in ("", "0", "never"):
        return None
    found = _LIFETIME.match(lifetime)
    days = int(found[1]) * _DAYS[found[2]] if found else 0
    if not 0 < days <= _MOST_DAYS:
        raise InvalidRequest(f"{lifetime[:40]!r} is no lifetime such as 90d, 6m, 2y or never")
    return now + timedelta(days=days)


def _uid(archive: Archive, wanted: Wanted, defaults: Wanted) -> str:
    name = wanted.name or f"Entrepot {archive.format.value} archive {archive.name}"
    email = wanted.email or defaults.email
    return f"{name} <{email}>" if email else name
