"""Every keyring keeps the same promises, and what it signs is verified by an implementation that is not ours."""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import os
import pickle
import shutil
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pysequoia
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.adapters.signing import verification
from entrepot.adapters.signing.armor import Block, armor, dearmor
from entrepot.adapters.signing.base import KeyAlgorithm, Keyring, NewKey, Signer, Verification
from entrepot.adapters.signing.filesystem import FilesystemKeyring
from entrepot.adapters.signing.keys import from_seed
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.signing.openpgp import OpenPGPSigner, bind, new_identity, read_identities, write_identities
from entrepot.adapters.signing.packets import read_packets
from entrepot.errors import BadSignature, InvalidRequest, KeyOverlap, SigningUnavailable
from entrepot.testing.clients import run

CREATED = datetime(2024, 1, 1, 12, 30, 15, 999, tzinfo=UTC)
NOW = datetime(2024, 2, 2, tzinfo=UTC)
UID = "Archive <archive@example.org>"
ED25519 = KeyAlgorithm.ED25519
VERIFIER: Verification = verification

TEXTS = st.lists(
    st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b"").rstrip(b" \t"))
    | st.sampled_from([b"", b"-", b"- x", b"-----BEGIN PGP SIGNATURE-----", b"From me", b"\xff\x00", b"Hash: SHA1"]),
    min_size=1,
).map(lambda lines: b"\n".join(lines) + b"\n")


def clock() -> datetime:
    return NOW


def memory_signer(name: str = "main") -> Signer:
    keyring = MemoryKeyring(clock)
    keyring.create(name, UID, ED25519, CREATED)
    return keyring.signer(name)


@pytest.fixture(params=["filesystem", "memory"])
def keyring(request: pytest.FixtureRequest, tmp_path: Path) -> Keyring:
    return FilesystemKeyring(tmp_path / "keys", clock) if request.param == "filesystem" else MemoryKeyring(clock)


@pytest.fixture(scope="module", params=list(KeyAlgorithm))
def signer(request: pytest.FixtureRequest) -> Signer:
    return OpenPGPSigner([new_identity(UID, request.param, CREATED)], clock)


def test_a_new_identity_tells_its_public_facts(keyring: Keyring) -> None:
    info = keyring.create("main", UID, ED25519, CREATED)
    assert (info.name, info.uid, info.algorithm, info.created_at) == (
        "main",
        UID,
        ED25519,
        CREATED.replace(microsecond=0),
    )
    assert keyring.keys("main") == (info,)
    assert keyring.signer("main").fingerprints() == (info.fingerprint,)
    (certificate,) = pysequoia.Cert.split_bytes(keyring.signer("main").certificate())
    assert certificate.fingerprint.upper() == info.fingerprint
    assert [str(uid) for uid in certificate.user_ids] == [UID]
    assert certificate.expiration is None


def test_creating_again_never_replaces(keyring: Keyring) -> None:
    first = keyring.create("main", UID, ED25519, CREATED)
    assert keyring.create("main", "Other <other@example.org>", ED25519, NOW) == first
    keyring.create("other", UID, ED25519, CREATED)
    assert keyring.names() == ("main", "other")
    assert keyring.keys("main") != keyring.keys("other")


def test_an_added_key_signs_after_the_first_and_either_verifies_alone(keyring: Keyring) -> None:
    first = keyring.create("main", UID, ED25519, CREATED)
    old = keyring.signer("main").certificate()
    second = keyring.add("main", NewKey("Next <next@example.org>", ED25519, NOW))
    both = keyring.signer("main")
    assert both.fingerprints() == (first.fingerprint, second.fingerprint)
    assert both.certificate().startswith(old)
    for certificate in (old, both.certificate().removeprefix(old), both.certificate(), both.armored()):
        assert VERIFIER.verify_clearsigned(certificate, both.clearsign(b"text\n")) == b"text\n"
        VERIFIER.verify_detached(certificate, b"data", both.detach(b"data"))


def test_an_absent_identity_is_an_error_and_not_an_unsigned_archive(keyring: Keyring) -> None:
    asks: list[Callable[[], object]] = [
        lambda: keyring.signer("main"),
        lambda: keyring.keys("main"),
        lambda: keyring.add("main", NewKey(UID, ED25519, CREATED)),
    ]
    for ask in asks:
        with pytest.raises(SigningUnavailable):
            ask()
    assert keyring.names() == ()


@pytest.mark.parametrize("name", ["", ".", "..", "../main", "a/b", "Main", "-a", "a\0", "a\n", "ä", "a" * 101])
def test_a_name_that_is_no_archive_name_is_refused(keyring: Keyring, name: str) -> None:
    with pytest.raises(InvalidRequest):
        keyring.create(name, UID, ED25519, CREATED)
    with pytest.raises(InvalidRequest):
        keyring.signer(name)


