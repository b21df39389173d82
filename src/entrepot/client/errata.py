"""The part of the client about what machines are told of updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from typing_extensions import TypedDict

from entrepot.client.answers import shaped
from entrepot.client.answers_errata import ErrataPage, ErratumNotice, RolloutPage, RolloutState, WithdrawnErratum
from entrepot.client.segments import segment
from entrepot.client.wire import JsonCall, given


class Notice(TypedDict, total=False):
    """What an erratum says: kind and severity in one word each, CVEs that it fixes, links where one can read more."""

    kind: str
    severity: str
    title: str
    description: str
    cves: Sequence[str]
    links: Sequence[str]


class Errata:
    """``Client.errata``.  Packages are given as ``NAME=VERSION``."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def all(self, distribution: str) -> ErrataPage:
        """``GET /distributions/{codename}/errata``."""
        return shaped(self._call("GET", _path(distribution)), ErrataPage, errata=list, total=int)

    def one(self, distribution: str, code: str) -> ErratumNotice:
        """``GET /distributions/{codename}/errata/{code}``."""
        return shaped(self._call("GET", _path(distribution, code)), ErratumNotice, code=str, packages=list)

    def issue(
        self, distribution: str, packages: Sequence[str], *, code: str | None = None, **notice: Unpack[Notice]
    ) -> ErratumNotice:
        """``POST /distributions/{codename}/errata``."""
        payload = {**given(code=code), **notice, "packages": _named(packages)}
        body = self._call("POST", _path(distribution), None, payload)
        return shaped(body, ErratumNotice, code=str, packages=list)

    def amend(
        self, distribution: str, code: str, *, packages: Sequence[str] | None = None, **notice: Unpack[Notice]
    ) -> ErratumNotice:
        """``PATCH /distributions/{codename}/errata/{code}``: what is not given stays."""
        payload: dict[str, object] = {**notice}
        if packages is not None:
            payload["packages"] = _named(packages)
        body = self._call("PATCH", _path(distribution, code), None, payload)
        return shaped(body, ErratumNotice, code=str, packages=list)

    def withdraw(self, distribution: str, code: str) -> WithdrawnErratum:
        """``DELETE /distributions/{codename}/errata/{code}``."""
        return shaped(self._call("DELETE", _path(distribution, code)), WithdrawnErratum, status=str)


class Rollouts:
    """``Client.rollouts``."""

    def __init__(self, call: JsonCall) -> None:
        self._call = call

    def all(self, distribution: str) -> RolloutPage:
        """``GET /distributions/{codename}/rollouts``."""
        return shaped(self._call("GET", _rollouts(distribution)), RolloutPage, rollouts=list, total=int)

    def begin(
        self, distribution: str, packages: Sequence[str], percentages: Sequence[int] = (), hours: int = 24
    ) -> RolloutState:
        """``POST /distributions/{codename}/rollouts``; each percentage lasts so many hours."""
        steps = [{"percentage": percentage, "hours": hours} for percentage in percentages]
        payload = {"packages": _named(packages), "steps": steps}
        return _state(self._call("POST", _rollouts(distribution), None, payload))

    def pause(self, distribution: str, number: int) -> RolloutState:
        """``POST /distributions/{codename}/rollouts/{number}/pause``."""
        return _state(self._call("POST", f"{_rollouts(distribution)}/{number}/pause"))

    def resume(self, distribution: str, number: int) -> RolloutState:
        """``POST /distributions/{codename}/rollouts/{number}/resume``."""
        return _state(self._call("POST", f"{_rollouts(distribution)}/{number}/resume"))

    def finish(self, distribution: str, number: int) -> RolloutState:
        """``POST /distributions/{codename}/rollouts/{number}/finish``."""
        return _state(self._call("POST", f"{_rollouts(distribution)}/{number}/finish"))

    def stop(self, distribution: str, number: int) -> RolloutState:
        """``POST /distributions/{codename}/rollouts/{number}/stop``."""
        return _state(self._call("POST", f"{_rollouts(distribution)}/{number}/stop"))


def _named(packages: Sequence[str]) -> list[dict[str, str]]:
    return [dict(zip(("name", "version"), one.partition("=")[::2], strict=True)) for one in packages]


def _path(distribution: str, code: str | None = None) -> str:
    path = f"/distributions/{segment(distribution)}/errata"
    return path if code is None else f"{path}/{segment(code)}"


def _rollouts(distribution: str) -> str:
    return f"/distributions/{segment(distribution)}/rollouts"


def _state(body: dict[str, object]) -> RolloutState:
    return shaped(body, RolloutState, id=int, state=str, percentage=int)
