"""Every route of the API, one table for each theme."""

from tests.architecture.calls import access, administration, audit, main, overview
from tests.architecture.calls.base import Call

CALLS: tuple[Call, ...] = (*main.CALLS, *administration.CALLS, *audit.CALLS, *overview.CALLS, *access.CALLS)


__all__ = ["CALLS", "Call"]
