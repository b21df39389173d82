"""dnf with our key on a mirror that is chosen and signed here: what describes its packages comes along."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.client.api import Client
from entrepot.testing.clients import DnfRoot, missing_programs
from entrepot.testing.clients.result import run
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.gnupg import GnuPG, gnupg
from entrepot.testing.packages import build_rpm
from entrepot.testing.repositories import write_rpm_repository
from entrepot.testing.server import Server, running_server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.xdist_group("resigned"),
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
    pytest.mark.skipif(
        bool(missing_programs("gpg", "dnf", "rpm", "createrepo_c", "modifyrepo_c")), reason="DNF IS NOT INSTALLED"
    ),
]
UPDATEINFO = """<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="security@vendor.example" status="final" type="security" version="3">
    <id>VSA-2026:1</id><title>Important: v-tool &lt;2&gt;</title>
    <issued date="2026-11-01 00:00:00"/><updated date="2026-11-02 00:00:00"/>
    <rights>Copyright of the vendor</rights><release>Vendor 9</release>
    <severity>Important</severity><summary>A hole is closed</summary><description>It was deep.</description>
    <references>
      <reference href="https://vendor.example/CVE-2026-4711" id="CVE-2026-4711" type="cve" title="CVE-2026-4711"/>
      <reference href="https://bugs.vendor.example/7" id="7" type="bugzilla" title="Hole"/>
    </references>
    <pkglist><collection short="v"><name>Vendor</name>
      <package name="v-tool" version="1.1" release="1" epoch="0" arch="noarch" src="v-tool-1.1-1.src.rpm">
        <filename>v-tool-1.1-1.noarch.rpm</filename><reboot_suggested>True</reboot_suggested>
      </package>
      <package name="v-absent" version="1" release="1" epoch="0" arch="noarch"><filename>v-absent</filename></package>
    </collection></pkglist>
  </update>
  <update from="security@vendor.example" status="final" type="security" version="1">
    <id>VSA-2026:2</id><title>About nothing that is here</title><issued date="2026-11-01 00:00:00"/>
    <severity>Low</severity><description>x</description><references/>
    <pkglist><collection short="v"><name>Vendor</name>
      <package name="v-absent" version="1" release="1" epoch="0" arch="noarch"><filename>v-absent</filename></package>
    </collection></pkglist>
  </update>
</updates>
"""
COMPS = """<?xml version="1.0" encoding="UTF-8"?>
<comps>
  <group><id>v-tools</id><name>Vendor tools</name><description>d</description><default>true</default>
    <uservisible>true</uservisible><packagelist>
      <packagereq type="mandatory">v-tool</packagereq><packagereq type="mandatory">v-absent</packagereq>
      <packagereq type="default">v-extra</packagereq>
    </packagelist></group>
  <group><id>v-gone</id><name>Gone</name><description>d</description><default>true</default>
    <uservisible>true</uservisible><packagelist><packagereq type="mandatory">v-absent</packagereq></packagelist></group>
  <environment><id>v-desk</id><name>Vendor desk</name><description>d</description><display_order>1</display_order>
    <grouplist><groupid>v-tools</groupid><groupid>v-gone</groupid></grouplist></environment>
</comps>
"""
MODULES = """---
document: modulemd
version: 2
data:
  name: v-stack
  stream: "1"
  version: 1
  context: abcd1234
  arch: x86_64
  summary: A stack of the vendor
  description: >-
    Of packages
  license:
    module: [MIT]
  profiles:
    default:
      rpms: [v-extra]
  artifacts:
    rpms:
    - v-modular-0:1.0-1.noarch
...
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A folder of somebody else over HTTP, signed with gpg, and a server that chooses from it."""

    folder: Path
    upstream: FolderServer
    gpg: GnuPG
    server: Server
    client: Client

    def publish(self, packages: dict[str, bytes]) -> None:
        """The upstream's repository as it is now, with all that describes it."""
        folder = self.folder / "vendor"
        for path in folder.glob("*.rpm"):
            path.unlink()
        write_rpm_repository(folder, packages)
        for kind, text in (
            ("updateinfo", UPDATEINFO),
            ("group", COMPS),
            ("modules", MODULES),
            ("strange", "strange things\n" * 40),
        ):
            path = self.folder / f"{kind}.txt"
            path.write_text(text)
            command = ("modifyrepo_c", f"--mdtype={kind}", str(path), "repodata")
            run(command, folder=folder).checked()
        repomd = folder / "repodata/repomd.xml"
        repomd.with_name("repomd.xml.asc").write_bytes(self.gpg.detach("upstream", repomd.read_bytes(), "--armor"))

    def run(self, name: str, **more: Any) -> dict[str, Any]:
        """Until it ends."""
        job = self.client.mirrors.run(name, **more)["job_id"]
        list(self.client.jobs.follow(job))
        done = dict(self.client.jobs.one(job))
        assert done["status"] == "done", done
        return done

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"{self.server.url}{path}", timeout=30)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    folder = tmp_path / "upstream"
    folder.mkdir()
    with (
        gnupg(tmp_path / "keys") as gpg,
        FolderServer(folder) as upstream,
        running_server(tmp_path / "here", ENTREPOT_UPSTREAM_INSIDE=upstream.url.partition("//")[2]) as server,
        Client(server.url, server.token()) as client,
    ):
        gpg.key("upstream")
        yield Scene(folder, upstream, gpg, server, client)