@pytest.mark.parametrize("uid", ["", "  ", "a\nb", "a\x00b", "a\u2028b", "\u202eb", "\ud800", "x" * 501])
def test_a_user_id_is_one_readable_line(keyring: Keyring, uid: str) -> None:
    with pytest.raises(InvalidRequest):
        keyring.create("main", uid, ED25519, CREATED)
    assert keyring.names() == ()


def test_signatures_carry_the_injected_time_and_repeat_exactly(signer: Signer) -> None:
    assert signer.detach(b"data") == signer.detach(b"data")
    assert signer.clearsign(b"text\n") == signer.clearsign(b"text\n")
    assert pysequoia.Sig.from_bytes(signer.detach(b"data")).created == NOW


def test_a_clock_behind_the_key_does_not_make_invalid_signatures() -> None:
    early = OpenPGPSigner([new_identity(UID, ED25519, NOW)], lambda: NOW - timedelta(days=9))
    VERIFIER.verify_detached(early.certificate(), b"data", early.detach(b"data"))


def test_tampered_text_and_foreign_keys_are_refused(signer: Signer) -> None:
    signed, detached, certificate = signer.clearsign(b"Suite: a\n"), signer.detach(b"data"), signer.certificate()
    VERIFIER.verify_detached(certificate, b"data", dearmor(Block.SIGNATURE, detached))
    for changed in (signed.replace(b"Suite: a", b"Suite: b"), signed.replace(b"Suite", b"Suite: x\nSuite")):
        with pytest.raises(BadSignature):
            VERIFIER.verify_clearsigned(certificate, changed)
    with pytest.raises(BadSignature):
        VERIFIER.verify_detached(certificate, b"dato", detached)
    with pytest.raises(BadSignature):
        VERIFIER.verify_clearsigned(memory_signer("other").certificate(), signed)
    with pytest.raises(BadSignature):
        VERIFIER.verify_detached(memory_signer("other").certificate(), b"data", detached)


@pytest.mark.parametrize(
    "change",
    [
        lambda signed: b"Suite: evil\n" + signed,
        lambda signed: signed + b"Suite: evil\n",
        lambda signed: signed + signed,
        lambda signed: signed.replace(b"text\n", b"text\r"),
        lambda signed: signed[:-30],
        lambda signed: signed[:0],
    ],
)
def test_nothing_unsigned_comes_with_a_clear_signed_message(change: Callable[[bytes], bytes]) -> None:
    signer = memory_signer()
    with pytest.raises(BadSignature):
        VERIFIER.verify_clearsigned(signer.certificate(), change(signer.clearsign(b"text\nmore\n")))


@given(text=TEXTS)
def test_any_text_comes_back_as_it_was_signed(text: bytes) -> None:
    signer = memory_signer()
    assert VERIFIER.verify_clearsigned(signer.certificate(), signer.clearsign(text)) == text


def test_trailing_blanks_and_crlf_leave_before_signing() -> None:
    signer = memory_signer()
    assert signer.clearsign(b"a \t\r\nb\n") == signer.clearsign(b"a\nb") == signer.clearsign(b"a\nb\n")
    assert VERIFIER.verify_clearsigned(signer.certificate(), signer.clearsign(b"a \r\n\r\n")) == b"a\n\n"


@pytest.mark.parametrize("text", [b"a\rb\n", b"\r\r\n", b"a\r \n"])
def test_a_carriage_return_within_a_line_is_not_signed(text: bytes) -> None:
    with pytest.raises(InvalidRequest):
        memory_signer().clearsign(text)


def test_a_thousand_ed25519_signatures_verify_leading_zeros_included() -> None:
    signer = memory_signer()
    sizes = set()
    for number in range(1000):
        data = number.to_bytes(4, "big")
        signature = dearmor(Block.SIGNATURE, signer.detach(data))
        VERIFIER.verify_detached(signer.certificate(), data, signature)
        sizes.add(len(signature))
    assert len(sizes) > 1, "none of a thousand signatures had an integer with a leading zero octet"


@given(data=st.binary(max_size=300))
def test_armor_comes_off_as_it_went_on(data: bytes) -> None:
    if data:
        wrapped = armor(Block.SIGNATURE, data)
        assert dearmor(Block.SIGNATURE, b"mail header\n" + wrapped.replace(b"\n", b"\r\n") + b"trailer") == data
        assert (
            bytes(pysequoia.armor(data, pysequoia.ArmorKind.Signature), "ascii").split()[4:-4] == wrapped.split()[4:-4]
        )


