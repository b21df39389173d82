"""A repository of somebody else over HTTP, and a real server that mirrors it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from entrepot.client.api import Client
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.gnupg import GnuPG, gnupg
from entrepot.testing.repositories import sign_apt, write_apt_repository, write_rpm_repository
from entrepot.testing.server import Server, running_server


@dataclass(frozen=True, slots=True)
class MirrorScene:
    """A folder of somebody else over HTTP, signed with gpg, and a server that mirrors it."""

    folder: Path
    upstream: FolderServer
    gpg: GnuPG
    server: Server
    client: Client

    @property
    def key(self) -> str:
        """Of the upstream, armored."""
        return self.gpg.certificate("upstream", "--armor").decode()

    def publish_apt(
        self, name: str, packages: dict[str, bytes], minutes: int = 0, architectures: Sequence[str] = ("amd64",)
    ) -> Path:
        """The upstream's archive as it is now; ``minutes`` later than at first."""
        date = datetime.now(UTC) - timedelta(hours=2) + timedelta(minutes=minutes)
        release = write_apt_repository(self.folder / name, packages, date, architectures=architectures)
        self.sign(release)
        return release.parent

    def sign(self, release: Path) -> None:
        """A Release file, in both ways."""
        sign_apt(release, clearsign=self._clearsign, detach=self.detach)

    def publish_rpm(self, name: str, packages: dict[str, bytes]) -> Path:
        """A repository of rpm; its repomd.xml."""
        return write_rpm_repository(self.folder / name, packages, self.detach)

    def mirror(self, name: str, type_: str = "apt", **more: Any) -> dict[str, Any]:
        """Add source and mirror, and run it; ``source`` are fields of the source."""
        url = f"{self.upstream.url}/{name}"
        extra = {"distribution": "stable" if type_ == "apt" else "el9", **more.pop("source", {})}
        self.client.sources.add(name, type_, url, gpg_key=self.key, **extra)
        self.client.mirrors.add(name, name, **more)
        return self.run(name)

    def run(self, name: str, **more: Any) -> dict[str, Any]:
        """Until it ends; the job."""
        job = self.client.mirrors.run(name, **more)["job_id"]
        list(self.client.jobs.follow(job))
        return dict(self.client.jobs.one(job))

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """From the server, as anybody may."""
        return httpx2.get(f"{self.server.url}{path}", headers=headers, timeout=30)

    def fetched(self, part: str) -> list[str]:
        """Paths with ``part`` in them that the upstream was asked for, in that order."""
        return [path for line in self.upstream.requests if part in (path := line.split()[1])]

    def _clearsign(self, data: bytes) -> bytes:
        return self.gpg.clearsign("upstream", data)

    def detach(self, data: bytes) -> bytes:
        """A signature of the upstream, beside."""
        return self.gpg.detach("upstream", data, "--armor")


@contextmanager
def mirror_scene(folder: Path, *arguments: str, **environment: str) -> Iterator[MirrorScene]:
    """Until the block ends; arguments and, by keyword, settings of the server."""
    (folder / "upstream").mkdir(parents=True)
    with gnupg(folder / "gpg") as gpg, FolderServer(folder / "upstream") as upstream:
        inside = upstream.url.partition("//")[2]
        with (
            running_server(folder, *arguments, **{"ENTREPOT_UPSTREAM_INSIDE": inside, **environment}) as server,
            Client(server.url, server.token()) as client,
        ):
            gpg.key("upstream")
            yield MirrorScene(folder / "upstream", upstream, gpg, server, client)
