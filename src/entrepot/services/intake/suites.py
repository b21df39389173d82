"""Archives and suites as data: the ones that exist out of the box, and new ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading, Writing
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.queue.base import Queue
from entrepot.adapters.signing.base import Keyring
from entrepot.domain.jobs.goals import Goal, GoalKind
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import DEFAULT_ARCHIVE, Archive, Suite, SuiteId, SuiteOptions
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import AlreadyExists, InvalidRequest, NotFound, SuiteInUse
from entrepot.services.intake.suite_options import with_options
from entrepot.services.intake.targets import find_suite, refuse_verbatim

_NAME = re.compile(r"[a-z0-9][a-z0-9.+~-]{0,63}\Z")
_CODENAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.+_~-]{0,63}\Z")
_RESERVED = frozenset({"snapshot", "env"})

_NAMED = 5
"""So many of a kind are named when a suite is in use."""
_EMPTIED = 200
"""So many packages leave a removed suite in one unit."""
_DEB = ("amd64", "arm64")
_RPM = ("x86_64", "aarch64")


@dataclass(frozen=True, slots=True)
class Known:
    """A distribution that exists out of the box."""

    codename: str
    format: Format
    os: str
    version: str
    full_name: str
    color: str


OUT_OF_THE_BOX: tuple[Known, ...] = (
    Known("jammy", Format.DEB, "ubuntu", "22.04", "Ubuntu 22.04 LTS (Jammy Jellyfish)", "#E95420"),
    Known("noble", Format.DEB, "ubuntu", "24.04", "Ubuntu 24.04 LTS (Noble Numbat)", "#E95420"),
    Known("focal", Format.DEB, "ubuntu", "20.04", "Ubuntu 20.04 LTS (Focal Fossa)", "#E95420"),
    Known("bookworm", Format.DEB, "debian", "12", "Debian 12 (bookworm)", "#A80030"),
    Known("almalinux8", Format.RPM, "almalinux", "8", "AlmaLinux 8", "#0F4266"),
    Known("almalinux9", Format.RPM, "almalinux", "9", "AlmaLinux 9", "#0F4266"),
    Known("rocky8", Format.RPM, "rocky", "8", "Rocky Linux 8", "#10B981"),
    Known("rocky9", Format.RPM, "rocky", "9", "Rocky Linux 9", "#10B981"),
    Known("centos-stream9", Format.RPM, "centos", "9", "CentOS Stream 9", "#932279"),
    Known("oraclelinux8", Format.RPM, "oraclelinux", "8", "Oracle Linux 8", "#C74634"),
    Known("oraclelinux9", Format.RPM, "oraclelinux", "9", "Oracle Linux 9", "#C74634"),
    Known("fedora", Format.RPM, "fedora", "", "Fedora", "#3C6EB4"),
    Known("opensuse-leap-15.6", Format.RPM, "opensuse", "15.6", "openSUSE Leap 15.6", "#73BA25"),
    Known("opensuse-tumbleweed", Format.RPM, "opensuse", "", "openSUSE Tumbleweed", "#73BA25"),
)


@dataclass(frozen=True, slots=True)
class SuiteName:
    """All parts of a name; together they name one suite."""

    format: Format
    archive: str
    codename: str

    def __str__(self) -> str:
        return f"{self.format.value}/{self.archive}/{self.codename}"


@dataclass(frozen=True, slots=True)
class Initialised:
    """A suite that exists now; ``created`` when it did not before."""

    suite: Suite
    created: bool
    revision: int


class Suites:
    """Make, change and list suites."""

    def __init__(
        self,
        catalog: Catalog,
        queue: Queue,
        keyring: Keyring,
        prepare_key: Callable[[Archive], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._queue = queue
        self._keyring = keyring
        self._prepare_key = prepare_key
        self._now = now

    def prepare(self) -> None:
        """At start: every archive has its key, and the distributions out of the box exist, unless they were removed.

        Idempotent.
        """
        with self._catalog.read() as reading:
            existing = reading.suites(removed=True)
            wanted = [known for known in OUT_OF_THE_BOX if not self._exists(existing, known)]
        if wanted:
            with self._catalog.write() as unit:
                existing = unit.suites(removed=True)
                for known in wanted:
                    if not self._exists(existing, known):
                        self._add(unit, known.format, DEFAULT_ARCHIVE, known.codename, default_options(known))
        with self._catalog.read() as reading:
            archives = reading.archives()
        for archive in archives:
            self._prepare_key(archive)

    def _exists(self, suites: Sequence[Suite], known: Known) -> bool:
        return any(
            known.codename in (suite.codename, suite.former_codename)
            and suite.format is known.format
            and suite.archive.name == DEFAULT_ARCHIVE
            for suite in suites
        )

    def _add(self, unit: Writing, format_: Format, archive_name: str, codename: str, options: SuiteOptions) -> Suite:
        archive = unit.archive(format_, archive_name) or unit.add_archive(format_, archive_name)
        for suite in unit.suites(archive.id):
            refuse_verbatim(suite)
        return unit.add_suite(archive, codename, options, self._now())

    def all(self, actor: Actor, format_: Format | None = None) -> list[Suite]:
        """All suites, or those of one format."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            return [suite for suite in reading.suites() if format_ is None or suite.format is format_]

    def find(self, actor: Actor, distribution: str) -> Suite:
        """One by ``[archive/]codename``."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            return find_suite(reading, distribution)

    def sizes(self, actor: Actor) -> Mapping[SuiteId, tuple[int, int, datetime | None]]:
        """Live packages, bytes and last arrival by suite."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            return reading.suite_sizes()

    def initialise_all(self, actor: Actor) -> list[Initialised]:
        """Publish every suite anew under a fresh revision."""
        demand(actor, Permission.SUITE_WRITE)
        with self._catalog.write() as unit:
            suites = unit.suites()
            found = [Initialised(suite, created=False, revision=unit.touch_suite(suite.id)) for suite in suites]
            unit.audit(AuditEntry("INIT_DISTS", "SUCCESS", actor, self._now(), detail={"count": len(found)}))
        self._publish(found)
        return found

    def named(self, actor: Actor, name: SuiteName) -> Suite:
        """One by all parts of its name.

        Raises:
            NotFound: there is none.
        """
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            return _the_suite(reading, name)

    def states(self, actor: Actor, name: SuiteName) -> tuple[Suite, list[Generation]]:
        """Every state that is kept, the newest first.

        Raises:
            NotFound: there is no such suite.
        """
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            suite = _the_suite(reading, name)
            return suite, list(reading.generations(suite.id))

    def create(self, actor: Actor, name: SuiteName, options: Mapping[str, object]) -> Initialised:
        """A new suite, published at once.

        Raises:
            InvalidRequest: a name or option is outside its grammar.
            AlreadyExists: there is such a suite.
        """
        demand(actor, Permission.SUITE_WRITE)
        check_names(name.archive, name.codename)
        return self.initialise(actor, f"{name.archive}/{name.codename}", name.format, options, new=True)

    def change(self, actor: Actor, name: SuiteName, options: Mapping[str, object]) -> Initialised:
        """Some options, published at once.

        Raises:
            InvalidRequest: an option is outside its grammar.
            NotFound: there is no such suite.
            VerbatimSuite: it shows what an upstream has signed.
        """
        demand(actor, Permission.SUITE_WRITE)
        return self.initialise(actor, f"{name.archive}/{name.codename}", name.format, options, new=False)

    def remove(self, actor: Actor, name: SuiteName, *, force: bool) -> Suite:
        """Machines find it no more; with ``force`` also when it has packages.  What came and went stays as history.

        Raises:
            NotFound: there is no such suite.
            SuiteInUse: naming what hangs on it, or how many packages it has.
        """
        demand(actor, Permission.SUITE_WRITE)
        with self._catalog.write() as unit:
            suite = _the_suite(unit, name)
            unit.touch_suite(suite.id)  # who changes it waits, and then finds it gone
            count = unit.package_count(suite.id)
            _demand_unused(suite, unit.uses(suite.id, _NAMED), count, force=force)
            now = self._now()
            unit.remove_suite(suite.id, now)
            detail: dict[str, JsonValue] = {"suite": suite.path_name, "packages": count, "force": force}
            unit.audit(AuditEntry("DIST_DELETE", "SUCCESS", actor, now, suite=suite.codename, detail=detail))
        while True:  # what a crash leaves here is taken out by the collector
            with self._catalog.write() as unit:
                if unit.empty_removed(_EMPTIED) < _EMPTIED:
                    return suite

    def initialise(
        self,
        actor: Actor,
        distribution: str,
        format_: Format | None,
        options: Mapping[str, object],
        *,
        new: bool | None = None,
    ) -> Initialised:
        """Create a suite, or publish it anew; given options change it.  ``new`` says that only one of both will do.

        Raises:
            InvalidRequest: a name or option is outside its grammar.
            AlreadyExists, NotFound, VerbatimSuite: see ``create`` and ``change``.
        """
        demand(actor, Permission.SUITE_WRITE)
        archive_name, slash, codename = distribution.partition("/")
        if not slash:
            archive_name, codename = DEFAULT_ARCHIVE, distribution
        check_names(archive_name, codename)
        now = self._now()
        with self._catalog.write() as unit:
            fitting = [
                suite
                for suite in unit.suites()
                if suite.archive.name == archive_name
                and suite.codename == codename
                and (format_ is None or suite.format is format_)
            ]
            if new is not None:
                _expect(fitting, distribution, new=new)
            if fitting:
                changed = with_options(fitting[0].options, options)
                revision = unit.change_suite(fitting[0].id, changed)
                done = Initialised(unit.suite(fitting[0].id), created=False, revision=revision)
            else:
                kind = format_ or Format.DEB
                base = SuiteOptions(architectures=_DEB if kind is Format.DEB else _RPM, suite=codename)
                suite = self._add(unit, kind, archive_name, codename, with_options(base, options))
                done = Initialised(suite, created=True, revision=suite.revision)
            unit.audit(AuditEntry("INIT_DISTS", "SUCCESS", actor, now, suite=codename, detail={"new": done.created}))
        self._prepare_key(done.suite.archive)
        self._publish([done])
        return done

    def republish(self, actor: Actor) -> int:
        """Have every suite looked at again; the number of live packages."""
        demand(actor, Permission.INDEX_REBUILD)
        with self._catalog.write() as unit:
            found = [Initialised(suite, created=False, revision=unit.touch_suite(suite.id)) for suite in unit.suites()]
            unit.audit(AuditEntry("SYNC", "SUCCESS", actor, self._now()))
            count = sum(count for count, _, _ in unit.suite_sizes().values())
        self._publish(found)
        return count

    def _publish(self, found: Sequence[Initialised]) -> None:
        for one in found:
            self._queue.submit(Goal(GoalKind.PUBLISH, one.suite.id))

    def archives(self, actor: Actor) -> list[tuple[Archive, tuple[str, ...]]]:
        """Archives with the fingerprints of their keys."""
        demand(actor, Permission.SUITE_READ)
        with self._catalog.read() as reading:
            archives = reading.archives()
        return [(archive, self._keyring.signer(archive.key_name).fingerprints()) for archive in archives]


