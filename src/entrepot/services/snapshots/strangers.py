"""Packages that a merge would bring to a distribution which never had them: its rules are asked, as for a promotion."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from entrepot.adapters.catalog.base import Catalog
from entrepot.domain.model.suite import PackageId, Suite
from entrepot.errors import MergeRefused

Against = Callable[[Mapping[PackageId, str], Suite], Mapping[PackageId, str]]
"""What keeps packages, each in a component, out of a suite; those that it simply lets in are not named."""

Told = Callable[[str, int, int | None], None]
"""Hears which stage a merge is in, and how far; may raise, and then nothing is merged."""

_BATCH = 200


class Strangers:
    """Asks about each once; ``most`` is how many may be asked about, none for any number."""

    def __init__(self, catalog: Catalog, against: Against, most: int | None) -> None:
        self._catalog = catalog
        self._against = against
        self._most = most
        self._seen: set[PackageId] = set()
        self.kept_out: dict[PackageId, str] = {}

    def ask(self, suite: Suite, chosen: Mapping[PackageId, str], told: Told) -> bool:
        """Whether some of these, which come from other suites, must not enter; then others are to be chosen.

        Raises:
            MergeRefused: they are too many for a request.
        """
        new = {number: component for number, component in chosen.items() if number not in self._seen}
        with self._catalog.read() as reading:
            at_home = reading.shown_before(suite.id, new)
        self._seen.update(new)
        strangers = [number for number in new if number not in at_home]
        if self._most is not None and len(strangers) > self._most:
            raise MergeRefused(
                f"{len(strangers)} packages are new to {suite.codename} and its rules have to be asked about each; "
                "have a job do it: POST /snapshots/merge/jobs, or --job"
            )
        before, known = len(self.kept_out), suite.options.components
        for start in range(0, len(strangers), _BATCH):
            told("asking the rules", start, len(strangers))
            batch = strangers[start : start + _BATCH]
            some = {number: new[number] if new[number] in known else known[0] for number in batch}
            for number, reason in self._against(some, suite).items():
                self.kept_out[number] = f"the rules of {suite.codename} do not let it in: {reason}"
        return len(self.kept_out) > before