@given(junk=st.binary(max_size=200), where=st.integers(0, 400), length=st.integers(0, 40))
def test_damaged_signatures_and_certificates_are_only_ever_bad_signatures(junk: bytes, where: int, length: int) -> None:
    signer = memory_signer()
    certificate, detached = signer.certificate(), dearmor(Block.SIGNATURE, signer.detach(b"data"))
    clear = signer.clearsign(b"text\n")
    for text in (junk, clear[:where] + junk + clear[where + length :]):
        refused_or_equal(partial(VERIFIER.verify_clearsigned, certificate, text), b"text\n")
    for one in (junk, spliced(detached, junk, where, length)):
        refused_or_equal(partial(VERIFIER.verify_detached, certificate, b"data", one), None)
        refused_or_equal(partial(VERIFIER.verify_detached, certificate, b"data", armor(Block.SIGNATURE, one)), None)
    refused_or_equal(partial(VERIFIER.verify_clearsigned, spliced(certificate, junk, where, length), clear), b"text\n")


def spliced(data: bytes, junk: bytes, where: int, length: int) -> bytes:
    start = where % len(data)
    return data[:start] + junk + data[start + length :]


def refused_or_equal(call: Callable[[], object], expected: object) -> None:
    with contextlib.suppress(BadSignature):
        assert call() == expected


@given(junk=st.binary(max_size=60), where=st.integers(0, 300), length=st.integers(0, 60))
def test_a_damaged_private_file_is_only_ever_a_bad_signature(junk: bytes, where: int, length: int) -> None:
    identity = new_identity(UID, ED25519, CREATED)
    whole = dearmor(Block.PRIVATE_KEY, write_identities([identity]))
    with contextlib.suppress(BadSignature):
        read = read_identities(armor(Block.PRIVATE_KEY, whole[:where] + junk + whole[where + length :]))
        assert all(one.key.sign_digest(bytes(64)) for one in read)


def test_a_secret_with_leading_zeros_comes_out_of_its_file() -> None:
    identity = bind(from_seed(b"\0\0" + bytes(range(30)), CREATED), UID)
    (read,) = read_identities(write_identities([identity]))
    assert read.certificate() == identity.certificate()
    assert read.key.sign_digest(bytes(64)) == identity.key.sign_digest(bytes(64))


def test_a_certification_is_no_signature_of_the_data_that_it_covers() -> None:
    identity = new_identity(UID, ED25519, CREATED)
    uid = UID.encode()
    covered = identity.key.hashed_body() + b"\xb4" + len(uid).to_bytes(4, "big") + uid
    binding = list(read_packets(identity.certificate()))[-1].raw
    with pytest.raises(BadSignature):
        VERIFIER.verify_detached(identity.certificate(), covered, binding)


def test_private_material_shows_nowhere(tmp_path: Path) -> None:
    keyring = FilesystemKeyring(tmp_path, clock)
    keyring.create("main", UID, ED25519, CREATED)
    (file,) = tmp_path.iterdir()
    (identity,) = read_identities(file.read_bytes())
    secret = dearmor(Block.PRIVATE_KEY, file.read_bytes())
    key_packet = next(read_packets(secret))
    seed = key_packet.body[-34:-2]
    shown = [identity, identity.key, keyring, keyring.signer("main"), keyring.keys("main"), key_packet]
    for text in (f"{one!r}{one}" for one in shown):
        assert seed.hex() not in text.lower()
        assert repr(seed)[2:-1] not in text
    for public in (keyring.signer("main").certificate(), keyring.signer("main").detach(b"x")):
        assert seed not in public
        assert base64.b64encode(seed)[4:-4] not in public
    with pytest.raises(TypeError):
        pickle.dumps(identity.key)


def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "keys").mkdir(mode=0o755)
        keyring = FilesystemKeyring(tmp_path / "keys", clock)
        keyring.create("main", UID, ED25519, CREATED)
        keyring.add("main", NewKey(UID, ED25519, CREATED))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert [(path.name, stat.S_IMODE(path.stat().st_mode)) for path in (tmp_path / "keys").iterdir()] == [
        ("main.private.asc", 0o600)
    ]


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    keyring = FilesystemKeyring(tmp_path, clock)
    keyring.create("main", UID, ED25519, CREATED)
    (tmp_path / "main.private.asc").chmod(0o644)
    with pytest.raises(SigningUnavailable, match="chmod 600"):
        keyring.signer("main")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", b"\0" * (2 << 20)])
def test_an_unreadable_key_file_is_named_and_never_overwritten(tmp_path: Path, content: bytes) -> None:
    keyring = FilesystemKeyring(tmp_path, clock)
    file = tmp_path / "main.private.asc"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SigningUnavailable, match="'main'"):
        keyring.signer("main")
    with pytest.raises(SigningUnavailable):
        keyring.create("main", UID, ED25519, CREATED)
    assert file.read_bytes() == content


