"""The catalog: units over one engine, and the schema it needs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.adapters.catalog.sql.accounts import AccountQueries
from entrepot.adapters.catalog.sql.admissions import AdmissionQueries
from entrepot.adapters.catalog.sql.advisories import AdvisoryQueries
from entrepot.adapters.catalog.sql.auditing import AuditQueries
from entrepot.adapters.catalog.sql.bundles import BundleQueries
from entrepot.adapters.catalog.sql.choices import ChoiceQueries
from entrepot.adapters.catalog.sql.contents import ContentsQueries
from entrepot.adapters.catalog.sql.decisions import DecisionQueries
from entrepot.adapters.catalog.sql.demand import DemandQueries
from entrepot.adapters.catalog.sql.downloads import DownloadQueries
from entrepot.adapters.catalog.sql.engine import make_engine, translated, unit
from entrepot.adapters.catalog.sql.exploitation import ExploitationQueries
from entrepot.adapters.catalog.sql.factors import FactorQueries
from entrepot.adapters.catalog.sql.federation import FederationQueries
from entrepot.adapters.catalog.sql.figures import FigureQueries
from entrepot.adapters.catalog.sql.findings import FindingQueries
from entrepot.adapters.catalog.sql.flushes import Flushes
from entrepot.adapters.catalog.sql.groups import GroupQueries
from entrepot.adapters.catalog.sql.imports import ImportQueries
from entrepot.adapters.catalog.sql.incoming import IncomingQueries
from entrepot.adapters.catalog.sql.index import IndexQueries
from entrepot.adapters.catalog.sql.jobs import JobQueries
from entrepot.adapters.catalog.sql.keys import KeyQueries
from entrepot.adapters.catalog.sql.merges import MergeQueries
from entrepot.adapters.catalog.sql.messages import MessageQueries
from entrepot.adapters.catalog.sql.mirrors import MirrorQueries
from entrepot.adapters.catalog.sql.offers import OfferQueries
from entrepot.adapters.catalog.sql.overview import OverviewQueries
from entrepot.adapters.catalog.sql.people import PeopleQueries
from entrepot.adapters.catalog.sql.promotions import PromotionQueries
from entrepot.adapters.catalog.sql.provenance import ProvenanceQueries
from entrepot.adapters.catalog.sql.rates import RateQueries
from entrepot.adapters.catalog.sql.removals import RemovalQueries
from entrepot.adapters.catalog.sql.retention import RetentionQueries
from entrepot.adapters.catalog.sql.schema import upgrade
from entrepot.adapters.catalog.sql.shelf import ShelfQueries
from entrepot.adapters.catalog.sql.snapshots import SnapshotQueries
from entrepot.adapters.catalog.sql.sources import SourceQueries
from entrepot.adapters.catalog.sql.suites import SuiteQueries
from entrepot.adapters.catalog.sql.turns import WriteTurns
from entrepot.adapters.pools import close_for_good


class Unit(
    SuiteQueries,
    RemovalQueries,
    SnapshotQueries,
    MergeQueries,
    ShelfQueries,
    PromotionQueries,
    OfferQueries,
    ContentsQueries,
    AdmissionQueries,
    IndexQueries,
    IncomingQueries,
    PeopleQueries,
    AccountQueries,
    GroupQueries,
    FactorQueries,
    AuditQueries,
    DownloadQueries,
    OverviewQueries,
    MessageQueries,
    RateQueries,
    FederationQueries,
    FigureQueries,
    RetentionQueries,
    KeyQueries,
    SourceQueries,
    ImportQueries,
    MirrorQueries,
    DemandQueries,
    ChoiceQueries,
    BundleQueries,
    JobQueries,
    FindingQueries,
    AdvisoryQueries,
    ExploitationQueries,
    ProvenanceQueries,
    DecisionQueries,
):
    """All queries over one connection, inside one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._unchained = []


class SqlCatalog:
    """Implements ``Catalog``; opening it brings the schema up to date.

    ``shared`` says that other processes of the same server write to it as well.
    """

    def __init__(self, url: str, *, shared: bool = False) -> None:
        self.engine = make_engine(url)
        try:
            with translated():
                upgrade(self.engine)
        except BaseException:
            self.engine.dispose()
            raise
        self._watch: sqlite3.Connection | None = None
        self._watch_lock = threading.Lock()
        self._turns: WriteTurns | None = None
        self._flushes: Flushes | None = None
        if self.engine.dialect.name == "sqlite":
            database = str(self.engine.url.database)
            self._watch = sqlite3.connect(database, check_same_thread=False)
            self._flushes = Flushes(database)
            self._turns = WriteTurns(Path(f"{database}-turn") if shared else None)

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """One consistent state."""
        with unit(self.engine, writes=False) as connection:
            yield Unit(connection)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Writing]:
        """One change, whole or not at all."""
        with (
            self._turns.taken() if self._turns is not None else nullcontext(),
            unit(self.engine, writes=True) as connection,
        ):
            made = Unit(connection)
            if not durable and self._flushes is None:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
            yield made
            made.chain()
        if durable and self._flushes is not None:
            self._flushes.flush()

    def version(self) -> int | None:
        """SQLite's ``data_version`` of a connection that never writes."""
        if self._watch is None:
            return None
        with self._watch_lock:
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def ping(self) -> None:
        """Whether the database answers."""
        with unit(self.engine, writes=False) as connection:
            connection.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        """Let go of all connections."""
        if self._watch is not None:
            self._watch.close()
        if self._turns is not None:
            self._turns.close()
        close_for_good(self.engine)
