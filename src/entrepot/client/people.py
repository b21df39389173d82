"""The part of the client about accounts and API tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from entrepot.client.answers import ApiTokens, Done, NewApiToken, UserRow, Users, shaped
from entrepot.client.segments import segment

_PER_PAGE = 200


class JsonCall(Protocol):
    """One request and its answer."""

    def __call__(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        payload: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        """Raises ``ClientError``."""
        ...


class People:
    """``Client.people``; every call needs an administrator."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def users(self, page: int = 1) -> Users:
        """``GET /auth/users``, one page."""
        body = self._call("GET", "/auth/users", {"page": page, "per_page": _PER_PAGE})
        return shaped(body, Users, users=list, total=int)

    def create_user(self, username: str, password: str, *, role: str, full_name: str, email: str) -> UserRow:
        """``POST /auth/users``."""
        payload = {"username": username, "password": password, "role": role, "full_name": full_name, "email": email}
        return shaped(self._call("POST", "/auth/users", payload=payload), UserRow, username=str)

    def change_user(self, username: str, *, role: str | None = None, active: bool | None = None) -> UserRow:
        """``PATCH /auth/users/{username}``."""
        payload = {name: value for name, value in (("role", role), ("active", active)) if value is not None}
        return shaped(self._call("PATCH", f"/auth/users/{segment(username)}", payload=payload), UserRow, username=str)

    def reset_password(self, username: str, password: str) -> Done:
        """``POST /auth/users/{username}/reset-password``."""
        path = f"/auth/users/{segment(username)}/reset-password"
        return shaped(self._call("POST", path, payload={"new_password": password}), Done, status=str)

    def remove_second_factor(self, username: str) -> Done:
        """``DELETE /auth/users/{username}/mfa``."""
        return shaped(self._call("DELETE", f"/auth/users/{segment(username)}/mfa"), Done, status=str)

    def remove_user(self, username: str) -> Done:
        """``DELETE /auth/users/{username}``."""
        return shaped(self._call("DELETE", f"/auth/users/{segment(username)}"), Done, status=str)

    def api_tokens(self) -> ApiTokens:
        """``GET /auth/api-tokens``."""
        return shaped(self._call("GET", "/auth/api-tokens"), ApiTokens, tokens=list)

    def create_api_token(
        self, name: str, role: str, *, distributions: Sequence[str] | None = None, expires_days: int | None = None
    ) -> NewApiToken:
        """``POST /auth/api-tokens``; the secret is in ``token`` and nowhere else."""
        payload: dict[str, object] = {"name": name, "role": role}
        if distributions:
            payload["distributions"] = list(distributions)
        if expires_days is not None:
            payload["expires_days"] = expires_days
        return shaped(self._call("POST", "/auth/api-tokens", payload=payload), NewApiToken, token=str, name=str)

    def revoke_api_token(self, token: str) -> Done:
        """``DELETE /auth/api-tokens/{token}``, by id or name."""
        return shaped(self._call("DELETE", f"/auth/api-tokens/{segment(token)}"), Done, status=str)
