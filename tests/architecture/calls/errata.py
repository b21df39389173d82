"""What machines are told of updates."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

_PACKAGES = {"packages": [{"name": "absent", "version": "1.0"}]}
CALLS = (
    Call("GET", "/distributions/{codename}/errata", Role.READER),
    Call("POST", "/distributions/{codename}/errata", Role.MAINTAINER, {"json": _PACKAGES}),
    Call("GET", "/distributions/{codename}/errata/{code}", Role.READER),
    Call("PATCH", "/distributions/{codename}/errata/{code}", Role.MAINTAINER, {"json": {}}),
    Call("DELETE", "/distributions/{codename}/errata/{code}", Role.MAINTAINER),
    Call("GET", "/distributions/{codename}/rollouts", Role.READER),
    Call("POST", "/distributions/{codename}/rollouts", Role.MAINTAINER, {"json": _PACKAGES}),
    *(
        Call("POST", f"/distributions/{{codename}}/rollouts/{{number}}/{action}", Role.MAINTAINER)
        for action in ("pause", "resume", "finish", "stop")
    ),
)
