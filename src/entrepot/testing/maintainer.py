"""What a maintainer of packages asks of a running server, with every answer checked."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2


class Maintainer:
    """``client`` is signed in.  An answer that is not a success is an ``AssertionError`` with its text."""

    def __init__(self, client: httpx2.Client) -> None:
        self.client = client

    def create(self, codename: str, format_: str = "deb", **options: object) -> str:
        """Create a distribution or change its options; its codename."""
        self._checked(
            self.client.post("/distributions/init", json={"codename": codename, "format": format_, **options})
        )
        return codename

    def push(self, package: bytes, distribution: str, component: str = "") -> dict[str, Any]:
        """Upload; clients see the package when this returns."""
        suffix = "rpm" if package.startswith(b"\xed\xab\xee\xdb") else "deb"
        fields = {"distribution": distribution} | ({"component": component} if component else {})
        answer = self.client.post("/upload", files={"file": (f"package.{suffix}", package)}, data=fields)
        return self._checked(answer, "published")

    def remove(self, name: str, version: str = "", distribution: str = "") -> dict[str, Any]:
        """Remove all versions, or one; of all distributions, or one."""
        path = f"/artifacts/{quote(name)}" + (f"/{quote(version)}" if version else "")
        parameters = {"distribution": distribution} if distribution else {}
        return self._checked(self.client.delete(path, params=parameters), "deleted")

    def promote(self, name: str, source: str, target: str, version: str = "") -> dict[str, Any]:
        """Put the newest version, or a certain one, into another distribution."""
        body = {"package": name, "from_dist": source, "to_dist": target} | ({"version": version} if version else {})
        return self._checked(self.client.post("/distributions/promote", json=body), "ok")

    def file(self, path: str) -> bytes:
        """A published file."""
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.content

    def sources(self, codename: str) -> str:
        """The ``.sources`` file for apt, as served."""
        return self.file(f"/apt/main/{codename}.sources").decode()

    def repo(self, codename: str) -> str:
        """The ``.repo`` file for dnf and zypper, as served."""
        return self.file(f"/rpm/main/{codename}.repo").decode()

    @staticmethod
    def _checked(answer: httpx2.Response, status: str = "ok") -> dict[str, Any]:
        assert answer.status_code in (200, 201), f"{answer.request.url}: {answer.status_code} {answer.text[:2000]}"
        body: dict[str, Any] = answer.json()
        assert body["status"] == status, body
        return body
