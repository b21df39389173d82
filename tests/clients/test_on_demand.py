"""Mirrors that fetch a package when the first machine asks for it, with the stock clients."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.client.api import Client
from entrepot.testing.clients import AptRoot, DnfRoot, Hold, missing_programs
from entrepot.testing.mirroring import MirrorScene, mirror_scene
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import running_server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.xdist_group("on_demand"),
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
    pytest.mark.skipif(bool(missing_programs("gpg", "apt-ftparchive")), reason="gpg OR apt-ftparchive IS MISSING"),
]
NEEDS_DNF = pytest.mark.skipif(bool(missing_programs("dnf", "rpm", "createrepo_c")), reason="DNF IS NOT INSTALLED")
BIG = random.Random(7).randbytes(3 << 20)
"""Cannot be compressed, and takes some chunks."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorScene]:
    with mirror_scene(tmp_path_factory.mktemp("on-demand")) as made:
        yield made


@pytest.fixture
def hold(scene: MirrorScene) -> Iterator[Callable[..., Hold]]:
    """Have the upstream stop in the middle of some answers, at most until the test ends."""

    def begin(part: str, *, cut: bool = False) -> Hold:
        scene.upstream.holds.append(Hold(part, cut=cut))
        return scene.upstream.holds[-1]

    yield begin
    for each in scene.upstream.holds:
        each.release()
    scene.upstream.holds.clear()


def deb(name: str, version: str, size: int = 0, **fields: str) -> dict[str, bytes]:
    files = {f"usr/share/{name}/data": BIG[:size] or b"small"}
    return {f"{name}_{version}_amd64.deb": build_deb(name, version, architecture="amd64", fields=fields, files=files)}


def on_demand(scene: MirrorScene, name: str, packages: dict[str, bytes], **more: Any) -> None:
    scene.publish_apt(name, packages)
    done = scene.mirror(name, download_policy="on_demand", **more)
    assert done["status"] == "done", done
    row = scene.client.mirrors.one(name)
    assert (row["files"], row["stored_files"], row["stored_bytes"]) == (len(packages), 0, 0)
    assert scene.fetched(f"/{name}/pool/") == []


def stored(scene: MirrorScene, name: str) -> int:
    return int(scene.client.mirrors.one(name)["stored_files"])


def test_apt_installs_what_is_fetched_meanwhile_and_again_without_the_upstream(
    tmp_path: Path, scene: MirrorScene
) -> None:
    packages = {**deb("d-base", "1.0"), **deb("d-app", "1.0", 1 << 20, Depends="d-base"), **deb("d-other", "1.0")}
    on_demand(scene, "lazy", packages)
    path = "/apt/lazy/pool/d-other_1.0_amd64.deb"
    head = httpx2.head(f"{scene.server.url}{path}")
    assert head.status_code == 200
    assert int(head.headers["content-length"]) == len(packages["d-other_1.0_amd64.deb"])
    assert scene.get(path, **{"If-None-Match": head.headers["etag"]}).status_code == 304
    assert scene.fetched("/lazy/pool/") == [], "neither HEAD nor a condition that holds fetches anything"

    def machine(folder: Path) -> AptRoot:
        apt = AptRoot(folder)
        key = apt.key_file(scene.key.encode())
        apt.add_line(f"deb [signed-by={key}] {scene.server.url}/apt/lazy stable main")
        apt.update().checked()
        apt.install("d-app").checked()
        assert apt.installed() == {"d-app": "1.0", "d-base": "1.0"}
        return apt

    machine(tmp_path / "first")
    fetched = ["/lazy/pool/d-app_1.0_amd64.deb", "/lazy/pool/d-base_1.0_amd64.deb"]
    assert sorted(scene.fetched("/lazy/pool/")) == fetched
    assert stored(scene, "lazy") == 2

    # The upstream is gone: what somebody had is there, what nobody had is not, and that is said.
    (scene.folder / "lazy").rename(scene.folder / "gone")
    machine(tmp_path / "second")
    refused = scene.get(path)
    assert (refused.status_code, refused.headers["retry-after"]) == (502, "30"), refused.text
    assert "d-other_1.0_amd64.deb" in refused.text
    before = len(scene.fetched("/lazy/pool/d-other"))
    assert scene.get(path).status_code == 502
    assert len(scene.fetched("/lazy/pool/d-other")) == before, "nobody hammers the upstream through us"


