"""The part of the client about settings that can be changed while the server runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from typing_extensions import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.answers_overview import Tried
from entrepot.client.wire import JsonCall, sent


class DirectorySettings(TypedDict, total=False):
    """Settings of the directory to try in place of the stored ones."""

    ldap_url: str | None
    ldap_start_tls: bool | None
    ldap_bind_dn: str | None
    ldap_bind_password: str | None
    ldap_base_dn: str | None
    ldap_user_filter: str | None
    ldap_tls_ca: str | None


class Settings:
    """``Client.settings``; every call needs an administrator.  Secrets come masked."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def all(self) -> dict[str, object]:
        """``GET /settings``: nested, and again under flat names."""
        return self._call("GET", "/settings")

    def change(self, given: Mapping[str, object]) -> dict[str, object]:
        """``PATCH /settings``: a part of the document, nested or flat; ``None`` brings a default back."""
        return self._call("PATCH", "/settings", payload=given)

    def test_webhook(self, url: str | None = None) -> Tried:
        """``POST /settings/test-webhook``: one signed event, to the address in force or another one."""
        return shaped(self._call("POST", "/settings/test-webhook", payload=sent(url=url)), Tried, status=str)

    def test_email(self, to: str | None = None) -> Tried:
        """``POST /settings/test-email``: one mail, to the addresses in force or another one."""
        return shaped(self._call("POST", "/settings/test-email", payload=sent(to_override=to)), Tried, status=str)

    def test_directory(self, **tried: Unpack[DirectorySettings]) -> Tried:
        """``POST /settings/test-ldap``: bind and count, with the stored settings where none are given."""
        return shaped(self._call("POST", "/settings/test-ldap", payload=sent(**tried)), Tried, status=str)
