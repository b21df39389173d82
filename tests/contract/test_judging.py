"""What we say of OpenPGP signatures, compared with gpgv and with the library that verifies what we publish."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pysequoia
import pytest

from entrepot.adapters.signing.judging import describe, judge, judge_message
from entrepot.adapters.signing.packets import read_packets
from entrepot.adapters.signing.trust import SignatureState, TrustedCertificate
from entrepot.errors import BadSignature
from entrepot.testing.gnupg import GnuPG, gnupg

if missing := [name for name in ("gpg", "gpgv") if shutil.which(name) is None]:
    pytest.skip(f"NOT INSTALLED: {', '.join(missing)}", allow_module_level=True)

STRONG = ("rsa3072", "ed25519", "nistp256", "nistp384", "nistp521", "brainpoolP256r1")
WEAK = ("rsa1024", "dsa2048")
DATA = b"some data\nin two lines\n"
NOW = datetime.now(UTC) + timedelta(seconds=5)


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnuPG]:
    with gnupg(tmp_path_factory.mktemp("judging") / "home") as found:
        for kind in (*STRONG, *WEAK):
            found.key(kind.lower(), kind)
        found.run("--passphrase", "", "--quick-gen-key", "sub <sub@example.org>", "ed25519", "cert", "2y")
        found.run("--passphrase", "", "--quick-add-key", found.fingerprint("sub"), "rsa2048", "sign", "1y")
        sha1 = ("--cert-digest-algo", "SHA1", "--passphrase", "")
        found.run(*sha1, "--quick-gen-key", "bound <bound@example.org>", "rsa2048", "sign", "never")
        yield found


def gpgv_agrees(folder: Path, certificate: bytes, data: bytes, signature: bytes) -> bool:
    for name, content in (("ring.gpg", certificate), ("data", data), ("sig", signature)):
        (folder / name).write_bytes(content)
    command = ["gpgv", "--homedir", str(folder), "--keyring", str(folder / "ring.gpg"), "sig", "data"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def sequoia_agrees(certificate: bytes, data: bytes, signature: bytes) -> bool:
    certificates = pysequoia.Cert.split_bytes(certificate)
    try:
        found = pysequoia.verify(
            bytes=data, store=lambda _ids: certificates, signature=pysequoia.Sig.from_bytes(signature)
        )
    except RuntimeError:
        return False
    return bool(found.valid_sigs)


def states(certificate: bytes, data: bytes, signature: bytes, now: datetime = NOW, *, weak: bool = False) -> list[str]:
    return [one.state.value for one in judge([TrustedCertificate(certificate, weak)], signature, [data], now)]


@pytest.mark.parametrize("name", [*STRONG, "sub"])
def test_good_signatures_are_good_to_all_three(signers: GnuPG, name: str, tmp_path: Path) -> None:
    certificate, signature = signers.certificate(name.lower()), signers.detach(name.lower(), DATA)
    assert states(certificate, DATA, signature) == ["good"]
    assert gpgv_agrees(tmp_path, certificate, DATA, signature)
    assert sequoia_agrees(certificate, DATA, signature) or name.startswith("brainpool")  # which it does not know
    (facts,) = describe(certificate, NOW)
    assert (facts.fingerprint, facts.weaknesses) == (signers.fingerprint(name.lower()), ())


@pytest.mark.parametrize("name", ["rsa3072", "ed25519", "nistp256"])
def test_each_changed_octet_makes_it_bad(signers: GnuPG, name: str) -> None:
    certificate, signature = signers.certificate(name.lower()), signers.detach(name.lower(), DATA)
    for at in range(0, len(DATA), 5):
        assert states(certificate, DATA[:at] + b"#" + DATA[at + 1 :], signature) == ["bad"]
    assert states(certificate, DATA + b"\n", signature) == ["bad"]
    (packet,) = read_packets(signature)
    head = len(signature) - len(packet.body)
    hashed_end = head + 6 + int.from_bytes(packet.body[4:6], "big")
    loose_end = hashed_end + 2 + int.from_bytes(signature[hashed_end : hashed_end + 2], "big")
    for at in [*range(hashed_end), *range(loose_end, len(signature), 5)]:  # what is loose, nothing protects
        changed = signature[:at] + bytes((signature[at] ^ 0x01,)) + signature[at + 1 :]
        assert states(certificate, DATA, changed) != ["good"], at


@pytest.mark.parametrize("name", WEAK)
def test_weak_keys_count_where_that_is_allowed(signers: GnuPG, name: str, tmp_path: Path) -> None:
    certificate, signature = signers.certificate(name), signers.detach(name, DATA)
    assert describe(certificate, NOW)[0].weaknesses
    assert states(certificate, DATA, signature) == ["unknown_key"]
    assert states(certificate, DATA, signature, weak=True) == ["good"]
    assert gpgv_agrees(tmp_path, certificate, DATA, signature)


def test_a_key_that_is_bound_by_sha1_is_weak(signers: GnuPG) -> None:
    certificate, signature = signers.certificate("bound"), signers.detach("bound", DATA)
    assert "SHA-1" in describe(certificate, NOW)[0].weaknesses[0]
    assert not sequoia_agrees(certificate, DATA, signature)
    assert states(certificate, DATA, signature) == ["unknown_key"]
    assert states(certificate, DATA, signature, weak=True) == ["good"]


def test_a_subkey_without_its_own_word_does_not_sign(signers: GnuPG) -> None:
    """Otherwise anybody could claim somebody else's key as a subkey."""
    packets = list(read_packets(signers.certificate("sub")))
    other = list(read_packets(signers.certificate("ed25519")))
    # The subkey's packets behind another primary key.
    stolen = b"".join(one.raw for one in [*other, *packets[3:]])
    assert states(stolen, DATA, signers.detach("sub", DATA)) == ["unknown_key"]
    # A user id without its signature binds nothing.
    bare = b"".join(one.raw for one in other[:2])
    assert describe(bare, NOW)[0].weaknesses
    assert states(bare, DATA, signers.detach("ed25519", DATA)) == ["unknown_key"]


