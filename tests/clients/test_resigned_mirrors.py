"""Stock clients with our key on mirrors that are chosen from an upstream and signed here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.client.api import Client
from entrepot.testing.clients import AptRoot, missing_programs
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.gnupg import GnuPG, gnupg
from entrepot.testing.packages import build_deb
from entrepot.testing.repositories import sign_apt, write_apt_repository
from entrepot.testing.server import Server, running_server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.xdist_group("resigned"),
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
    pytest.mark.skipif(bool(missing_programs("gpg", "apt-ftparchive")), reason="gpg OR apt-ftparchive IS MISSING"),
]


@dataclass(frozen=True, slots=True)
class Scene:
    """A folder of somebody else over HTTP, signed with gpg, and a server that chooses from it."""

    folder: Path
    upstream: FolderServer
    gpg: GnuPG
    server: Server
    client: Client

    def publish(self, name: str, packages: dict[str, bytes], minutes: int = 0) -> None:
        """The upstream's archive as it is now; ``minutes`` later than at first."""
        pool = self.folder / name / "pool"
        for path in pool.glob("*") if pool.exists() else ():
            path.unlink()
        date = datetime.now(UTC) - timedelta(hours=2) + timedelta(minutes=minutes)
        release = write_apt_repository(self.folder / name, packages, date, architectures=("amd64",))
        sign_apt(release, clearsign=lambda data: self.gpg.clearsign("upstream", data))

    def source(self, name: str) -> None:
        """Have it known here."""
        key = self.gpg.certificate("upstream", "--armor").decode()
        self.client.sources.add(name, "apt", f"{self.upstream.url}/{name}", gpg_key=key, distribution="stable")

    def run(self, name: str, **more: Any) -> dict[str, Any]:
        """Until it ends."""
        job = self.client.mirrors.run(name, **more)["job_id"]
        list(self.client.jobs.follow(job))
        return dict(self.client.jobs.one(job))

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"{self.server.url}{path}", timeout=30)

    def listed(self, name: str) -> dict[str, str]:
        """What the index shows, name to version."""
        text = self.get(f"/apt/{name}/dists/stable/main/binary-amd64/Packages").text
        rows = [dict(line.split(": ", 1) for line in row.split("\n") if ": " in line) for row in text.split("\n\n")]
        return {row["Package"]: row["Version"] for row in rows if "Package" in row}

    def generation(self, name: str) -> str:
        return self.get(f"/apt/{name}/dists/stable/InRelease").text


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("upstream")
    with (
        gnupg(tmp_path_factory.mktemp("keys") / "home") as gpg,
        FolderServer(folder) as upstream,
        running_server(
            tmp_path_factory.mktemp("resigning"), ENTREPOT_UPSTREAM_INSIDE=upstream.url.partition("//")[2]
        ) as server,
        Client(server.url, server.token()) as client,
    ):
        gpg.key("upstream")
        yield Scene(folder, upstream, gpg, server, client)


def deb(name: str, version: str, **fields: str) -> dict[str, bytes]:
    return {f"{name}_{version}_amd64.deb": build_deb(name, version, architecture="amd64", fields=fields)}


def test_apt_installs_what_was_chosen_with_all_it_needs(tmp_path: Path, scene: Scene) -> None:
    first = {
        **deb("c-app", "1.0", Depends="c-lib (>= 1), c-voice | c-silence"),
        **deb("c-lib", "1.0"),
        **deb("c-alto", "1.0", Provides="c-voice"),
        **deb("c-other", "1.0"),
    }
    scene.publish("chosen", first)
    scene.source("chosen")
    wanted = {"names": ["c-app*"], "with_dependencies": True}
    list(scene.client.jobs.follow(scene.client.sources.sync("chosen")["job_id"]))
    seen = scene.client.mirrors.preview("chosen", wanted)
    assert (seen["named"], seen["needed"], seen["unresolved"]) == (1, 2, []), seen
    assert not [line for line in scene.upstream.requests if ".deb" in line], "a preview fetches nothing"

    made = scene.client.mirrors.add("chosen", "chosen", kind="resigned", filter=wanted)
    assert made["kind"] == "resigned"
    assert scene.get("/apt/chosen/dists/stable/InRelease").status_code == 404
    done = scene.run("chosen")
    assert done["status"] == "done", done
    assert (done["result"]["placed"], done["result"]["fetched"]) == (3, 3)
    assert scene.listed("chosen") == {"c-app": "1.0", "c-lib": "1.0", "c-alto": "1.0"}
    apt = AptRoot(tmp_path)
    apt.add_source(scene.get("/apt/chosen/stable.sources").text)
    apt.update().checked()
    apt.install("c-app").checked()
    assert apt.installed() == {"c-app": "1.0", "c-lib": "1.0", "c-alto": "1.0"}

    # A run that finds nothing new asks once, and publishes nothing.
    shown, before = scene.generation("chosen"), len(scene.upstream.requests)
    assert scene.run("chosen")["result"]["changed"] is False
    assert len(scene.upstream.requests) - before == 1
    assert scene.generation("chosen") == shown

    # What is new comes, what is gone upstream goes, in one generation; what somebody pushed here stays.
    with scene.server.client() as client:
        files = {"file": ("x.deb", build_deb("c-own", "1.0", architecture="amd64"))}
        pushed = client.post("/upload", files=files, data={"distribution": "chosen/stable"})
        assert pushed.status_code == 201, pushed.text
    second = {**deb("c-app", "2.0", Depends="c-lib (>= 1)"), **deb("c-lib", "1.0"), **deb("c-other", "1.0")}
    scene.publish("chosen", second, 10)
    done = scene.run("chosen")
    assert (done["result"]["placed"], done["result"]["removed"], done["result"]["fetched"]) == (1, 2, 1), done
    assert scene.listed("chosen") == {"c-app": "2.0", "c-lib": "1.0", "c-own": "1.0"}
    apt.update().checked()
    apt.upgrade().checked()
    assert apt.installed()["c-app"] == "2.0"
