"""The catalog: units over one engine, and the schema it needs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from entrepot.adapters.catalog.base import Reading, Writing
from entrepot.adapters.catalog.sql.accounts import AccountQueries
from entrepot.adapters.catalog.sql.admissions import AdmissionQueries
from entrepot.adapters.catalog.sql.downloads import DownloadQueries
from entrepot.adapters.catalog.sql.engine import make_engine, translated, unit
from entrepot.adapters.catalog.sql.index import IndexQueries
from entrepot.adapters.catalog.sql.messages import MessageQueries
from entrepot.adapters.catalog.sql.people import PeopleQueries
from entrepot.adapters.catalog.sql.schema import upgrade
from entrepot.adapters.catalog.sql.shelf import ShelfQueries
from entrepot.adapters.catalog.sql.suites import SuiteQueries


class Unit(
    SuiteQueries,
