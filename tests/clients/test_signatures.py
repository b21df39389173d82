"""Real clients accept what we sign, whichever of two keys they know, and refuse everything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entrepot.adapters.signing.armor import Block, armor, dearmor
from entrepot.adapters.signing.base import KeyAlgorithm
from entrepot.adapters.signing.openpgp import Identity, OpenPGPSigner, new_identity
from entrepot.testing.clients import AptRoot, DnfRoot, Result, ZypperRoot, missing_programs, run
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.repositories import sign_apt, write_apt_repository, write_rpm_repository

pytestmark = pytest.mark.clients

CREATED = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 2, 2, tzinfo=UTC)
ALGORITHMS = list(KeyAlgorithm)


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = missing_programs(*programs)
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def signer_of(*identities: Identity) -> OpenPGPSigner:
    return OpenPGPSigner(identities, lambda: NOW)


@pytest.fixture(scope="module")
def identities() -> dict[KeyAlgorithm, Identity]:
    return {each: new_identity(f"Archive {each} <archive@example.org>", each, CREATED) for each in ALGORITHMS}


@pytest.fixture(scope="module")
def both(identities: dict[KeyAlgorithm, Identity]) -> OpenPGPSigner:
    return signer_of(*identities.values())


@pytest.fixture(scope="module")
def deb_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := missing_programs("apt-ftparchive"):
        pytest.skip(f"not installed: {missing}")
    folder = tmp_path_factory.mktemp("deb")
    write_apt_repository(folder, {"hello-signed_1.0_all.deb": build_deb("hello-signed")}, NOW)
    return folder


@pytest.fixture(scope="module")
def rpm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := missing_programs("createrepo_c"):
        pytest.skip(f"not installed: {missing}")
    folder = tmp_path_factory.mktemp("rpm")
    write_rpm_repository(folder, {"hello-signed.rpm": build_rpm("hello-signed")})
    return folder


def apt_update(repository: Path, root: Path, key: bytes, suffix: str = ".asc") -> Result:
    apt = AptRoot(root)
    path = apt.key_file(key, "archive" + suffix)
    apt.add_line(f"deb [signed-by={path}] file:{repository} stable main")
    return apt.update()


def dnf_makecache(repository: Path, root: Path, key: bytes) -> Result:
    dnf = DnfRoot(root)
    path = dnf.key_file(key)
    dnf.add_repo(f"[x]\nname=x\nbaseurl=file://{repository}\nrepo_gpgcheck=1\ngpgkey=file://{path}\n")
    return dnf.makecache()


@needs("gpgv")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_gpgv_says_good(tmp_path: Path, identities: dict[KeyAlgorithm, Identity], algorithm: KeyAlgorithm) -> None:
    signer = signer_of(identities[algorithm])
    write_signed(tmp_path, signer)
    for arguments in (["clear"], ["data.sig", "data"]):
        result = run(("gpgv", "--keyring", "./key.gpg", *arguments), folder=tmp_path).checked()
        assert "Good signature" in result.stderr
    (tmp_path / "data").write_bytes(b"other")
    assert not run(("gpgv", "--keyring", "./key.gpg", "data.sig", "data"), folder=tmp_path).ok


@needs("sqv")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_sqv_says_good(tmp_path: Path, identities: dict[KeyAlgorithm, Identity], algorithm: KeyAlgorithm) -> None:
    signer = signer_of(identities[algorithm])
    write_signed(tmp_path, signer)
    verify = ("sqv", "--keyring", "key.asc", "data.sig", "data")
    assert run(verify, folder=tmp_path).checked().stdout.split() == list(signer.fingerprints())
    (tmp_path / "data").write_bytes(b"other")
    assert not run(verify, folder=tmp_path).ok


def write_signed(folder: Path, signer: OpenPGPSigner) -> None:
    (folder / "key.gpg").write_bytes(signer.certificate())
    (folder / "key.asc").write_bytes(signer.armored())
    (folder / "clear").write_bytes(signer.clearsign(b"text\n- dashed\n\nlast\n"))
    (folder / "data").write_bytes(b"data")
    (folder / "data.sig").write_bytes(signer.detach(b"data"))


@needs("rpmkeys")
def test_rpm_imports_every_key_of_one_block(tmp_path: Path, both: OpenPGPSigner) -> None:
    dnf = DnfRoot(tmp_path)
    dnf.rpm("--import", str(dnf.key_file(both.armored()))).checked()
    listed = dnf.rpm("--query", "gpg-pubkey", "--queryformat=%{VERSION}\n").checked().stdout.split()
    assert sorted(listed) == sorted(fingerprint[-8:].lower() for fingerprint in both.fingerprints())


@needs("rpm", "rpmkeys")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_rpm_verifies_a_package_signed_by_us(
    tmp_path: Path, identities: dict[KeyAlgorithm, Identity], algorithm: KeyAlgorithm
) -> None:
    signer = signer_of(identities[algorithm])
    dnf = DnfRoot(tmp_path)
    package = build_rpm("hello-signed", sign=lambda header: dearmor(Block.SIGNATURE, signer.detach(header)))
    (tmp_path / "x.rpm").write_bytes(package)
    before = dnf.rpm("--checksig", str(tmp_path / "x.rpm"))
    assert not before.ok
    assert "SIGNATURES NOT OK" in before.stdout
    dnf.rpm("--import", str(dnf.key_file(signer.armored()))).checked()
    assert "digests signatures OK" in dnf.rpm("--checksig", str(tmp_path / "x.rpm")).checked().stdout


@needs("apt-get")
@pytest.mark.parametrize("suffix", [".asc", ".gpg"])
@pytest.mark.parametrize("inline", [True, False], ids=["InRelease", "Release.gpg"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_apt_accepts(
    tmp_path: Path,
    deb_folder: Path,
    identities: dict[KeyAlgorithm, Identity],
    algorithm: KeyAlgorithm,
    inline: bool,
    suffix: str,
) -> None:
    signer = signer_of(identities[algorithm])
    release = deb_folder / "dists/stable/Release"
    sign_apt(release, **{"clearsign": signer.clearsign} if inline else {"detach": signer.detach})
    key = signer.armored() if suffix == ".asc" else signer.certificate()
    result = apt_update(deb_folder, tmp_path, key, suffix).checked()
    assert "W:" not in result.stderr


@needs("apt-get")
@pytest.mark.parametrize(
    "change",
    [
        lambda signed: signed.replace(b"Suite: stable", b"Suite: stablf"),
        lambda signed: b"Suite: x\n" + signed,
        lambda signed: signed.replace(b"-----BEGIN PGP SIGNATURE", b"Suite: x\n-----BEGIN PGP SIGNATURE"),
    ],
)
def test_apt_refuses_tampered_text(
    tmp_path: Path, deb_folder: Path, both: OpenPGPSigner, change: Callable[[bytes], bytes]
) -> None:
    sign_apt(deb_folder / "dists/stable/Release", clearsign=lambda text: change(both.clearsign(text)))
    assert not apt_update(deb_folder, tmp_path, both.armored()).ok


@needs("dnf")
def test_dnf_accepts_our_repomd_signature_and_refuses_another_repomd(tmp_path: Path, both: OpenPGPSigner) -> None:
    folder = tmp_path / "repository"
    repomd = write_rpm_repository(folder, {"hello-signed.rpm": build_rpm("hello-signed")}, both.detach)
    assert dnf_makecache(folder, tmp_path / "good", both.armored()).checked()
    repomd.write_bytes(repomd.read_bytes() + b"\n")
    refused = dnf_makecache(folder, tmp_path / "bad", both.armored())
    assert not refused.ok
    assert "GPG" in refused.output


def knowledge(identities: dict[KeyAlgorithm, Identity], known: str) -> bytes:
    """What a client trusts: the first key, the second, both, or a third that signed nothing."""
    first, second = identities.values()
    stranger = new_identity("Stranger <stranger@example.org>", KeyAlgorithm.ED25519, CREATED)
    chosen = {"first": [first], "second": [second], "both": [first, second], "stranger": [stranger]}[known]
    return armor(Block.PUBLIC_KEY, b"".join(each.certificate() for each in chosen))


KNOWN = ["first", "second", "both", "stranger"]


@needs("apt-get")
@pytest.mark.parametrize("inline", [True, False], ids=["InRelease", "Release.gpg"])
@pytest.mark.parametrize("known", KNOWN)
def test_apt_needs_to_know_one_of_two_signing_keys(
    tmp_path: Path, deb_folder: Path, identities: dict[KeyAlgorithm, Identity], known: str, inline: bool
) -> None:
    both = signer_of(*identities.values())
    release = deb_folder / "dists/stable/Release"
    sign_apt(release, **{"clearsign": both.clearsign} if inline else {"detach": both.detach})
    result = apt_update(deb_folder, tmp_path, knowledge(identities, known))
    assert result.ok == (known != "stranger"), result


@needs("dnf")
@pytest.mark.parametrize("known", KNOWN)
def test_dnf_needs_to_know_one_of_two_signing_keys(
    tmp_path: Path, rpm_folder: Path, identities: dict[KeyAlgorithm, Identity], known: str
) -> None:
    both = signer_of(*identities.values())
    write_rpm_repository(rpm_folder, {}, both.detach)
    result = dnf_makecache(rpm_folder, tmp_path, knowledge(identities, known))
    assert result.ok == (known != "stranger"), result


@needs("zypper")
@pytest.mark.parametrize(("known", "accepted"), [("first", True), ("both", True), ("stranger", False)])
def test_zypper_goes_on_with_the_key_it_has_while_a_second_one_signs(
    tmp_path: Path, rpm_folder: Path, identities: dict[KeyAlgorithm, Identity], known: str, accepted: bool
) -> None:
    both = signer_of(*identities.values())
    write_rpm_repository(rpm_folder, {}, both.detach)
    zypper = ZypperRoot(tmp_path)
    zypper.trust(knowledge(identities, known)).checked()
    zypper.add_repo(f"[x]\nname=x\nbaseurl=file://{rpm_folder}\nenabled=1\nrepo_gpgcheck=1\ngpgcheck=1\n")
    result = zypper.refresh()
    assert result.ok == accepted, result


@needs("gpgv", "sqv")
def test_gpgv_and_sqv_take_two_keys_at_once(tmp_path: Path, both: OpenPGPSigner) -> None:
    write_signed(tmp_path, both)
    clear = run(("gpgv", "--keyring", "./key.gpg", "clear"), folder=tmp_path).checked()
    assert clear.stderr.count("Good signature") == 2
    run(("gpgv", "--keyring", "./key.gpg", "data.sig", "data"), folder=tmp_path).checked()
    verified = run(("sqv", "--keyring", "key.asc", "data.sig", "data"), folder=tmp_path).checked().stdout.split()
    assert set(verified) == set(both.fingerprints())


@needs("apt-get")
def test_apt_takes_the_key_inside_the_source_file(tmp_path: Path, deb_folder: Path, both: OpenPGPSigner) -> None:
    sign_apt(deb_folder / "dists/stable/Release", clearsign=both.clearsign)
    key = "\n".join(f" {line or '.'}" for line in both.armored().decode().rstrip("\n").split("\n"))
    apt = AptRoot(tmp_path)
    apt.add_source(f"Types: deb\nURIs: file:{deb_folder}\nSuites: stable\nComponents: main\nSigned-By:\n{key}\n")
    apt.update().checked()
    assert apt.candidate("hello-signed") == "1.0"
