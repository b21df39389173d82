"""Trusted keys, rules about builds, and evidence beside packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.adapters.catalog.provenance import Evidence, EvidenceKind, TrustedKey, TrustKind
from entrepot.adapters.catalog.records import JsonValue
from entrepot.adapters.catalog.sql import tables as t
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.suite import SuiteId

_TRUSTED = (
    sa.select(t.trusted_key).where(t.trusted_key.c.suite_id == sa.bindparam("its_suite")).order_by(t.trusted_key.c.id)
)
_RULES = sa.select(t.build_rule.c.rules).where(t.build_rule.c.suite_id == sa.bindparam("its_suite"))
_EVIDENCE = (
    sa.select(t.evidence).where(t.evidence.c.package_digest == sa.bindparam("its_digest")).order_by(t.evidence.c.id)
)


class ProvenanceQueries:
    """Implements ``ProvenanceReading`` and ``ProvenanceWriting``."""

    _connection: sa.Connection

    def trusted_keys(self, suite_id: SuiteId) -> list[TrustedKey]:
        """By the time they came."""
        return [
            TrustedKey(
                suite_id=SuiteId(row.suite_id),
                kind=TrustKind(row.kind),
                fingerprint=row.fingerprint,
                name=row.name,
                material=bytes(row.material),
                weak=row.weak,
                expires_at=row.expires_at,
                added_by=row.added_by,
                added_at=row.added_at,
            )
            for row in self._connection.execute(_TRUSTED, {"its_suite": suite_id})
        ]

    def build_rules(self, suite_id: SuiteId) -> Sequence[Mapping[str, JsonValue]]:
        """As they were set."""
        return list(self._connection.execute(_RULES, {"its_suite": suite_id}).scalar_one_or_none() or [])

    def evidence_of(self, package_digest: Digest) -> list[Evidence]:
        """By the time it came."""
        return [
            Evidence(
                package_digest=Digest(row.package_digest),
                kind=EvidenceKind(row.kind),
                digest=Digest(row.digest),
                size_bytes=row.size_bytes,
                added_by=row.added_by,
                added_at=row.added_at,
                facts=row.facts,
            )
            for row in self._connection.execute(_EVIDENCE, {"its_digest": package_digest})
        ]

    def trust_key(self, key: TrustedKey) -> bool:
        """Delete and insert, so that what was replaced is the newest."""
        known = self.distrust_key(key.suite_id, key.fingerprint)
        row = {
            "suite_id": key.suite_id,
            "kind": key.kind.value,
            "fingerprint": key.fingerprint,
            "name": key.name,
            "material": key.material,
            "weak": key.weak,
            "expires_at": key.expires_at,
            "added_by": key.added_by,
            "added_at": key.added_at,
        }
        self._connection.execute(sa.insert(t.trusted_key).values(**row))
        return not known

    def distrust_key(self, suite_id: SuiteId, fingerprint: str) -> bool:
        """By its fingerprint."""
        here = (t.trusted_key.c.suite_id == suite_id, t.trusted_key.c.fingerprint == fingerprint)
        return bool(self._connection.execute(sa.delete(t.trusted_key).where(*here)).rowcount)

    def set_build_rules(self, suite_id: SuiteId, rules: Sequence[Mapping[str, JsonValue]]) -> None:
        """In one statement."""
        values = {"rules": [dict(one) for one in rules]}
        row = self._inserting(t.build_rule).values(suite_id=suite_id, **values)
        self._connection.execute(row.on_conflict_do_update(index_elements=["suite_id"], set_=values))

    def add_evidence(self, evidence: Evidence) -> bool:
        """Unless it is there."""
        row = self._inserting(t.evidence).values(
            package_digest=evidence.package_digest,
            kind=evidence.kind.value,
            digest=evidence.digest,
            size_bytes=evidence.size_bytes,
            facts=dict(evidence.facts),
            added_by=evidence.added_by,
            added_at=evidence.added_at,
        )
        kept = row.on_conflict_do_nothing(index_elements=["package_digest", "digest"]).returning(t.evidence.c.id)
        return self._connection.execute(kept).first() is not None

    def _inserting(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        return (postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert)(table)