def _the_suite(reading: Reading, name: SuiteName) -> Suite:
    archive = reading.archive(name.format, name.archive)
    suite = None if archive is None else reading.suite_named(archive.id, name.codename)
    if suite is None:
        raise NotFound(f"there is no suite {name}"[:300])
    return suite


def _demand_unused(suite: Suite, uses: Sequence[str], count: int, *, force: bool) -> None:
    if uses:
        raise SuiteInUse(f"{suite.path_name} is in use by {', '.join(uses)}; remove or decide these first")
    if count and not force:
        packages = "1 package" if count == 1 else f"{count} packages"
        raise SuiteInUse(f"{suite.path_name} has {packages}; remove these first, or say force", packages=count)


def _expect(fitting: Sequence[Suite], distribution: str, *, new: bool) -> None:
    if new and fitting:
        raise AlreadyExists(f"there is a suite {fitting[0].path_name}; change it instead")
    if not new and not fitting:
        raise NotFound(f"there is no suite {distribution[:200]} of this format")
    if not new:
        refuse_verbatim(fitting[0])


def default_options(known: Known) -> SuiteOptions:
    """Options of a distribution out of the box."""
    return SuiteOptions(
        architectures=_DEB if known.format is Format.DEB else _RPM,
        suite=known.codename,
        version=known.version,
        description=f"Packages for {known.full_name}",
        codecs=("gz", "xz") if known.format is Format.DEB else ("gz",),
        attributes={"os": known.os, "full_name": known.full_name, "color": known.color},
    )


def check_names(archive: str, codename: str) -> None:
    """Names become parts of URLs and of signed files.

    Raises:
        InvalidRequest: with the rule.
    """
    if not _NAME.match(archive):
        raise InvalidRequest(f"archive name {archive[:80]!r} must be lower-case letters, digits, '.', '+', '~', '-'")
    if codename in _RESERVED:
        raise InvalidRequest(f"{codename!r} cannot be a codename: it begins the paths of snapshots and environments")
    if not _CODENAME.match(codename):
        raise InvalidRequest(f"codename {codename[:80]!r} must be letters, digits, '.', '+', '_', '~', '-'")


__all__ = ["OUT_OF_THE_BOX", "Initialised", "SuiteName", "Suites"]
