"""What all tables share: names of constraints, times, numbers of rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(sa.TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds: the same order and the same value on every engine."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """Refuses naive times, which would be somebody's local ones."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Always aware."""
        return None if value is None else _EPOCH + int(value) * _MICROSECOND


Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers rows itself only for INTEGER keys


def id_column() -> sa.Column[int]:
    """Rows number themselves."""
    return sa.Column("id", Id, primary_key=True)
