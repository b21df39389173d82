"""Programs that copy or bootstrap from repositories, written by others, on a mirror of a tree that stock tools made."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, Result, missing_programs, run
from entrepot.testing.mirroring import MirrorScene, mirror_scene
from entrepot.testing.packages import build_deb, build_rpm

pytestmark = [
    pytest.mark.clients,
    pytest.mark.xdist_group("mirror_clients"),
    pytest.mark.skipif(bool(missing_programs("gpg", "reprepro")), reason="gpg OR reprepro IS MISSING"),
]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="A SYSTEM IS BOOTSTRAPPED AS root ONLY")
READS_REPODATA = """
import createrepo_c as cr, sys
md = cr.Metadata()
md.locate_and_load_xml(sys.argv[1])
for key in md.keys():
    one = md.get(key)
    print(one.nevra(), one.pkgId, one.location_href, len(one.files), len(one.changelogs))
"""


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = missing_programs(*programs)
    return pytest.mark.skipif(bool(missing), reason=f"{' '.join(missing).upper()} IS NOT INSTALLED")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorScene]:
    with mirror_scene(tmp_path_factory.mktemp("mirror-clients")) as made:
        yield made


@pytest.fixture(scope="module")
def debian(scene: MirrorScene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A mirror of what reprepro has made; SHA-256 by the name of each package file."""
    plain = {"Section": "misc", "Priority": "optional"}
    first = {"Section": "misc", "Priority": "required"}
    more = {**plain, "Depends": "m-base"}
    files = {
        "m-base_1.0_amd64.deb": build_deb("m-base", "1.0", architecture="amd64", fields=first),
        "m-app_1.0-1_amd64.deb": build_deb("m-app", "1.0-1", architecture="amd64", fields=more),
        "m-doc_1.0_all.deb": build_deb("m-doc", "1.0", fields=more),
    }
    by_reprepro(scene, "debian", files)
    done = scene.mirror("debian")
    assert done["status"] == "done", done
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def by_reprepro(scene: MirrorScene, name: str, files: dict[str, bytes], architectures: str = "amd64") -> None:
    """An upstream's archive, signed, as reprepro lays it out."""
    tree = scene.folder / name
    (tree / "conf").mkdir(parents=True)
    (tree / "conf/distributions").write_text(
        f"Codename: stable\nSuite: stable\nComponents: main\nArchitectures: {architectures}\nContents: .gz\n"
        f"SignWith: {scene.gpg.fingerprint('upstream')}\n"
    )
    incoming = tree / "incoming"
    incoming.mkdir()
    for file, data in files.items():
        (incoming / file).write_bytes(data)
    command = ["reprepro", "-b", str(tree), "includedeb", "stable"]
    environment = {"GNUPGHOME": str(scene.gpg.home)}
    run([*command, *(str(incoming / file) for file in files)], folder=tree, environment=environment).checked()


def keyring(scene: MirrorScene, folder: Path) -> Path:
    path = folder / "upstream.gpg"
    path.write_bytes(scene.gpg.certificate("upstream"))
    return path


def digests_below(folder: Path, pattern: str = "**/*.deb") -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob(pattern)}


@needs("debmirror")
def test_debmirror_copies_a_mirror(tmp_path: Path, scene: MirrorScene, debian: dict[str, str]) -> None:
    host = scene.server.url.partition("//")[2]
    copy = tmp_path / "copy"
    command = ["debmirror", str(copy), "--method=http", f"--host={host}", "--root=apt/debian", "--dist=stable"]
    command += ["--section=main", "--arch=amd64", "--nosource", "--rsync-extra=none", "--getcontents", "--verbose"]
    command += [f"--keyring={keyring(scene, tmp_path)}", "--diff=none"]
    done = run(command, folder=tmp_path).checked()
    assert digests_below(copy / "pool") == debian, done
    # And once more over what is there: nothing is fetched anew, nothing is thrown away.
    run(command, folder=tmp_path).checked()
    assert digests_below(copy / "pool") == debian
    for name in ("Release", "Release.gpg", "main/binary-amd64/Packages.gz"):
        assert (copy / "dists/stable" / name).read_bytes() == scene.get(f"/apt/debian/dists/stable/{name}").content


