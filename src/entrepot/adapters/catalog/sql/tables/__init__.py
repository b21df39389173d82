"""The tables, by theme.  Migrations are written from this metadata and checked against it."""

from entrepot.adapters.catalog.sql.tables.advisories import (
    advisory,
    advisory_affected,
    advisory_head,
    advisory_name,
    exploitation,
    feed,
)
from entrepot.adapters.catalog.sql.tables.auditing import audit, audit_checkpoint, audit_head
from entrepot.adapters.catalog.sql.tables.base import Id, Moment, metadata
from entrepot.adapters.catalog.sql.tables.bundles import bundle, bundle_target
from entrepot.adapters.catalog.sql.tables.choices import mirror_choice, suite_document
from entrepot.adapters.catalog.sql.tables.contents import bundled, composition
from entrepot.adapters.catalog.sql.tables.decisions import decision, held, quarantine
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
from entrepot.adapters.catalog.sql.tables.errata import erratum, erratum_package, rollout, rollout_package
from entrepot.adapters.catalog.sql.tables.factors import password_reset, recovery_code, second_factor
from entrepot.adapters.catalog.sql.tables.federation import sign_in_code
from entrepot.adapters.catalog.sql.tables.findings import finding, scan, vulnerability
from entrepot.adapters.catalog.sql.tables.imports import imported
from entrepot.adapters.catalog.sql.tables.intake import incoming_file
from entrepot.adapters.catalog.sql.tables.jobs import job, job_event
from entrepot.adapters.catalog.sql.tables.keys import signing_state
from entrepot.adapters.catalog.sql.tables.messages import event_position, mail_template, message
from entrepot.adapters.catalog.sql.tables.mirrors import mirror, mirror_file
from entrepot.adapters.catalog.sql.tables.overview import audit_activity
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
from entrepot.adapters.catalog.sql.tables.provenance import build_rule, evidence, trusted_key
from entrepot.adapters.catalog.sql.tables.rates import rate_window
from entrepot.adapters.catalog.sql.tables.retention import pin, run, schedule
from entrepot.adapters.catalog.sql.tables.rights import (
    account_group,
    account_role,
    api_token_role,
    membership,
    role,
    role_permission,
)
from entrepot.adapters.catalog.sql.tables.shelf import capability, shelf
from entrepot.adapters.catalog.sql.tables.snapshots import environment, environment_move, merge, snapshot
from entrepot.adapters.catalog.sql.tables.sources import source, upstream_capability, upstream_package
from entrepot.adapters.catalog.sql.tables.upkeep import fact, node, throttle

__all__ = [
    "Id",
    "Moment",
    "access_log",
    "account",
    "account_group",
    "account_role",
    "admission",
    "advisory",
    "advisory_affected",
    "advisory_head",
    "advisory_name",
    "api_token",
    "api_token_role",
    "archive",
    "audit",
    "audit_activity",
    "audit_checkpoint",
    "audit_head",
    "build_rule",
    "bundle",
    "bundle_target",
    "bundled",
    "capability",
    "claim",
    "composition",
    "content",
    "decision",
    "download_audience",
    "download_client",
    "download_count",
    "download_day",
    "download_item",
    "download_recent",
    "download_salt",
    "ended_session",
    "environment",
    "environment_move",
    "erratum",
    "erratum_package",
    "event_position",
    "evidence",
    "exploitation",
    "fact",
    "feed",
    "finding",
    "fragment",
    "generation",
    "generation_file",
    "held",
    "imported",
    "incoming_file",
    "job",
    "job_event",
    "mail_template",
    "membership",
    "merge",
    "message",
    "metadata",
    "mirror",
    "mirror_choice",
    "mirror_file",
    "node",
    "package",
    "password_reset",
    "pin",
    "pool",
    "promotion",
    "quarantine",
    "rate_window",
    "recovery_code",
    "role",
    "role_permission",
    "rollout",
    "rollout_package",
    "run",
    "scan",
    "schedule",
    "second_factor",
    "shelf",
    "sign_in_code",
    "signing_state",
    "snapshot",
    "source",
    "suite",
    "suite_document",
    "throttle",
    "trusted_key",
    "upstream_capability",
    "upstream_package",
    "vulnerability",
]
