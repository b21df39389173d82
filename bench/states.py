"""Snapshots and environments in a living process: the orders of ``bench.service`` about states."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from unittest import mock

from bench.service import Service, main
from bench.stores import CODENAME
from entrepot.adapters.catalog.records import Placing
from entrepot.domain.formats.base import Limits
from entrepot.domain.formats.deb.package import DebFormat
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.digest import digest_of
from entrepot.domain.model.package import Format
from entrepot.errors import EntrepotError
from entrepot.services.snapshots.choosing import Rule
from entrepot.services.snapshots.environments import Aim
from entrepot.services.snapshots.merging import MergeRequest

_AT_ONCE = 500


class States(Service):
    """One more suite beside ``bench``, for differences between suites."""

    def fill(self, files: Sequence[str], suite: str = CODENAME) -> None:
        """Put packages into a suite past the gate and without waiting for the disk: thousands in a second."""
        application, format_ = self._application, DebFormat()
        chosen = application.suites.initialise(SYSTEM, suite, Format.DEB, {"architectures": ["amd64"]}).suite
        rest = iter(files)
        while batch := list(islice(rest, _AT_ONCE)):
            with mock.patch("os.fsync"), application.catalog.write() as unit:
                revision = unit.touch_suite(chosen.id)
                for name in batch:
                    data = Path(name).read_bytes()
                    digest = digest_of(data)
                    known = unit.package_with_digest(digest)
                    facts = format_.read(io.BytesIO(data), len(data), Limits())
                    key = facts.key
                    path = format_.pool_path(key, facts.source, "main")
                    if known is None:
                        self.blobs.put(data)
                        number = unit.add_package(facts, digest, "", len(data), Path(name).name, SYSTEM, self.now())
                        unit.claim(chosen.archive.id, key, number)
                        if unit.pool_owner(chosen.archive.id, path) is None:
                            unit.take_pool_path(chosen.archive.id, path, number)
                    else:
                        number = known.id
                    tree = format_.tree(key.architecture)
                    unit.place(chosen.id, Placing(number, key, "main", tree, path), revision, SYSTEM, self.now())

    def replace(self, files: Sequence[str]) -> None:
        """Newer versions come, and what they replace leaves, under one revision."""
        names = {Path(file).name.partition("_")[0] for file in files}
        self.fill(files)
        with self._application.catalog.write() as unit:
            suite = unit.suite(self._suite_id)
            for found in unit.versions_at(suite.id, suite.revision, names).values():
                for one in found:
                    if not one.version.endswith("+bench1"):
                        unit.withdraw(suite.id, one.package_id, suite.revision)

    def publish_suite(self, suite: str) -> None:
        """Another one than ``bench``."""
        found = self._application.suites.find(SYSTEM, suite)
        self._application.publisher.publish(found.id)

    def snapshot(self, called: str, of: str = CODENAME) -> None:
        """As it is published."""
        self._application.snapshots.keep(SYSTEM, of, called)

    def diff(self, older: str, newer: str) -> dict[str, float]:
        """How many lines differ."""
        return {"lines": len(self._application.snapshots.difference(SYSTEM, older, newer).lines)}

    def merge(self, called: str, states: Sequence[str]) -> dict[str, float]:
        """The newest version of each."""
        request = MergeRequest(states, CODENAME, called, Rule.LATEST)
        done = self._application.merging.merge(SYSTEM, request, lambda *_: None)  # as a job, of any size
        return {"packages": done.selection.package_count}

    def plan(self, environment: str, called: str) -> dict[str, float]:
        """With what would break."""
        found = self._application.environments.plan(SYSTEM, environment, Aim([(CODENAME, called)]))
        return {"changes": len(found.changes)}

    def move(self, environment: str, called: str) -> None:
        """Until a client that asks then sees it; made when it is not there."""
        environments = self._application.environments
        try:
            environments.one(SYSTEM, environment)
        except EntrepotError:
            environments.create(SYSTEM, environment, "", protected=False)
        environments.point(SYSTEM, environment, Aim([(CODENAME, called)]), "measured", override=True)
        path = f"env/{environment}/dists/{CODENAME}/InRelease"
        if self._application.published.find(Format.DEB, "main", path, "http://localhost") is None:
            raise RuntimeError(f"{environment} shows nothing")


if __name__ == "__main__":
    main(States)