@needs("aptly")
def test_aptly_mirrors_a_mirror(tmp_path: Path, scene: MirrorScene, debian: dict[str, str]) -> None:
    (tmp_path / "aptly.conf").write_text(f'{{"rootDir": "{tmp_path}/aptly", "gpgProvider": "gpg"}}')
    keys = f"-keyring={keyring(scene, tmp_path)}"

    def aptly(*arguments: str) -> Result:
        return run(("aptly", f"-config={tmp_path}/aptly.conf", *arguments), folder=tmp_path).checked()

    aptly("mirror", "create", keys, "ours", f"{scene.server.url}/apt/debian", "stable", "main")
    aptly("mirror", "update", keys, "ours")
    shown = aptly("mirror", "show", "-with-packages", "ours").stdout
    assert {"m-base_1.0_amd64", "m-app_1.0-1_amd64", "m-doc_1.0_all"} <= set(shown.split())
    stored = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "aptly/pool").rglob("*.deb")}
    assert stored == set(debian.values())
    aptly("mirror", "update", keys, "ours")


@AS_ROOT
@needs("debootstrap")
def test_debootstrap_takes_what_is_required(tmp_path: Path, scene: MirrorScene, debian: dict[str, str]) -> None:
    script = tmp_path / "stable"
    script.symlink_to("/usr/share/debootstrap/scripts/sid")
    keys = f"--keyring={keyring(scene, tmp_path)}"
    url = f"{scene.server.url}/apt/debian"
    target = tmp_path / "target"
    command = ("debootstrap", "--force-check-gpg", keys, "--variant=minbase", "--arch=amd64", "--download-only")
    done = run((*command, "--include=m-app", "--exclude=apt", "stable", str(target), url, str(script)), folder=tmp_path)
    found = digests_below(target / "var/cache/apt/archives")
    wanted = {name: debian[name] for name in ("m-base_1.0_amd64.deb", "m-app_1.0-1_amd64.deb")}
    assert found == wanted, f"{done}\n{(target / 'debootstrap/debootstrap.log').read_text()}"


@AS_ROOT
@needs("debootstrap")
def test_debootstrap_makes_a_debian_system(tmp_path: Path, scene: MirrorScene) -> None:
    url, suite, keys = own_debian()
    first = tmp_path / "first"
    command = ("debootstrap", "--variant=minbase", f"--keyring={keys}", "--download-only", suite, str(first), url)
    fetched = run(command, folder=tmp_path, environment=proxies())
    if not fetched.ok:
        pytest.skip(f"THE DEBIAN MIRROR OF THIS MACHINE GIVES NO SYSTEM TO MIRROR: {fetched.output[-300:]}")
    packages = {}
    for path in (first / "var/cache/apt/archives").glob("*.deb"):
        name, version, rest = path.name.split("_")
        packages[f"{name}_{version.rpartition('%3a')[2]}_{rest}"] = path.read_bytes()
        path.unlink()
    assert len(packages) > 60
    by_reprepro(scene, "system", packages)
    done = scene.mirror("system")
    assert done["status"] == "done", done
    target = tmp_path / "target"
    keys = str(keyring(scene, tmp_path))
    ours = (f"--keyring={keys}", "--force-check-gpg", "stable", str(target), f"{scene.server.url}/apt/system")
    script = "/usr/share/debootstrap/scripts/sid"
    made = run(("debootstrap", "--variant=minbase", *ours, script), folder=tmp_path)
    assert made.ok, f"{made}\n{(target / 'debootstrap/debootstrap.log').read_text()[-3000:]}"
    inside = run(("chroot", str(target), "dpkg-query", "--show", "--showformat=${Status}\n"), folder=tmp_path).checked()
    assert set(inside.stdout.split("\n")) == {"install ok installed", ""}
    shutil.rmtree(target)


