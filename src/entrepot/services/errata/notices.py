"""Errata: why there is an update, told to dnf and zypper by updateinfo.xml, to others by a feed in the suite."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.naming import find_suite
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.queue.base import Queue
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.erratum import Erratum, ErratumKind, Notice
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand, demand_suite
from entrepot.errors import InvalidRequest
from entrepot.services.errata.chosen import chosen

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}")
CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")
LINK = re.compile(r"https?://[^\s<>\"]{1,1000}")
MOST_LINKS = 100
_TITLE_CHARACTERS = 500
_TEXT_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Told:
    """An erratum, the suite that tells it, and the revision from which on it does."""

    erratum: Erratum
    suite: Suite
    revision: int


class Notices:
    """Issue, amend, withdraw; each makes a new revision of the suite."""

    def __init__(self, catalog: Catalog, queue: Queue, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._queue = queue
        self._now = now

    def all(self, actor: Actor, distribution: str) -> tuple[Suite, list[Erratum]]:
        """Of one distribution, newest first."""
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            suite = find_suite(reading, distribution)
            return suite, reading.errata(suite.id)[::-1]

    def one(self, actor: Actor, distribution: str, code: str) -> tuple[Suite, Erratum]:
        """By its code."""
        demand(actor, Permission.PACKAGE_READ)
        with self._catalog.read() as reading:
            suite = find_suite(reading, distribution)
            return suite, reading.erratum(suite.id, code)

    def issue(self, actor: Actor, distribution: str, notice: Notice) -> Told:
        """A new one.

        Raises:
            InvalidRequest, UnknownDistribution, NotFound: what is said does not fit the suite.
            AlreadyExists: the code is taken.
        """
        demand(actor, Permission.ERRATUM_WRITE)
        check_notice(notice)
        now = self._now()
        with self._catalog.write() as unit:
            suite = find_suite(unit, distribution)
            demand_suite(actor, suite)
            revision = unit.touch_suite(suite.id)
            erratum = write_erratum(unit, actor, suite, notice, now)
        return self._told(erratum, suite, revision)

    def amend(self, actor: Actor, distribution: str, code: str, notice: Notice) -> Told:
        """Say some of it anew; clients see the later date."""
        demand(actor, Permission.ERRATUM_WRITE)
        check_notice(notice)
        now = self._now()
        with self._catalog.write() as unit:
            suite = find_suite(unit, distribution)
            demand_suite(actor, suite)
            revision = unit.touch_suite(suite.id)
            old = unit.erratum(suite.id, code)
            if notice.code not in (None, old.code):
                raise InvalidRequest("an erratum keeps its code; issue another one")
            erratum = Erratum(
                id=old.id,
                suite_id=suite.id,
                code=old.code,
                kind=notice.kind or old.kind,
                severity=notice.severity or old.severity,
                title=old.title if notice.title is None else notice.title,
                description=old.description if notice.description is None else notice.description,
                cves=old.cves if notice.cves is None else tuple(dict.fromkeys(notice.cves)),
                links=old.links if notice.links is None else tuple(dict.fromkeys(notice.links)),
                packages=old.packages if notice.packages is None else chosen(unit, suite, notice.packages),
                issued_at=old.issued_at,
                updated_at=now,
                issued_by=old.issued_by,
            )
            unit.change_erratum(erratum)
            note(unit, actor, "ERRATUM_AMEND", erratum, suite, now)
        return self._told(erratum, suite, revision)

    def withdraw(self, actor: Actor, distribution: str, code: str) -> Told:
        """Clients are told no more of it; the packages stay."""
        demand(actor, Permission.ERRATUM_WRITE)
        now = self._now()
        with self._catalog.write() as unit:
            suite = find_suite(unit, distribution)
            demand_suite(actor, suite)
            revision = unit.touch_suite(suite.id)
            erratum = unit.erratum(suite.id, code)
            unit.remove_erratum(erratum.id)
            note(unit, actor, "ERRATUM_WITHDRAW", erratum, suite, now)
        return self._told(erratum, suite, revision)

    def _told(self, erratum: Erratum, suite: Suite, revision: int) -> Told:
        self._queue.submit(Goal(GoalKind.PUBLISH, suite.id))
        return Told(erratum, suite, revision)


def write_erratum(unit: Writing, actor: Actor, suite: Suite, notice: Notice, now: datetime) -> Erratum:
    """A new one, in the caller's unit, which has the suite.

    Raises:
        InvalidRequest, NotFound: what is said does not fit the suite.
        AlreadyExists: the code is taken.
    """
    demand(actor, Permission.ERRATUM_WRITE)
    check_notice(notice)
    packages = chosen(unit, suite, notice.packages or ())
    kind = notice.kind or (ErratumKind.SECURITY if notice.cves else ErratumKind.BUGFIX)
    names = sorted({one.key.name for one in packages})
    erratum = Erratum(
        id=0,
        suite_id=suite.id,
        code=notice.code or next_code(unit, suite, now.year),
        kind=kind,
        severity=notice.severity or Severity.UNKNOWN,
        title=notice.title or f"{', '.join(names[:5])}: {kind.value} update",
        description=notice.description or "",
        cves=tuple(dict.fromkeys(notice.cves or ())),
        links=tuple(dict.fromkeys(notice.links or ())),
        packages=packages,
        issued_at=now,
        updated_at=now,
        issued_by=actor.name,
    )
    erratum = replace(erratum, id=unit.add_erratum(erratum))
    note(unit, actor, "ERRATUM_ISSUE", erratum, suite, now)
    return erratum


def check_notice(notice: Notice) -> None:
    """Raises ``InvalidRequest`` where a word is against its rule."""
    if notice.code is not None and not _CODE.fullmatch(notice.code):
        raise InvalidRequest("the code of an erratum is up to 64 letters, digits and the signs . _ : + -")
    if notice.title is not None and not 0 < len(notice.title.strip()) <= _TITLE_CHARACTERS:
        raise InvalidRequest(f"a title has between 1 and {_TITLE_CHARACTERS} characters")
    if notice.description is not None and len(notice.description) > _TEXT_CHARACTERS:
        raise InvalidRequest(f"a description has at most {_TEXT_CHARACTERS} characters")
    for words, pattern, what in ((notice.cves, CVE, "a CVE such as CVE-2026-12345"), (notice.links, LINK, "a link")):
        if len(words or ()) > MOST_LINKS:
            raise InvalidRequest(f"an erratum names at most {MOST_LINKS} of each")
        for word in words or ():
            if not pattern.fullmatch(word):
                raise InvalidRequest(f"{word[:80]!r} is not {what}")


def next_code(reading: Reading, suite: Suite, year: int) -> str:
    """The next one of a year."""
    prefix = f"{suite.options.attributes.get('erratum_prefix', 'EP')}-{year}:"
    numbers = [one.code.removeprefix(prefix) for one in reading.errata(suite.id) if one.code.startswith(prefix)]
    return f"{prefix}{max((int(one) for one in numbers if one.isdecimal()), default=0) + 1:04}"


def note(unit: Writing, actor: Actor, action: str, erratum: Erratum, suite: Suite, now: datetime) -> None:
    """In the log."""
    detail: dict[str, JsonValue] = {
        "erratum": erratum.code,
        "kind": erratum.kind.value,
        "severity": erratum.severity.value,
        "cves": list(erratum.cves)[:20],
        "packages": [str(one.key) for one in erratum.packages[:20]],
    }
    unit.audit(AuditEntry(action, "SUCCESS", actor, now, suite=suite.codename, detail=detail))
