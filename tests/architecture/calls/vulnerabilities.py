"""What is known to be wrong with packages."""

from __future__ import annotations

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

CALLS = (
    Call("GET", "/security/vulnerabilities", Role.READER),
    Call("GET", "/security/packages-posture", Role.READER),
    Call("GET", "/security/packages", Role.MAINTAINER),
    Call("GET", "/security/packages/{name}/{version}/cve", Role.READER),
    Call("POST", "/security/packages/{name}/{version}/rescan", Role.MAINTAINER),
    Call("POST", "/artifacts/admin/reenrich-cve", Role.MAINTAINER),
)