@needs("dpkg-source", "apt-get")
@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
def test_apt_gets_source_packages(tmp_path: Path, scene: MirrorScene, policy: str) -> None:
    name = f"src{policy[:2]}"
    folder = tmp_path / "m-source-1.0"
    (folder / "debian/source").mkdir(parents=True)
    (folder / "debian/source/format").write_text("3.0 (native)\n")
    (folder / "debian/control").write_text(
        "Source: m-source\nSection: misc\nPriority: optional\nMaintainer: Demo <demo@example.org>\n"
        "Standards-Version: 4.6.2\n\nPackage: m-source\nArchitecture: all\nDescription: demo\n"
    )
    (folder / "debian/changelog").write_text(
        "m-source (1.0) stable; urgency=low\n\n  * Demo.\n\n -- Demo <demo@example.org>  "
        "Sat, 21 Nov 2026 20:00:00 +0000\n"
    )
    (folder / "data").write_text(policy)
    run(("dpkg-source", "-b", str(folder)), folder=tmp_path).checked()
    plain = {"Section": "misc", "Priority": "optional"}
    by_reprepro(scene, name, {"m-source_1.0_all.deb": build_deb("m-source", "1.0", fields=plain)}, "amd64 source")
    tree, environment = scene.folder / name, {"GNUPGHOME": str(scene.gpg.home)}
    command = ("reprepro", "-b", str(tree), "includedsc", "stable", str(tmp_path / "m-source_1.0.dsc"))
    run(command, folder=tree, environment=environment).checked()

    assert scene.mirror(name, download_policy=policy)["status"] == "done"
    assert scene.get(f"/apt/{name}/dists/stable/main/source/Sources.gz").status_code == 404
    scene.client.mirrors.change(name, sources=True)
    done = scene.run(name)
    assert done["status"] == "done", done
    assert scene.client.mirrors.one(name)["files"] == 3
    apt = AptRoot(tmp_path / "root")
    apt.add_source(scene.get(f"/apt/{name}/stable.sources").text)
    apt.update().checked()
    got = tmp_path / "got"
    got.mkdir()
    apt.run("apt-get", "source", "--download-only", "m-source", folder=got).checked()
    for path in ("m-source_1.0.dsc", "m-source_1.0.tar.xz"):
        assert (got / path).read_bytes() == (tmp_path / path).read_bytes()


@needs("dnf", "createrepo_c", "mergerepo_c")
def test_reposync_and_createrepo_read_a_mirror(tmp_path: Path, scene: MirrorScene) -> None:
    packages = {
        "m-tool-1.0-1.noarch.rpm": build_rpm("m-tool", "1.0", "1"),
        "m-more-2.0-1.x86_64.rpm": build_rpm("m-more", "2.0", "1", architecture="x86_64"),
    }
    scene.publish_rpm("vendor", packages)
    assert scene.mirror("vendor", "rpm")["status"] == "done"
    dnf = DnfRoot(tmp_path)
    text = scene.get("/rpm/vendor/el9.repo").text
    dnf.add_repo(text)
    name = re.findall(r"^\[(.*)\]", text, re.MULTILINE)[0]
    copy = tmp_path / "copy"
    synced = dnf.dnf("--setopt=plugins=1", "reposync", f"--repoid={name}", f"-p{copy}", "--download-metadata")
    if "No such command" in synced.output:
        pytest.skip("DNF HAS NO reposync HERE")
    synced.checked()
    assert {path.name: path.read_bytes() for path in copy.rglob("*.rpm")} == packages
    read = run(("/usr/bin/python3", "-c", READS_REPODATA, str(copy / name)), folder=tmp_path)
    if "No module named" in read.output:
        pytest.skip("THE PYTHON MODULE createrepo_c IS NOT INSTALLED")
    found = {line.split()[1] for line in read.checked().stdout.split("\n") if line}
    assert found == {hashlib.sha256(data).hexdigest() for data in packages.values()}
    url = f"{scene.server.url}/rpm/vendor/el9"
    merged = run(("mergerepo_c", "-d", "--repo", url, "--outputdir", str(tmp_path / "merged")), folder=tmp_path)
    merged.checked()
    again = run(("/usr/bin/python3", "-c", READS_REPODATA, str(tmp_path / "merged")), folder=tmp_path).checked()
    assert {line.split()[1] for line in again.stdout.split("\n") if line} == found
    run(("createrepo_c", "--update", "--quiet", str(copy / name)), folder=tmp_path).checked()


def own_debian() -> tuple[str, str, str]:
    """URL, suite and keyring of the Debian mirror that this machine's own apt uses."""
    path = Path("/etc/apt/sources.list.d/debian.sources")
    for stanza in path.read_text(encoding="utf-8").split("\n\n") if path.is_file() else ():
        fields = dict(re.findall(r"^(URIs|Suites|Signed-By): *(\S+)", stanza, re.MULTILINE))
        if len(fields) == 3 and fields["URIs"].endswith("/debian") and Path(fields["Signed-By"]).is_file():
            return fields["URIs"], fields["Suites"], fields["Signed-By"]
    pytest.skip("NO DEBIAN MIRROR IS CONFIGURED ON THIS MACHINE: no real system is bootstrapped")


def proxies() -> dict[str, str]:
    """The way out of this machine, for a program that asks a Debian mirror."""
    return {name: value for name, value in os.environ.items() if name.lower() in ("http_proxy", "https_proxy")}
