"""The part of the client about the server itself: health, numbers, set-up, edition."""

from __future__ import annotations

from typing import Literal

from entrepot.client.answers import Health, shaped
from entrepot.client.answers_people import FirstAdministrator, License, Preflight, SetupStatus
from entrepot.client.transport import Call, failure
from entrepot.client.wire import Wire


class ServerTheme:
    """``Client.server``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def health(self, probe: Literal["", "live", "ready"] = "") -> Health:
        """``GET /health`` and its probes ``GET /health/live`` and ``GET /health/ready``.

        A 503 that describes the server is an answer here, not an error; never waits.
        """
        answer = self._wire.transport.send(Call("GET", f"/health/{probe}" if probe else "/health"))
        if answer.status >= 400 and answer.status != 503:
            raise failure(answer)
        if answer.status == 503 and b'"status"' not in answer.content:
            raise failure(answer)
        return shaped(answer.json(), Health, status=str)

    def metrics(self) -> str:
        """``GET /metrics``: numbers of the process that answers, as Prometheus reads them."""
        return self._wire.text("/metrics")

    def setup_status(self) -> SetupStatus:
        """``GET /setup/status``: whether there is an administrator."""
        return shaped(self._wire("GET", "/setup/status"), SetupStatus, setup_done=bool)

    def preflight(self) -> Preflight:
        """``GET /setup/preflight``: whether everything is ready for the set-up; later for administrators."""
        return shaped(self._wire("GET", "/setup/preflight"), Preflight, checks=dict, ready=bool)

    def set_up(
        self, setup_token: str, username: str, password: str, *, email: str = "", full_name: str = ""
    ) -> FirstAdministrator:
        """``POST /setup``, once, with the one-time token that the server printed.  Never waits."""
        payload = {
            "admin_username": username,
            "admin_password": password,
            "admin_email": email,
            "admin_full_name": full_name,
        }
        body = self._wire.at_once("/setup", payload, {"x-setup-token": setup_token})
        return shaped(body, FirstAdministrator, access_token=str)

    def license(self) -> License:
        """``GET /license``: there is one edition, with everything in it."""
        return shaped(self._wire("GET", "/license"), License, edition=str)

    def activate_license(self, license_key: str = "") -> License:
        """``POST /license/activate``: changes nothing."""
        body = self._wire("POST", "/license/activate", payload={"license_key": license_key})
        return shaped(body, License, edition=str)

    def remove_license(self) -> License:
        """``DELETE /license``: changes nothing."""
        return shaped(self._wire("DELETE", "/license"), License, edition=str)