def test_time_ends_keys_and_is_not_believed_in_advance(signers: GnuPG) -> None:
    certificate, signature = signers.certificate("ed25519"), signers.detach("ed25519", DATA)
    assert states(certificate, DATA, signature, NOW + timedelta(days=740)) == ["expired"]
    assert states(certificate, DATA, signature, NOW - timedelta(days=3)) == ["bad"]
    brief = signers.detach("ed25519", DATA, "--default-sig-expire", "1d")
    assert states(certificate, DATA, brief) == ["good"]
    assert states(certificate, DATA, brief, NOW + timedelta(days=2)) == ["expired"]


def test_a_message_has_the_text_that_was_signed(signers: GnuPG) -> None:
    text = b"one\n- dashed\ntrailing  \n\nlast\n"
    message = signers.clearsign("rsa3072", text)
    trusted = [TrustedCertificate(signers.certificate("rsa3072"))]
    found, reports = judge_message(trusted, message, NOW)
    assert [one.state for one in reports] == [SignatureState.GOOD]
    assert [line.rstrip() for line in found.split(b"\n")] == [b"one", b"- dashed", b"trailing", b"", b"last"]
    for changed in (message.replace(b"one", b"two"), message + b"more", b"before\n" + message, message * 2):
        _, reports = judge_message(trusted, changed, NOW)
        assert SignatureState.GOOD not in [one.state for one in reports]
    # A signature over a document is not one over a text.
    as_data = judge(trusted, message[message.index(b"-----BEGIN PGP SIG") :], [found], NOW)
    assert [one.state for one in as_data] == [SignatureState.BAD]


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_what_is_cut_short_is_unreadable_or_bad(signers: GnuPG, cut: int) -> None:
    signature = signers.detach("ed25519", DATA)[:cut]
    assert states(signers.certificate("ed25519"), DATA, signature)[0] in {"unreadable", "bad", "unknown_key"}


def test_certificates_that_are_cut_short_are_refused_or_weak(signers: GnuPG) -> None:
    certificate = signers.certificate("sub")
    for cut in range(0, len(certificate), 11):
        try:
            (facts,) = describe(certificate[:cut], NOW)
        except BadSignature:
            continue
        assert facts.weaknesses or facts.key_ids == ()
