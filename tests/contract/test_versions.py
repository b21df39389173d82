"""Versions, dependencies, downloads and install lines through the main API, both formats (contract 4.2, 4.3)."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.contract.people import Office, open_office

from entrepot.testing.clients import AptRoot, DnfRoot
from entrepot.testing.debs import build_deb
from entrepot.testing.rpms import build_rpm

pytestmark = pytest.mark.xdist_group("versions")

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("versions")) as found:
        yield found


@pytest.fixture(scope="module")
def reader(office: Office) -> Iterator[httpx2.Client]:
    with office.session(office.hire(role="reader")) as client:
        yield client


def fresh(prefix: str = "pkg") -> str:
    return f"{prefix}{next(_numbers)}"


def upload(office: Office, data: bytes, kind: str, distribution: str) -> dict[str, Any]:
    answer = office.admin.post("/upload/", files={"file": (f"x.{kind}", data)}, data={"distribution": distribution})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def deb(office: Office, name: str, version: str = "1.0", arch: str = "all", dist: str = "jammy", **more: Any) -> bytes:
    data = build_deb(name, version, arch, **more)
    upload(office, data, "deb", dist)
    return data


def rpm(office: Office, name: str, version: str = "1.0", arch: str = "noarch", **more: Any) -> bytes:
    data = build_rpm(name, version, "1", arch, **more)
    upload(office, data, "rpm", "almalinux9")
    return data


def needs(reader: httpx2.Client, name: str, **params: str) -> dict[str, Any]:
    answer = reader.get(f"/artifacts/{name}/dependencies", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def rows(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["relation"]: row for row in body["dependencies"]}


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
def test_versions_are_in_the_order_of_their_format(
    office: Office, reader: httpx2.Client, prefix: str, end: str
) -> None:
    name = fresh()
    for version in ("1.9", "1.10", "1.10~rc1", "1:0.1"):
        deb(office, name, version, "amd64")
    deb(office, name, "1.10", "arm64")
    body = reader.get(f"{prefix}/artifacts/{name}/versions{end}").json()
    assert (body["package"], body["count"]) == (name, 5)
    assert [(row["version"], row["arch"]) for row in body["versions"]] == [
        ("1:0.1", "amd64"),
        ("1.10", "amd64"),
        ("1.10", "arm64"),
        ("1.10~rc1", "amd64"),
        ("1.9", "amd64"),
    ]
    assert [row["is_latest"] for row in body["versions"]] == [True, False, False, False, False]
    assert set(body["versions"][0]) >= {
        *("version", "arch", "distribution", "filename", "sha256", "size_bytes", "imported_at", "imported_by"),
        *("status", "cve_summary", "deps_missing", "is_latest", "pool_available"),
    }
    found = reader.get(f"{prefix}/artifacts/{end}", params={"search": name}).json()["items"]
    assert [row["latest_version"] for row in found if row["name"] == name] == ["1:0.1"]
    assert reader.get(f"/artifacts/absent{name}/versions").status_code == 404


def test_a_snapshot_is_the_manifest_of_one_file(office: Office, reader: httpx2.Client) -> None:
    name = fresh()
    for arch in ("amd64", "arm64"):
        deb(office, name, "1.0", arch)
    path = f"/artifacts/{name}/versions/1.0/snapshot"
    assert (
        reader.get(path, params={"arch": "arm64"}).json()
        == reader.get(f"/artifacts/{name}/1.0", params={"arch": "arm64"}).json()
    )
    assert reader.get(path).json()["arch"] == "amd64"
    for absent in (f"{path}?arch=i386", f"/artifacts/{name}/versions/2.0/snapshot", f"{path}?distribution=noble"):
        assert reader.get(absent).status_code == 404


def test_two_versions_compared(office: Office, reader: httpx2.Client) -> None:
    name = fresh()
    deb(office, name, "1.0", depends="libc6, gone (>= 1)")
    deb(office, name, "2.0", depends="libc6, new | other", files={"usr/share/doc/x": b"x" * 100_000})
    path = f"/artifacts/{name}/versions/compare"
    body = reader.get(path, params={"v1": "1.0", "v2": "2.0"}).json()
    assert (body["package"], body["v1"], body["v2"], body["arch"], body["error"]) == (name, "1.0", "2.0", "all", None)
    difference = body["diff"]
    assert (difference["new_deps"], difference["removed_deps"]) == (["new | other"], ["gone (>= 1)"])
    assert difference["sha256_changed"]
    assert difference["status_change"] is None
    sizes = [body[manifest]["file_size_bytes"] for manifest in ("v1_manifest", "v2_manifest")]
    assert difference["size_change_bytes"] == sizes[1] - sizes[0]
    assert reader.get(path, params={"v1": "1.0", "v2": "9"}).status_code == 404
    assert reader.get(path, params={"v1": "1.0", "v2": "2.0", "arch": "i386"}).status_code == 404
    assert reader.get(path, params={"v1": "1.0"}).status_code == 422


@pytest.mark.parametrize("kind", ["deb", "rpm"])
def test_a_file_is_downloaded_whole_or_in_part(office: Office, reader: httpx2.Client, kind: str) -> None:
    name = fresh()
    data = deb(office, name) if kind == "deb" else rpm(office, name)
    version = "1.0" if kind == "deb" else "1.0-1"
    path = f"/artifacts/{name}/versions/{version}/download"
    whole = reader.get(path)
    assert (whole.status_code, whole.content) == (200, data)
    assert whole.headers["content-disposition"].startswith(f'attachment; filename="{name}')
    assert (
        whole.headers["content-type"]
        == {
            "deb": "application/vnd.debian.binary-package",
            "rpm": "application/x-rpm",
        }[kind]
    )
    assert whole.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    size = len(data)
    for wanted, part in (
        ("bytes=0-99", data[:100]),
        ("bytes=100-", data[100:]),
        ("bytes=-50", data[-50:]),
        (f"bytes={size - 1}-{size + 100}", data[-1:]),
    ):
        answer = reader.get(path, headers={"Range": wanted})
        assert (answer.status_code, answer.content) == (206, part), wanted
        assert answer.headers["content-range"].endswith(f"/{size}")
        assert answer.headers["content-length"] == str(len(part))
    beyond = reader.get(path, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for odd in ("bytes=5-1", "lines=1-2", "bytes=0-1,3-4"):
        assert reader.get(path, headers={"Range": odd}).content == data
    assert reader.get(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).content == data
    assert reader.get(path, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert reader.get(f"/artifacts/{name}/versions/9/download").status_code == 404


def test_what_waits_for_review_is_for_reviewers(office: Office, reader: httpx2.Client) -> None:
    name = fresh()
    data = deb(office, name, fields={"Essential": "yes"})
    path = f"/artifacts/{name}/versions/1.0/download"
    assert reader.get(path).status_code == 403
    with office.session(office.hire(role="auditor")) as auditor:
        assert auditor.get(path).content == data
    assert reader.get(f"/artifacts/{name}/install").status_code == 404
    assert reader.get(f"/artifacts/{name}/dependencies").status_code == 404
    office.admin.delete(f"/artifacts/{name}/1.0")
    assert office.admin.get(path).status_code == 404


def test_dependencies_of_debs(office: Office, reader: httpx2.Client) -> None:
    one = fresh("x")
    top, lib, tool, mail, postfix = (f"{part}-{one}" for part in ("top", "lib", "tool", "mail", "postfix"))
    deb(office, lib, "1.9", "amd64", fields={"Multi-Arch": "same"})
    deb(office, lib, "1.10", "amd64", fields={"Multi-Arch": "same"})
    deb(office, tool, "2:1.0", depends=f"{mail}, {lib} (>= 1.10) | nothing-{one}")
    deb(office, postfix, "3.0", "amd64", fields={"Provides": f"{mail}, {mail}-api (= 2.0)"})
    deb(office, top, "1.0", "amd64", depends=f"nothing-{one} | {tool} (>= 2:0.5), {mail}-api (>= 1.5), {lib} (<< 2)")
    body = needs(reader, top)
    assert (body["package"], body["version"], body["all_satisfied"], body["install_blocked"], body["missing"]) == (
        top,
        "1.0",
        True,
        False,
        [],
    )
    found = rows(body)
    choice = found[f"nothing-{one} | {tool} (>= 2:0.5)"]
    assert (choice["name"], choice["version"], choice["depth"], choice["available_internally"]) == (
        f"nothing-{one}",
        "2:1.0",
        1,
        True,
    )
    assert choice["alternatives"] == [f"nothing-{one}", f"{tool} (>= 2:0.5)"]
    assert found[f"{lib} (<< 2)"]["version"] == "1.10"
    assert found[f"{lib} (<< 2)"]["version_constraint"] == "<< 2"
    assert found[mail]["depth"] == 2
    assert found[mail]["provided_by"] == [f"{postfix} 3.0 amd64"]
    assert found[mail]["required_by"] == [f"{top} 1.0 amd64", f"{tool} 2:1.0 all"]
    # A name that is provided without a version satisfies no constraint, and nothing of arm64 is there.
    picky = f"picky-{one}"
    deb(office, picky, depends=f"{mail} (>= 1), {tool}")
    body = needs(reader, picky)
    assert (body["all_satisfied"], body["install_blocked"], body["missing"]) == (False, True, [mail])
    assert rows(body)[f"{mail} (>= 1)"]["unfit"] == [f"{postfix} 3.0 amd64"]
    why = f"{picky} 1.0 needs {mail} (>= 1), which is not met by what is here: {postfix} 3.0 amd64"
    assert body["reasons"] == [why]
    assert needs(reader, tool, arch="arm64")["install_blocked"]
    # Deeper, and only the least that is lacking.
    deep = f"deep-{one}"
    deb(office, deep, depends=f"{picky} | nothing-{one}, {lib}")
    body = needs(reader, deep)
    assert body["missing"] == [mail] or body["missing"] == [f"nothing-{one}"]


def test_packages_that_cannot_be_together(office: Office, reader: httpx2.Client) -> None:
    one = fresh("y")
    a, b, both, either = (f"{part}-{one}" for part in ("a", "b", "both", "either"))
    deb(office, a, fields={"Conflicts": f"{b} (<< 2)"})
    deb(office, b, "1.0")
    deb(office, both, depends=f"{a}, {b}")
    deb(office, either, depends=f"{a} | {b}, {b} | {a}")
    body = needs(reader, both)
    assert (body["all_satisfied"], body["missing"], body["install_blocked"]) == (True, [], True)
    assert body["conflicts"] == [f"{a} 1.0 all conflicts {b} (<< 2)"] == body["reasons"]
    assert not needs(reader, either)["install_blocked"]
    deb(office, b, "2.0")
    assert not needs(reader, both)["install_blocked"], "the newer one is no rival"
    assert needs(reader, both, version="1.0")["version"] == "1.0"


def test_the_question_names_version_architecture_and_distribution(office: Office, reader: httpx2.Client) -> None:
    name, lib = fresh(), fresh("lib")
    deb(office, name, "1.0", "amd64", depends=lib)
    deb(office, name, "2.0", "amd64")
    deb(office, name, "2.0", "arm64", depends=lib)
    assert needs(reader, name)["dependencies"] == []
    assert needs(reader, name, version="1.0")["missing"] == [lib]
    assert needs(reader, name, arch="arm64")["missing"] == [lib]
    office.admin.post(
        "/distributions/promote", json={"package": name, "from_dist": "jammy", "to_dist": "noble", "version": "1.0"}
    )
    deb(office, lib, dist="noble")
    assert needs(reader, name, distribution="noble")["all_satisfied"]
    assert needs(reader, name, version="1.0", distribution="jammy")["missing"] == [lib]
    for wrong in ({"version": "9"}, {"arch": "i386"}, {"distribution": "focal"}):
        assert reader.get(f"/artifacts/{name}/dependencies", params=wrong).status_code == 404
    assert reader.get(f"/artifacts/absent{name}/dependencies").status_code == 404


def test_dependencies_of_rpms(office: Office, reader: httpx2.Client) -> None:
    one = fresh("z")
    top, lib, shell, plugin = (f"{part}-{one}" for part in ("top", "lib", "shell", "plugin"))
    rpm(office, lib, "1.9", "x86_64", provides=[f"lib{one}.so.1()(64bit)", f"virtual({one}) = 2:1.5"])
    rpm(office, lib, "1.10", "x86_64", provides=[f"lib{one}.so.1()(64bit)", f"virtual({one}) = 2:1.5"])
    rpm(office, shell, files={f"usr/bin/sh-{one}": b"#!/bin/true\n"})
    rpm(office, plugin, provides=[f"addon({one})"])
    requires = [
        f"lib{one}.so.1()(64bit)",
        f"virtual({one}) >= 2:1.0",
        f"/usr/bin/sh-{one}",
        f"({plugin} if {lib})",
        f"(nothing-{one} or {shell} >= 1.0)",
        f"({lib} >= 1.0 with {lib} < 1.10)",
    ]
    rpm(office, top, requires=requires)
    body = needs(reader, top)
    assert (body["all_satisfied"], body["install_blocked"], body["missing"]) == (True, False, [])
    found = rows(body)
    assert set(requires) <= set(found)
    assert found[f"lib{one}.so.1()(64bit)"]["provided_by"] == [f"{lib} 1.9-1 x86_64"], "one version of a name"
    assert found[f"virtual({one}) >= 2:1.0"]["version_constraint"] == ">= 2:1.0"
    assert found[f"/usr/bin/sh-{one}"]["provided_by"] == [f"{shell} 1.0-1 noarch"]
    assert found[f"(nothing-{one} or {shell} >= 1.0)"]["alternatives"] == [f"nothing-{one}", f"{shell} >= 1.0"]
    bad = f"bad-{one}"
    rpm(office, bad, requires=[f"virtual({one}) > 2:1.5", "/no/such/file"], conflicts=[f"{plugin} < 2"])
    body = needs(reader, bad)
    assert set(body["missing"]) == {f"virtual({one})", "/no/such/file"}
    heir = f"heir-{one}"
    rpm(office, heir, requires=[f"addon({one})"], conflicts=[f"{plugin} < 2"])
    assert needs(reader, heir)["conflicts"] == [f"{heir} 1.0-1 noarch conflicts {plugin} < 2"]


def test_install_lines_say_what_to_do(office: Office, reader: httpx2.Client) -> None:
    name = fresh()
    deb(office, name, "1:1.0~rc1", "amd64", depends=f"absent{name}")
    body = reader.get(f"/artifacts/{name}/install").json()
    assert (body["package"], body["version"], body["distribution"], body["format"], body["arch"]) == (
        name,
        "1:1.0~rc1",
        "jammy",
        "deb",
        "amd64",
    )
    assert body["command"] == f"apt-get install '{name}=1:1.0~rc1'" == body["commands"]["apt"]
    assert (body["commands"]["dnf"], body["commands"]["zypper"], body["commands"]["apk"]) == (None, None, None)
    assert (body["install_blocked"], body["missing"]) == (True, [f"absent{name}"])
    assert reader.get(f"/artifacts/{name}/install", params={"version": "3"}).status_code == 404


def paste(lines: list[str], folder: Path, **environment: str) -> None:
    """Into a shell, with the files of ``folder`` in place of the machine's."""
    text = "\n".join(lines).replace("/etc/", f"{folder}/etc/")
    subprocess.run(
        ["sh", "-euc", text], check=True, capture_output=True, env={**os.environ, **environment}, timeout=120
    )