def test_what_describes_the_packages_comes_along_and_stays(tmp_path: Path, scene: Scene) -> None:
    old = {"v-tool-1.0-1.noarch.rpm": build_rpm("v-tool", "1.0")}
    rest = {
        "v-extra-1.0-1.noarch.rpm": build_rpm("v-extra", "1.0", requires=["v-base >= 1"]),
        "v-base-1.0-1.noarch.rpm": build_rpm("v-base", "1.0"),
        "v-other-1.0-1.noarch.rpm": build_rpm("v-other", "1.0"),
    }
    scene.publish(old | rest)
    key = scene.gpg.certificate("upstream", "--armor").decode()
    scene.client.sources.add("vendor", "rpm", f"{scene.upstream.url}/vendor", gpg_key=key, distribution="el9")
    wanted = {"regex": "v-(tool|extra)", "with_dependencies": True}
    scene.client.mirrors.add("vendor", "vendor", archive="main", codename="vendor9", kind="resigned", filter=wanted)
    assert scene.run("vendor")["result"]["placed"] == 3
    row = scene.client.mirrors.one("vendor")
    assert any("strange" in note for note in row["notes"]), row["notes"]

    dnf = DnfRoot(tmp_path / "dnf")
    dnf.add_repo(scene.get("/rpm/main/vendor9.repo").text)
    dnf.install("v-tool").checked()
    assert "VSA-2026:1" not in dnf.dnf("updateinfo", "list").checked().stdout

    scene.publish({"v-tool-1.1-1.noarch.rpm": build_rpm("v-tool", "1.1"), **rest})
    done = scene.run("vendor")["result"]
    assert (done["placed"], done["removed"]) == (1, 1), done
    listed = dnf.dnf("--refresh", "updateinfo", "list", "--security").checked().stdout
    assert "VSA-2026:1 Important/Sec. v-tool-1.1-1.noarch" in listed
    shown = dnf.dnf("updateinfo", "info", "VSA-2026:1").checked().stdout
    assert "Important: v-tool <2>" in shown
    assert "7 - Hole" in shown
    assert "VSA-2026:2" not in dnf.dnf("updateinfo", "list", "--all").checked().stdout
    groups = dnf.dnf("group", "list").checked().stdout
    assert "Vendor tools" in groups
    assert "Vendor desk" in groups
    assert "Gone" not in groups
    assert "v-stack" in dnf.dnf("module", "list").checked().stdout

    # One package more, an erratum of our own, another key: all of it is still there.
    with scene.server.client() as client:
        files = {"file": ("x.rpm", build_rpm("own", "1.0"))}
        pushed = client.post("/upload", files=files, data={"distribution": "vendor9"})
        assert pushed.status_code == 201, pushed.text
        body = {"code": "OWN-1", "severity": "high", "packages": [{"name": "own", "version": "1.0-1"}]}
        assert client.post("/distributions/vendor9/errata", json=body).status_code == 201
        errata = client.get("/distributions/vendor9/errata").json()["errata"]
        assert [one["code"] for one in errata] == ["OWN-1", "VSA-2026:1"]
    dnf.dnf("upgrade", "--refresh", "--security", "-y").checked()
    assert dnf.installed() == {"v-tool": "1.1-1"}
    dnf.dnf("group", "install", "v-tools").checked()
    assert dnf.installed() == {"v-tool": "1.1-1", "v-extra": "1.0-1", "v-base": "1.0-1"}
    assert "v-stack" in dnf.dnf("module", "list").checked().stdout
    scene.publish({"v-tool-1.2-1.noarch.rpm": build_rpm("v-tool", "1.2"), **rest})
    assert scene.run("vendor")["result"]["placed"] == 1
    with scene.server.client() as client:
        errata = client.get("/distributions/vendor9/errata").json()["errata"]
        assert [one["code"] for one in errata] == ["OWN-1"], "our own stays, that of a package that went is gone"
