"""Ways in that other servers have; those who send may use ``Basic``."""

from __future__ import annotations

from functools import partial

from tests.architecture.calls.base import Call

from entrepot.domain.model.actor import Role

_BODY = {"content": b"not a package"}
_asked = partial(Call, challenge="Basic")

CALLS = (
    _asked("PUT", "/packages/{owner}/debian/pool/{distribution:path}/{component}/upload", Role.UPLOADER, _BODY),
    _asked("PUT", "/packages/{owner}/rpm/upload", Role.UPLOADER, _BODY),
    _asked("PUT", "/packages/{owner}/rpm/{group:path}/upload", Role.UPLOADER, _BODY),
    _asked("PUT", "/incoming/{name}", Role.UPLOADER, _BODY),
    _asked("PUT", "/incoming/{distribution}/{name}", Role.UPLOADER, _BODY),
    Call("GET", "/api/version", None),
    Call("GET", "/api/ready", None),
    Call("GET", "/api/healthy", None),
    _asked("GET", "/api/files", Role.UPLOADER),
    _asked("GET", "/api/files/{folder}", Role.UPLOADER),
    _asked("POST", "/api/files/{folder}", Role.UPLOADER, {"content": b""}),
    _asked("PUT", "/api/files/{folder}/{name}", Role.UPLOADER, _BODY),
    _asked("DELETE", "/api/files/{folder}", Role.UPLOADER),
    _asked("DELETE", "/api/files/{folder}/{name}", Role.UPLOADER),
    _asked("GET", "/api/repos", Role.READER),
    _asked("POST", "/api/repos", Role.ADMIN, {"json": {"Name": "walked-by-aptly"}}),
    _asked("GET", "/api/repos/{repo}", Role.READER),
    _asked("GET", "/api/repos/{repo}/packages", Role.READER),
    _asked("DELETE", "/api/repos/{repo}/packages", Role.MAINTAINER, {"json": {"PackageRefs": ["Pall x 1"]}}),
    _asked("POST", "/api/repos/{repo}/file/{folder}", Role.UPLOADER),
    _asked("POST", "/api/repos/{repo}/file/{folder}/{name}", Role.UPLOADER),
    _asked("POST", "/api/repos/{repo}/include/{folder}", Role.UPLOADER),
    _asked("POST", "/api/repos/{repo}/include/{folder}/{name}", Role.UPLOADER),
    _asked("GET", "/api/publish", Role.READER),
    _asked("POST", "/api/publish", Role.UPLOADER, {"json": {"Sources": [{"Name": "absent"}]}}),
    _asked("POST", "/api/publish/{prefix}", Role.UPLOADER, {"json": {"Sources": [{"Name": "absent"}]}}),
    _asked("PUT", "/api/publish/{prefix}/{distribution}", Role.UPLOADER),
)