def test_pasted_lines_install_with_apt(office: Office, reader: httpx2.Client, tmp_path: Path) -> None:
    name, lib = fresh(), fresh("lib")
    deb(office, lib, "2.0", "amd64")
    deb(office, name, "1.10", "amd64", depends=f"{lib} (>= 1)")
    deb(office, name, "1.9", "amd64")
    body = reader.get(f"/artifacts/{name}/install", params={"version": "1.9"}).json()
    root = AptRoot(tmp_path / "root")
    configuration = next(root.folder.glob("etc/apt/*.conf"))
    setup = [line for line in body["setup"] if line != "apt-get update"]
    paste(setup, root.folder)
    source = next((root.folder / "etc/apt/sources.list.d").glob("*.sources"))
    source.write_text(
        source.read_text()
        .replace("Signed-By: /etc/", f"Signed-By: {root.folder}/etc/")
        .replace(f"{root.folder}{root.folder}", str(root.folder))
    )
    assert body["setup"][-1] == "apt-get update"
    paste([body["setup"][-1], body["command"]], root.folder, APT_CONFIG=str(configuration))
    assert root.installed() == {name: "1.9"}
    newest = reader.get(f"/artifacts/{name}/install").json()
    paste([newest["command"]], root.folder, APT_CONFIG=str(configuration))
    assert root.installed() == {name: "1.10", lib: "2.0"}


@pytest.mark.skipif(os.geteuid() != 0, reason="INSTALLING WITH dnf NEEDS ROOT RIGHTS")
def test_pasted_lines_install_with_dnf(office: Office, reader: httpx2.Client, tmp_path: Path) -> None:
    name, lib = fresh(), fresh("lib")
    rpm(office, lib, "2.0", "x86_64", epoch=1)
    rpm(office, name, "1.10", "x86_64", requires=[f"{lib} >= 1:1"])
    body = reader.get(f"/artifacts/{name}/install").json()
    epoch = reader.get(f"/artifacts/{lib}/install").json()
    root = DnfRoot(tmp_path / "root")
    (root.folder / "etc").mkdir()
    (root.folder / "etc/yum.repos.d").symlink_to(root.folder / "repos")
    paste(body["setup"], root.folder)
    for one in (epoch, body):
        program, *arguments = one["command"].split()
        assert program == "dnf"
        root.dnf(*arguments).checked()
    assert root.installed() == {name: "1.10-1", lib: "1:2.0-1"}
    assert body["commands"]["zypper"] == f"zypper install {name}.x86_64=1.10-1"
    assert body["setups"]["zypper"][-1] == "zypper --gpg-auto-import-keys refresh"
