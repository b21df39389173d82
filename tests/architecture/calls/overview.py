"""Download statistics, dashboard, logs, license."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (Call("GET", "/downloads/stats", Role.MAINTAINER),)
