"""What the suites of each archive are signed with."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.keys import SigningState
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.suite import ArchiveId


class KeyQueries:
    """Implements ``KeyReading`` and ``KeyWriting``."""

    _connection: sa.Connection

    def signing_states(self) -> Mapping[ArchiveId, SigningState]:
        """All; there is one for each archive."""
        found = [
            SigningState(ArchiveId(row.archive_id), row.certificate, tuple(row.fingerprints), row.since)
            for row in self._connection.execute(sa.select(t.signing_state))
        ]
        return {state.archive_id: state for state in found}

    def set_signing_state(self, state: SigningState) -> None:
        """In one statement, since several nodes may see a new key at once."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        values = {
            "certificate": state.certificate,
            "fingerprints": list(state.fingerprints),
            "since": state.since,
        }
        row = insert(t.signing_state).values(archive_id=state.archive_id, **values)
        self._connection.execute(row.on_conflict_do_update(index_elements=["archive_id"], set_=values))
