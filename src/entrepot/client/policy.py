"""The part of the client about what findings, uncertainty, licences and age lead to."""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.client.answers import shaped
from entrepot.client.answers_policy import PolicyPreview, PolicyShown, SuitePolicyShown
from entrepot.client.segments import segment
from entrepot.client.wire import JsonCall, given


class PolicyTheme:
    """``Client.policy``; every call needs an administrator."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def show(self) -> PolicyShown:
        """``GET /security/policy``: what holds in every distribution."""
        return shaped(self._call("GET", "/security/policy"), PolicyShown, critical=str, epss=dict)

    def change(self, change: Mapping[str, object]) -> PolicyShown:
        """``PATCH /security/policy``: any subset; ``None`` brings a default back."""
        return shaped(self._call("PATCH", "/security/policy", payload=change), PolicyShown, critical=str)

    def preview(
        self,
        change: Mapping[str, object],
        *,
        distribution: str | None = None,
        format_: str | None = None,
        page: int = 1,
        per_page: int = 50,
    ) -> PolicyPreview:
        """``POST /security/policy/preview``: what a change would do to what is published and to what waits."""
        query = given(distribution=distribution, format=format_, page=page, per_page=per_page)
        body = self._call("POST", "/security/policy/preview", query, change)
        return shaped(body, PolicyPreview, checked=int, counts=dict, packages=dict)

    def suite(self, codename: str, *, archive: str | None = None, format_: str | None = None) -> SuitePolicyShown:
        """``GET /security/policy/suites/{codename}``: what holds in one distribution."""
        return shaped(
            self._call("GET", _path(codename), given(archive=archive, format=format_)),
            SuitePolicyShown,
            distribution=str,
            own=dict,
        )

    def change_suite(
        self, codename: str, change: Mapping[str, object], *, archive: str | None = None, format_: str | None = None
    ) -> SuitePolicyShown:
        """``PATCH /security/policy/suites/{codename}``: what it has otherwise."""
        return shaped(
            self._call("PATCH", _path(codename), given(archive=archive, format=format_), change),
            SuitePolicyShown,
            distribution=str,
            own=dict,
        )

    def remove_suite(
        self, codename: str, *, archive: str | None = None, format_: str | None = None
    ) -> SuitePolicyShown:
        """``DELETE /security/policy/suites/{codename}``: let it have what all have."""
        return shaped(
            self._call("DELETE", _path(codename), given(archive=archive, format=format_)),
            SuitePolicyShown,
            distribution=str,
            own=dict,
        )


def _path(codename: str) -> str:
    return f"/security/policy/suites/{segment(codename)}"
