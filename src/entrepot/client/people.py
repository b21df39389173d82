"""The part of the client about accounts and API tokens."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.client.answers import ApiTokens, Done, NewApiToken, UserRow, Users, shaped
from entrepot.client.segments import segment
from entrepot.client.wire import JsonCall, given, sent

_PER_PAGE = 200


class People:
    """``Client.people``; every call needs an administrator.  A role may be the name of a custom one."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def users(self, page: int = 1, per_page: int = _PER_PAGE, *, text: str | None = None) -> Users:
        """``GET /auth/users``, one page; ``text`` is looked for in names and mail addresses."""
        body = self._call("GET", "/auth/users", given(q=text, page=page, per_page=per_page))
        return shaped(body, Users, users=list, total=int)

    def create_user(
        self, username: str, password: str, *, role: str | Sequence[str], full_name: str = "", email: str = ""
    ) -> UserRow:
        """``POST /auth/users``."""
        payload = {"username": username, "password": password, "full_name": full_name, "email": email}
        return shaped(self._call("POST", "/auth/users", payload=payload | _roles(role)), UserRow, username=str)

    def change_user(
        self,
        username: str,
        *,
        role: str | Sequence[str] | None = None,
        active: bool | None = None,
        full_name: str | None = None,
        email: str | None = None,
    ) -> UserRow:
        """``PATCH /auth/users/{username}``: what is none stays as it is."""
        payload = sent(active=active, full_name=full_name, email=email) | _roles(role)
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
        self,
        name: str,
        role: str | Sequence[str],
        *,
        distributions: Sequence[str] | None = None,
        expires_days: int | None = None,
    ) -> NewApiToken:
        """``POST /auth/api-tokens``; the secret is in ``token`` and nowhere else."""
        payload = {"name": name} | sent(expires_days=expires_days) | _roles(role)
        if distributions:
            payload["distributions"] = list(distributions)
        return shaped(self._call("POST", "/auth/api-tokens", payload=payload), NewApiToken, token=str, name=str)

    def revoke_api_token(self, token: str) -> Done:
        """``DELETE /auth/api-tokens/{token}``, by id or name."""
        return shaped(self._call("DELETE", f"/auth/api-tokens/{segment(token)}"), Done, status=str)


def _roles(role: str | Sequence[str] | None) -> dict[str, object]:
    if role is None:
        return {}
    return {"role": role} if isinstance(role, str) else {"roles": list(role)}