@NEEDS_DNF
def test_dnf_installs_what_is_fetched_meanwhile(tmp_path: Path, scene: MirrorScene) -> None:
    packages = {
        "d-tool-1.0-1.noarch.rpm": build_rpm("d-tool", "1.0", "1"),
        "d-none-1.0-1.noarch.rpm": build_rpm("d-none", "1.0", "1"),
    }
    scene.publish_rpm("lazyrpm", packages)
    assert scene.mirror("lazyrpm", "rpm", download_policy="on_demand")["status"] == "done"
    dnf = DnfRoot(tmp_path)
    dnf.add_repo(scene.get("/rpm/lazyrpm/el9.repo").text)
    dnf.install("d-tool").checked()
    assert dnf.installed() == {"d-tool": "1.0-1"}
    assert scene.fetched("/lazyrpm/d-") == ["/lazyrpm/d-tool-1.0-1.noarch.rpm"]
    assert stored(scene, "lazyrpm") == 1


def test_many_who_ask_at_once_cause_one_fetch_and_get_the_first_bytes_at_once(
    scene: MirrorScene, hold: Callable[..., Hold]
) -> None:
    packages = deb("d-big", "1.0", len(BIG))
    on_demand(scene, "crowd", packages)
    data = packages["d-big_1.0_amd64.deb"]
    url = f"{scene.server.url}/apt/crowd/pool/d-big_1.0_amd64.deb"
    held = hold("/crowd/pool/")
    with httpx2.stream("GET", url, timeout=60) as answer:
        came = answer.iter_raw(1000)
        assert next(came) == data[:1000], "the first bytes come while the upstream still sends"
        assert held.began.is_set()
        with ThreadPoolExecutor(24) as pool:
            whole = [pool.submit(scene.get, url.removeprefix(scene.server.url)) for _ in range(20)]
            parts = [
                pool.submit(scene.get, url.removeprefix(scene.server.url), Range=f"bytes={first}-")
                for first in (0, 1_000_000, len(data) - 10)
            ]
            held.release()
            assert b"".join((data[:1000], *came)) == data
            assert {hashlib.sha256(one.result().content).hexdigest() for one in whole} == {
                hashlib.sha256(data).hexdigest()
            }
            for part, first in zip(parts, (0, 1_000_000, len(data) - 10), strict=True):
                assert (part.result().status_code, part.result().content) == (206, data[first:])
    assert len(scene.fetched("/crowd/pool/")) == 1


def test_nothing_else_of_the_server_waits_for_a_slow_upstream(scene: MirrorScene, hold: Callable[..., Hold]) -> None:
    packages = {name: data for number in range(60) for name, data in deb(f"d-slow{number}", "1.0").items()}
    on_demand(scene, "slow", packages)
    held = hold("/slow/pool/")
    with ThreadPoolExecutor(60) as pool:
        asked = [pool.submit(scene.get, f"/apt/slow/pool/{name}") for name in packages]
        assert held.began.wait(60)
        assert scene.get("/apt/slow/dists/stable/InRelease").status_code == 200
        assert scene.get("/health/live").status_code == 200
        assert len(scene.fetched("/slow/pool/")) <= 4, "as many connections as the source allows"
        held.release()
        for name, one in zip(packages, asked, strict=True):
            assert one.result().content == packages[name]


def test_bytes_that_do_not_fit_the_index_are_never_taken_for_whole(scene: MirrorScene) -> None:
    packages = {**deb("d-bad", "1.0", len(BIG)), **deb("d-small", "1.0")}
    on_demand(scene, "liar", packages)
    for name in packages:
        path = scene.folder / "liar/pool" / name
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    small = scene.get("/apt/liar/pool/d-small_1.0_amd64.deb")
    assert small.status_code == 502, small.text
    assert "SHA256" in small.text
    with pytest.raises(httpx2.RemoteProtocolError):
        scene.get("/apt/liar/pool/d-bad_1.0_amd64.deb")
    assert stored(scene, "liar") == 0