def test_a_link_to_a_key_that_is_away_is_not_replaced(tmp_path: Path) -> None:
    keyring = FilesystemKeyring(tmp_path / "keys", clock)
    (tmp_path / "keys/main.private.asc").symlink_to(tmp_path / "volume/main")
    with pytest.raises(SigningUnavailable, match="does not exist"):
        keyring.create("main", UID, ED25519, CREATED)
    assert (tmp_path / "keys/main.private.asc").is_symlink()


def test_what_a_killed_writer_left_is_no_identity(tmp_path: Path) -> None:
    keyring = FilesystemKeyring(tmp_path, clock)
    (tmp_path / ".staged.main.0123456789abcdef").write_bytes(b"half")
    assert keyring.names() == ()
    keyring.create("main", UID, ED25519, CREATED)
    assert FilesystemKeyring(tmp_path, clock).names() == ("main",)
    assert [path.name for path in tmp_path.iterdir()] == ["main.private.asc"]


def test_a_folder_that_is_none_is_named_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SigningUnavailable) as caught:
        FilesystemKeyring(tmp_path / "file", clock)
    assert str(tmp_path) not in caught.value.detail


def test_many_creators_at_once_agree_on_one_key(tmp_path: Path) -> None:
    def create(_: int) -> str:
        return FilesystemKeyring(tmp_path, clock).create("main", UID, ED25519, CREATED).fingerprint

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(40)))) == 1


def test_many_additions_at_once_are_all_kept(tmp_path: Path) -> None:
    FilesystemKeyring(tmp_path, clock).create("main", UID, ED25519, CREATED)

    def add(_: int) -> str:
        return FilesystemKeyring(tmp_path, clock).add("main", NewKey(UID, ED25519, CREATED)).fingerprint

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        added = set(pool.map(add, range(20)))
    assert set(FilesystemKeyring(tmp_path, clock).signer("main").fingerprints()[1:]) == added


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_gpg_reads_our_private_file_and_we_read_its_export(tmp_path: Path, algorithm: KeyAlgorithm) -> None:
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    keyring = FilesystemKeyring(tmp_path / "keys", clock)
    info = keyring.create("main", UID, algorithm, CREATED)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch")
    private = tmp_path / "keys/main.private.asc"
    try:
        run((*gpg, "--import", str(private)), folder=tmp_path).checked()
        (tmp_path / "data").write_bytes(b"data")
        run((*gpg, "--local-user", info.fingerprint, "--detach-sign", "data"), folder=tmp_path).checked()
        exported = run((*gpg, "--armor", "--export-secret-keys", info.fingerprint), folder=tmp_path).checked().stdout
    finally:
        subprocess.run(("gpgconf", "--homedir", str(home), "--kill", "all"), check=False)
    certificate = keyring.signer("main").certificate()
    VERIFIER.verify_detached(certificate, b"data", (tmp_path / "data.sig").read_bytes())
    assert [one.info("main") for one in read_identities(exported.encode())] == [info]


def test_a_retired_key_signs_no_more_and_what_it_signed_can_be_verified(keyring: Keyring) -> None:
    keyring.create("main", UID, ED25519, CREATED)
    first = keyring.signer("main").certificate()
    signed = keyring.signer("main").clearsign(b"text\n")
    with pytest.raises(InvalidRequest):
        keyring.retire("main", keyring.keys("main")[0].fingerprint)
    mark = keyring.mark("main")
    keyring.add("main", NewKey("Next <next@example.org>", ED25519, CREATED), most=2)
    assert keyring.mark("main") != mark
    with pytest.raises(KeyOverlap):
        keyring.add("main", NewKey("Third <next@example.org>", ED25519, CREATED), most=2)
    assert keyring.retired("main") == b""
    keyring.retire("main", keyring.keys("main")[0].fingerprint)
    [left] = keyring.keys("main")
    assert left.uid == "Next <next@example.org>"
    with pytest.raises(BadSignature):
        VERIFIER.verify_clearsigned(first, keyring.signer("main").clearsign(b"text\n"))
    assert VERIFIER.verify_clearsigned(keyring.retired("main"), signed) == b"text\n"
    assert keyring.names() == ("main",)


def test_an_end_is_written_moved_and_taken_away(keyring: Keyring) -> None:
    keyring.create("main", UID, ED25519, CREATED)
    [before] = keyring.keys("main")
    assert before.expires_at is None
    for ends_at in (NOW + timedelta(days=30), NOW + timedelta(days=3650), None):
        [after] = keyring.extend("main", ends_at, NOW)
        assert (after.fingerprint, after.expires_at) == (before.fingerprint, ends_at), ends_at
        assert keyring.keys("main") == (after,)
        signer = keyring.signer("main")
        assert VERIFIER.verify_clearsigned(signer.certificate(), signer.clearsign(b"text\n")) == b"text\n"
    keyring.extend("main", NOW - timedelta(days=1), NOW)
    with pytest.raises(SigningUnavailable):
        keyring.signer("main").clearsign(b"text\n")
