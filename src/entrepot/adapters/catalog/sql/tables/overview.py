"""Indexes that answer the dashboard's sums without a look at the rows, which are wide."""

from __future__ import annotations

import sqlalchemy as sa

from entrepot.adapters.catalog.sql.tables.auditing import audit
from entrepot.adapters.catalog.sql.tables.packages import admission, content, package

audit_activity = sa.Index("ix_audit_activity", audit.c.action, audit.c.at, audit.c.result)
package_weight = sa.Index("ix_package_weight", package.c.name, package.c.format, package.c.size_bytes)
content_listed = sa.Index(
    "ix_content_listed",
    content.c.package_id,
    sqlite_where=sa.text("removed_revision IS NULL"),
    postgresql_where=sa.text("removed_revision IS NULL"),
)
admission_justified = sa.Index(
    "ix_admission_justified",
    admission.c.state,
    sqlite_where=sa.text("justification != ''"),
    postgresql_where=sa.text("justification != ''"),
)