def test_an_upstream_that_breaks_off_is_asked_again(scene: MirrorScene, hold: Callable[..., Hold]) -> None:
    packages = deb("d-cut", "1.0", len(BIG))
    on_demand(scene, "breaks", packages)
    held = hold("/breaks/pool/", cut=True)
    url = f"{scene.server.url}/apt/breaks/pool/d-cut_1.0_amd64.deb"
    with httpx2.stream("GET", url, timeout=60) as answer:
        came = answer.iter_raw(1000)
        first = next(came)
        held.release()
        assert b"".join((first, *came)) == packages["d-cut_1.0_amd64.deb"]
    assert len(scene.fetched("/breaks/pool/")) == 2


def test_what_machines_use_is_followed_and_the_rest_comes_when_it_is_wanted(scene: MirrorScene) -> None:
    first = {**deb("d-used", "1.0"), **deb("d-unused", "1.0")}
    on_demand(scene, "follow", first)
    assert scene.get("/apt/follow/pool/d-used_1.0_amd64.deb").status_code == 200
    second = {**deb("d-used", "2.0"), **deb("d-unused", "2.0")}
    scene.publish_apt("follow", {**first, **second}, 10)
    done = scene.run("follow")
    assert done["status"] == "done", done
    used = [f"/follow/pool/d-used_{version}_amd64.deb" for version in ("1.0", "2.0")]
    assert scene.fetched("/follow/pool/") == used
    assert stored(scene, "follow") == 2
    # A run that finds nothing new fetches nothing, and what it could not have before.
    assert scene.run("follow")["result"]["fetched"] == 0

    row = scene.client.mirrors.change("follow", download_policy="immediate")
    assert row["job_id"] is not None
    list(scene.client.jobs.follow(row["job_id"]))
    row = scene.client.mirrors.one("follow")
    assert (row["download_policy"], row["files"], row["stored_files"]) == ("immediate", 4, 4)
    assert scene.run("follow")["result"]["changed"] is False
    scene.client.mirrors.change("follow", download_policy="on_demand")
    scene.publish_apt("follow", {**first, **second, **deb("d-late", "1.0")}, 20)
    assert scene.run("follow")["status"] == "done"
    assert stored(scene, "follow") == 4


def test_a_killed_server_leaves_nothing_and_fetches_anew(
    tmp_path: Path, scene: MirrorScene, hold: Callable[..., Hold]
) -> None:
    packages = deb("d-killed", "1.0", len(BIG))
    scene.publish_apt("killed", packages)
    held = hold("/killed/pool/")
    inside = scene.upstream.url.partition("//")[2]
    path = "/apt/killed/pool/d-killed_1.0_amd64.deb"
    with running_server(tmp_path, ENTREPOT_UPSTREAM_INSIDE=inside) as server:
        with Client(server.url, server.token()) as client:
            client.sources.add(
                "killed", "apt", f"{scene.upstream.url}/killed", gpg_key=scene.key, distribution="stable"
            )
            client.mirrors.add("killed", "killed", download_policy="on_demand")
            list(client.jobs.follow(client.mirrors.run("killed")["job_id"]))
        asking = threading.Thread(target=_ask, args=(f"{server.url}{path}",))
        asking.start()
        assert held.began.wait(60)
        server.kill()
        asking.join()
        held.release()
        server.arguments = ("--processes", "3")
        server.start()
        staging = server.data / "blobs/staging"
        deadline = time.monotonic() + 60
        while list(staging.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
        before = len(scene.fetched("/killed/pool/"))
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda _: httpx2.get(f"{server.url}{path}", timeout=60).content, range(16)))
        assert set(found) == set(packages.values())
        # Whichever of the processes was asked, one of them fetched it.
        assert len(scene.fetched("/killed/pool/")) == before + 1


def _ask(url: str) -> None:
    with pytest.raises(httpx2.TransportError):
        httpx2.get(url, timeout=60)
