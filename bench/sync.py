"""One synchronisation of a Debian source in a process of its own: ``python -m bench.sync FOLDER URL SUITE KEYRING``."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.outbound.addresses import system_resolve
from entrepot.adapters.outbound.fetching import Pace
from entrepot.adapters.outbound.scratch import Scratch
from entrepot.adapters.outbound.streaming import HttpFetcher
from entrepot.adapters.outbound.targets import Inside, target_of
from entrepot.adapters.signing import verification
from entrepot.adapters.signing.armor import Block, armor
from entrepot.domain.model.actor import SYSTEM
from entrepot.domain.model.package import Format
from entrepot.domain.upstream.source import Source, SourceId
from entrepot.services.upstream.courier import Courier, Ways
from entrepot.services.upstream.indexes import Indexes
from entrepot.services.upstream.roots import Roots
from entrepot.services.upstream.syncing import Syncing


def now() -> datetime:
    """Aware."""
    return datetime.now(UTC)


def main() -> None:
    """Once; the source is known from the first time on."""
    folder, (url, suite, keyring) = Path(sys.argv[1]), sys.argv[2:]
    target = target_of(url)
    inside = Inside.parse(" ".join(system_resolve(target.host, target.port)))
    key = armor(Block.PUBLIC_KEY, Path(keyring).read_bytes()).decode()
    source = Source(SourceId(0), "debian", "Debian", Format.DEB, url, suite, ("main",), ("amd64",), key)
    with closing(SqlCatalog(f"sqlite:///{folder}/c.db")) as catalog, closing(HttpFetcher()) as fetcher:
        courier = Courier(fetcher, Ways(inside, pace=Pace(tries=2)), bytes(32))
        syncing = Syncing(catalog, Roots(courier, verification, now), Indexes(courier, Scratch(folder / "s")), now)
        with catalog.write() as unit:
            known = unit.sources()
            number = known[0].id if known else unit.add_source(source)
        syncing.sync(number, SYSTEM, lambda *_: None)


if __name__ == "__main__":
    main()
