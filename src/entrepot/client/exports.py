"""The part of the client about exports: states as plain trees of files, in folders of the server."""

from __future__ import annotations

from entrepot.client.answers import shaped
from entrepot.client.answers_bundles import BegunExport
from entrepot.client.wire import Wire


class ExportsTheme:
    """``Client.exports``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def begin(self, state: str, folder: str, *, delete_after: int = 86_400, site: str = "") -> BegunExport:
        """``POST /exports``: begin, without waiting; ``Client.jobs`` follows it."""
        payload: dict[str, object] = {"state": state, "folder": folder, "delete_after": delete_after, "site": site}
        return shaped(self._wire("POST", "/exports", None, payload), BegunExport, job_id=str)
