"""The tables, by theme.  Migrations are written from this metadata and checked against it."""

from entrepot.adapters.catalog.sql.tables.auditing import audit, audit_checkpoint, audit_head
from entrepot.adapters.catalog.sql.tables.base import Id, Moment, metadata
from entrepot.adapters.catalog.sql.tables.downloads import (
    access_log,
    download_audience,
    download_client,
    download_count,
    download_day,
    download_item,
    download_recent,
    download_salt,
)
from entrepot.adapters.catalog.sql.tables.messages import event_position, mail_template, message
from entrepot.adapters.catalog.sql.tables.packages import (
    admission,
    archive,
    claim,
    content,
    fragment,
    generation,
    generation_file,
    package,
    pool,
    suite,
)
from entrepot.adapters.catalog.sql.tables.people import account, api_token, ended_session
from entrepot.adapters.catalog.sql.tables.promotions import promotion
from entrepot.adapters.catalog.sql.tables.rates import rate_window
from entrepot.adapters.catalog.sql.tables.shelf import capability, shelf
from entrepot.adapters.catalog.sql.tables.upkeep import fact, node, throttle

__all__ = [
    "Id",
    "Moment",
    "access_log",
    "account",
    "admission",
    "api_token",
    "archive",
    "audit",
    "audit_checkpoint",
    "audit_head",
    "capability",
    "claim",
    "content",
    "download_audience",
    "download_client",
    "download_count",
    "download_day",
    "download_item",
    "download_recent",
    "download_salt",
    "ended_session",
    "event_position",
    "fact",
    "fragment",
    "generation",
    "generation_file",
    "mail_template",
    "message",
    "metadata",
    "node",
    "package",
    "pool",
    "promotion",
    "rate_window",
    "shelf",
    "suite",
    "throttle",
]
