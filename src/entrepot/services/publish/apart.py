"""Generations that are never in force: indexes of a state that was merged, made once, for those who freeze it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.choices import CarriedDocument
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.erratum import Erratum
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Listing, Suite, SuiteId
from entrepot.errors import LostRace
from entrepot.services.publish.documents import Documents, Twins, seal
from entrepot.services.publish.drafts import Built, Drafts, PublisherParts, affordable
from entrepot.services.publish.packs import PackWriter
from entrepot.services.publish.trees import TreeWriter


@dataclass(frozen=True, slots=True)
class At:
    """The catalog at a revision, or in a state apart."""

    reading: Reading
    revision: int

    def listings(
        self,
        suite_id: SuiteId,
        component: str,
        architectures: Sequence[str],
        kind: str,
        first: bytes = b"",
        before: bytes | None = None,
    ) -> Iterator[Listing]:
        """As they were."""
        return self.reading.listings(suite_id, component, architectures, kind, first, before, self.revision)

    def listing_count(self, suite_id: SuiteId, component: str, architectures: Sequence[str]) -> int:
        """How many there were."""
        return self.reading.listing_count(suite_id, component, architectures, self.revision)

    def fragment_bytes(self, suite_id: SuiteId, component: str, architectures: Sequence[str], kind: str) -> int:
        """Of those that were there."""
        return self.reading.fragment_bytes(suite_id, component, architectures, kind, self.revision)


class Apart:
    """Builds them.  Segments that other generations have with the same text are taken over, not packed again."""

    def __init__(
        self, catalog: Catalog, parts: PublisherParts, trees: Mapping[Format, TreeWriter], now: Callable[[], datetime]
    ) -> None:
        self._catalog = catalog
        self._parts = parts
        self._trees = trees
        self._now = now

    def build(
        self, suite: Suite, state: int, count: int, like: Sequence[Digest], errata_of: Sequence[SuiteId]
    ) -> Digest:
        """The manifest of a state with ``count`` packages; ``like`` are manifests that have much of the same text.

        Raises:
            GenerationRefused: it does not read back as the catalog has it.
            SigningUnavailable, StoreFull, StoreUnavailable, CatalogUnavailable: try again later.
        """
        # Of its own: running digests of the suite itself must not go on from here.
        documents = Documents(self._parts.blobs, self._parts.map_jobs)
        drafts = Drafts(self._parts, self._trees, documents)
        known = [self._parts.manifests.get(manifest) for manifest in dict.fromkeys(like)]
        twins = Twins(stored for manifest in known for stored in manifest.documents.values())
        with self._catalog.read() as reading, PackWriter(self._parts.blobs) as writer:
            built: list[Built] = []
            at = At(reading, state)
            for plan in self._trees[suite.format].plan(suite):
                if plan.later is None:
                    document = documents.refresh(at, suite, plan, None, frozenset(), twins, writer)
                    built.append(Built(plan, document, state))
                elif affordable(at, suite, plan):
                    document = documents.gather(at, suite, plan, plan.later, twins, writer)
                    built.append(Built(plan, document, state))
            extras = drafts.extras(suite, _errata(reading, errata_of), _documents(reading, errata_of))
            pack = writer.close()
        sealed = {each.plan.name: replace(each, document=seal(each.document, pack)) for each in built}
        return drafts.write(suite, sealed, (count, extras), None, self._now(), state).manifest

    def demand_kept(self, manifest: Digest) -> None:
        """Raises ``LostRace``: this process was stopped for longer than the collector waits."""
        for blob in (manifest, *self._parts.manifests.get(manifest).packs()):
            if not self._parts.blobs.has(blob):
                raise LostRace("what was written for this state is gone; it has to be built again")


def _errata(reading: Reading, suites: Sequence[SuiteId]) -> list[Erratum]:
    """Of all suites; the first that has a code has it."""
    found: dict[str, Erratum] = {}
    for suite_id in dict.fromkeys(suites):
        for one in reading.errata(suite_id):
            found.setdefault(one.code, one)
    return list(found.values())


def _documents(reading: Reading, suites: Sequence[SuiteId]) -> list[CarriedDocument]:
    """Of all suites; the first that has one of a kind has it."""
    found: dict[str, CarriedDocument] = {}
    for suite_id in dict.fromkeys(suites):
        for one in reading.documents(suite_id):
            found.setdefault(one.kind, one)
    return list(found.values())
