"""The scratch roots do what real machines do, and leave this machine alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from entrepot.adapters.signing.armor import Block, dearmor
from entrepot.adapters.signing.base import KeyAlgorithm, Signer
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.testing.clients import AptRoot, DnfRoot, FolderServer, ZypperRoot, missing_programs, run
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.repositories import sign_apt, write_apt_repository, write_rpm_repository

pytestmark = pytest.mark.clients

DATE = datetime(2024, 2, 2, tzinfo=UTC)
FAR = DATE + timedelta(days=30_000)


def needs(*programs: str, root: bool = False) -> pytest.MarkDecorator:
    missing = missing_programs(*programs)
    reason = f"not installed: {', '.join(missing)}" if missing else "needs root rights"
    return pytest.mark.skipif(bool(missing) or (root and os.geteuid() != 0), reason=reason)


needs_apt = needs("apt-get", "apt-ftparchive", "dpkg")
needs_dnf = needs("dnf", "createrepo_c", "rpm", root=True)
needs_zypper = needs("zypper", "createrepo_c", "rpm", root=True)


@pytest.fixture
def signer() -> Signer:
    keyring = MemoryKeyring(lambda: DATE)
    keyring.create("main", "Archive <archive@example.org>", KeyAlgorithm.ED25519, DATE)
    keyring.create("stranger", "Stranger <stranger@example.org>", KeyAlgorithm.ED25519, DATE)
    return keyring.signer("main")


@pytest.fixture
def stranger() -> Signer:
    keyring = MemoryKeyring(lambda: DATE)
    keyring.create("stranger", "Stranger <stranger@example.org>", KeyAlgorithm.ED25519, DATE)
    return keyring.signer("stranger")


DEBS = {
    "hello_1.0_all.deb": build_deb("hello", "1.0", scripts={"postinst": '#!/bin/sh\ntouch "$DPKG_ROOT/configured"\n'}),
    "hello_1.1_all.deb": build_deb("hello", "1.1", compression="zst"),
    "native_1.0_amd64.deb": build_deb("native", "1.0", "amd64", depends="hello (>= 1.1)"),
    "foreign_1.0_arm64.deb": build_deb("foreign", "1.0", "arm64"),
}
RPMS = ("hello-1.0-1.noarch", "hello-2.0-1.noarch", "native-1.0-1.x86_64", "foreign-1.0-1.aarch64")


@pytest.fixture
def apt_folder(tmp_path: Path, signer: Signer) -> Path:
    folder = tmp_path / "deb"
    release = write_apt_repository(folder, DEBS, DATE, valid_until=FAR, architectures=("amd64", "arm64"))
    sign_apt(release, clearsign=signer.clearsign, detach=signer.detach)
    return folder


@pytest.fixture
def rpm_folder(tmp_path: Path, signer: Signer) -> Path:
    def sign(header: bytes) -> bytes:
        return dearmor(Block.SIGNATURE, signer.detach(header))

    packages = {
        f"{RPMS[0]}.rpm": build_rpm("hello", "1.0", sign=sign),
        f"{RPMS[1]}.rpm": build_rpm("hello", "2.0", epoch=0, sign=sign),
        f"{RPMS[2]}.rpm": build_rpm("native", architecture="x86_64", requires=["hello >= 2.0"], sign=sign),
        f"{RPMS[3]}.rpm": build_rpm("foreign", architecture="aarch64", sign=sign),
        "unsigned-1.0-1.noarch.rpm": build_rpm("unsigned"),
    }
    write_rpm_repository(tmp_path / "rpm", packages, signer.detach)
    return tmp_path / "rpm"


@pytest.fixture(params=["file", "http"])
def apt_url(request: pytest.FixtureRequest, apt_folder: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file:{apt_folder}"
    else:
        with FolderServer(apt_folder) as server:
            yield server.url


@pytest.fixture(params=["file", "http"])
def rpm_url(request: pytest.FixtureRequest, rpm_folder: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{rpm_folder}"
    else:
        with FolderServer(rpm_folder) as server:
            yield server.url


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users reach, unlike those that pytest makes."""
    with tempfile.TemporaryDirectory(prefix="plain-user-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def apt_root(folder: Path, url: str, key: bytes, *architectures: str) -> AptRoot:
    apt = AptRoot(folder, architectures=architectures or ("amd64",))
    path = apt.key_file(key)
    apt.add_source(f"Types: deb\nURIs: {url}\nSuites: stable\nComponents: main\nSigned-By: {path}\n")
    return apt


def repo_file(url: str, key: Path) -> str:
    return f"[x]\nname=x\nbaseurl={url}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://{key}\n"


@needs_apt
def test_apt_updates_chooses_fetches_installs_and_removes(tmp_path: Path, apt_url: str, signer: Signer) -> None:
    apt = apt_root(tmp_path / "apt", apt_url, signer.armored())
    apt.update().checked()
    assert (apt.candidate("hello"), apt.candidate("absent"), apt.candidate("foreign")) == ("1.1", None, None)
    assert apt.versions("hello") == ["1.1", "1.0"]
    (fetched,) = apt.download("hello=1.0")
    assert fetched.read_bytes() == DEBS["hello_1.0_all.deb"]
    apt.install("hello=1.0").checked()
    assert (apt.folder / "usr/share/doc/hello/hello").read_bytes() == b"hello from hello\n"
    assert (apt.folder / "configured").exists()
    apt.install("native").checked()
    assert apt.installed() == {"hello": "1.1", "native": "1.0"}
    apt.remove("native", "hello").checked()
    assert apt.installed() == {}
    assert not (apt.folder / "usr/share/doc/hello/hello").exists()


@needs_apt
def test_apt_takes_foreign_packages_only_when_told_of_their_architecture(
    tmp_path: Path, apt_url: str, signer: Signer
) -> None:
    apt = apt_root(tmp_path / "apt", apt_url, signer.armored(), "arm64")
    apt.update().checked()
    assert (apt.candidate("hello"), apt.candidate("foreign"), apt.candidate("native")) == ("1.1", "1.0", None)
    apt.install("foreign", "hello").checked()
    assert apt.installed() == {"hello": "1.1", "foreign": "1.0"}


@needs_apt
def test_apt_refuses_a_repository_of_another_key(tmp_path: Path, apt_url: str, stranger: Signer) -> None:
    apt = apt_root(tmp_path / "apt", apt_url, stranger.armored())
    result = apt.update()
    assert not result.ok
    assert "NO_PUBKEY" in result.output
    assert apt.candidate("hello") is None


@needs_apt
def test_apt_refuses_a_release_that_lapsed(tmp_path: Path, apt_folder: Path, signer: Signer) -> None:
    release = write_apt_repository(apt_folder, {}, DATE, valid_until=DATE + timedelta(days=1))
    sign_apt(release, clearsign=signer.clearsign)
    result = apt_root(tmp_path / "apt", f"file:{apt_folder}", signer.armored()).update()
    assert not result.ok
    assert "is expired" in result.output


@needs_apt
def test_apt_refuses_a_release_from_its_future(tmp_path: Path, apt_folder: Path, signer: Signer) -> None:
    sign_apt(write_apt_repository(apt_folder, {}, FAR), clearsign=signer.clearsign)
    result = apt_root(tmp_path / "apt", f"file:{apt_folder}", signer.armored()).update()
    assert not result.ok
    assert "is not valid yet" in result.output


@needs_apt
def test_apt_refuses_an_unsigned_repository(tmp_path: Path, apt_folder: Path, signer: Signer) -> None:
    sign_apt(apt_folder / "dists/stable/Release")
    assert not apt_root(tmp_path / "apt", f"file:{apt_folder}", signer.armored()).update().ok


@needs_apt
def test_apt_refuses_an_index_or_package_other_than_signed(tmp_path: Path, apt_folder: Path, signer: Signer) -> None:
    apt = apt_root(tmp_path / "apt", f"file:{apt_folder}", signer.armored())
    apt.update().checked()
    (apt_folder / "pool/hello_1.1_all.deb").write_bytes(DEBS["hello_1.1_all.deb"][:-1] + b"!")
    assert not apt.install("hello").ok
    assert apt.installed() == {}
    index = apt_folder / "dists/stable/main/binary-amd64/Packages"
    index.write_bytes(index.read_bytes() + b"\n")
    assert not apt_root(tmp_path / "apt2", f"file:{apt_folder}", signer.armored()).update().ok


@needs_apt
def test_the_configuration_of_the_machine_does_not_reach_a_scratch_root(tmp_path: Path) -> None:
    dump = AptRoot(tmp_path).run("apt-config", "dump").checked().stdout
    settings = dict(line.split(" ", 1) for line in dump.split("\n") if " " in line)
    assert settings["Acquire::Check-Valid-Until"] == settings["Acquire::Check-Date"] == '"true";'
    assert "Post-Invoke" not in dump
    assert (
        AptRoot(tmp_path).run("apt-config", "shell", "F", "Dir::State::status/f").stdout
        == f"F='{tmp_path}/var/lib/dpkg/status'\n"
    )


@needs("apt-get", "apt-ftparchive", "dpkg", "setpriv", root=True)
def test_apt_works_for_a_plain_user(signer: Signer, open_folder: Path) -> None:
    release = write_apt_repository(open_folder / "deb", DEBS, DATE)
    sign_apt(release, clearsign=signer.clearsign)
    apt = apt_root(open_folder / "apt", f"file:{open_folder}/deb", signer.armored())
    configuration = apt.folder / "etc/apt/scratch.conf"
    configuration.write_text(configuration.read_text() + 'DPkg::Options:: "--force-not-root";\n')
    for path in (open_folder, *open_folder.rglob("*")):
        os.chown(path, 65534, 65534)
    plain = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
    apt.run(*plain, "apt-get", "update").checked()
    apt.run(*plain, "apt-get", "install", "native").checked()
    assert apt.installed() == {"hello": "1.1", "native": "1.0"}


@needs_dnf
def test_dnf_lists_installs_upgrades_downgrades_and_removes(tmp_path: Path, rpm_url: str, signer: Signer) -> None:
    dnf = DnfRoot(tmp_path / "dnf")
    dnf.add_repo(repo_file(rpm_url, dnf.key_file(signer.armored())))
    dnf.makecache().checked()
    wanted = ["hello-0:1.0-1.noarch", "hello-0:2.0-1.noarch", "native-0:1.0-1.x86_64", "unsigned-0:1.0-1.noarch"]
    assert dnf.available() == wanted
    dnf.install("hello-1.0").checked()
    assert (dnf.root / "usr/share/doc/hello/hello").read_bytes() == b"hello from hello\n"
    dnf.upgrade().checked()
    assert dnf.installed() == {"hello": "0:2.0-1"}
    dnf.downgrade("hello").checked()
    dnf.install("native").checked()
    assert dnf.installed() == {"hello": "0:2.0-1", "native": "1.0-1"}
    dnf.remove("native", "hello").checked()
    assert dnf.installed() == {}


@needs_dnf
def test_dnf_refuses_an_unsigned_package_where_signatures_are_asked_for(
    tmp_path: Path, rpm_folder: Path, signer: Signer
) -> None:
    dnf = DnfRoot(tmp_path / "dnf")
    dnf.add_repo(repo_file(f"file://{rpm_folder}", dnf.key_file(signer.armored())))
    result = dnf.install("unsigned")
    assert "is not signed" in result.output
    assert dnf.installed() == {}


@needs_dnf
def test_dnf_of_another_architecture_sees_its_own_packages(tmp_path: Path, rpm_folder: Path, signer: Signer) -> None:
    dnf = DnfRoot(tmp_path / "dnf", architecture="aarch64")
    dnf.add_repo(repo_file(f"file://{rpm_folder}", dnf.key_file(signer.armored())))
    assert "foreign-0:1.0-1.aarch64" in dnf.available()
    assert "native-0:1.0-1.x86_64" not in dnf.available()


@needs_dnf
def test_dnf_refuses_a_repository_of_another_key(tmp_path: Path, rpm_url: str, stranger: Signer) -> None:
    dnf = DnfRoot(tmp_path / "dnf")
    dnf.add_repo(repo_file(rpm_url, dnf.key_file(stranger.armored())))
    assert not dnf.makecache().ok


@needs_zypper
def test_zypper_lists_installs_and_removes(tmp_path: Path, rpm_url: str, signer: Signer) -> None:
    zypper = ZypperRoot(tmp_path / "zypper")
    zypper.trust(signer.armored()).checked()
    zypper.add_repo(repo_file(rpm_url, zypper.folder / "trusted.asc"))
    zypper.refresh().checked()
    assert "hello 2.0-1 noarch" in zypper.available()
    zypper.install("hello=1.0-1").checked()
    assert (zypper.root / "usr/share/doc/hello/hello").read_bytes() == b"hello from hello\n"
    zypper.install("native").checked()
    assert zypper.installed() == {"hello": "0:2.0-1", "native": "1.0-1"}
    zypper.remove("native").checked()
    assert zypper.installed() == {"hello": "0:2.0-1"}


@needs_zypper
def test_zypper_refuses_a_repository_of_an_unknown_key(tmp_path: Path, rpm_folder: Path, stranger: Signer) -> None:
    zypper = ZypperRoot(tmp_path / "zypper")
    zypper.trust(stranger.armored()).checked()
    zypper.add_repo(repo_file(f"file://{rpm_folder}", zypper.folder / "trusted.asc"))
    assert not zypper.refresh().ok


def test_a_failed_command_shows_everything_it_said(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"(?s)sh -c.*out\n.*err\n.*status 3"):
        run(("sh", "-c", "echo out; echo err >&2; exit 3"), folder=tmp_path).checked()
    assert run(("no-such-program",), folder=tmp_path).status == 127
    assert missing_programs("sh", "no-such-program") == ["no-such-program"]


def test_nothing_of_our_environment_reaches_a_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    seen = run(("env",), folder=tmp_path).stdout
    assert "proxy" not in seen
    assert f"HOME={tmp_path}\n" in seen
