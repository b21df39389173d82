"""Signatures of packages: made by the programs that people use, judged with the keys that a suite trusts."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.testing.debs import ar_member, build_deb
from entrepot.testing.gnupg import GnuPG, gnupg, with_member
from entrepot.testing.rpms import build_rpm
from entrepot.testing.server import running_server

pytestmark = pytest.mark.xdist_group("signatures")

if missing := [name for name in ("gpg", "rpmsign", "debsigs") if shutil.which(name) is None]:
    pytest.skip(f"NOT INSTALLED: {', '.join(missing)} (Debian: gnupg, rpm, debsigs)", allow_module_level=True)

_numbers = count(1)
SUITES = ("jammy", "almalinux9")


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnuPG]:
    """Alice, who is trusted; Mallory, who is not; others with a past."""
    with gnupg(tmp_path_factory.mktemp("gnupg") / "home") as found:
        found.key("alice")
        found.key("mallory")
        found.key("rsa", "rsa3072")
        found.key("weak", "rsa1024")
        found.key("revoked")
        found.key("past", "ed25519", "20200201T000000", "--faked-system-time", "20200101T000000")
        revocation = found.home / "openpgp-revocs.d" / f"{found.fingerprint('revoked')}.rev"
        revocation.write_text(revocation.read_text().replace(":-----BEGIN", "-----BEGIN"))
        yield found


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, signers: GnuPG) -> Iterator[httpx2.Client]:
    with running_server(tmp_path_factory.mktemp("signatures")) as server, server.client() as found:
        for suite in SUITES:
            for name in ("alice", "rsa"):
                answer = trust(found, suite, signers.certificate(name, "--armor"))
                assert answer.status_code == 201, answer.text
            answer = trust(found, suite, signers.certificate("past"), allow_weak=True)
            assert answer.status_code == 201, answer.text
        yield found


def trust(client: httpx2.Client, suite: str, key: bytes, **params: Any) -> httpx2.Response:
    headers = {"content-type": "application/pgp-keys"}
    return client.post(f"/security/keyrings/{suite}/keys", content=key, params=params, headers=headers)


def deb() -> bytes:
    return build_deb(f"signed{next(_numbers)}")


def rpm() -> bytes:
    return build_rpm(f"signed{next(_numbers)}")


def upload(client: httpx2.Client, data: bytes, suite: str = "jammy", **beside: bytes) -> dict[str, Any]:
    """The answer, and what the check said."""
    suffix = "rpm" if suite == "almalinux9" else "deb"
    files = {"file": (f"x.{suffix}", data), **{name: (name, one) for name, one in beside.items()}}
    answer = client.post("/upload/", data={"distribution": suite}, files=files)
    body = answer.json()
    body["code"] = answer.status_code
    steps = body.get("validation", {}).get("steps", [])
    body["check"] = next((step for step in steps if step["name"] == "signature"), {})
    return dict(body)


def test_a_header_signature_by_rpmsign_is_verified(client: httpx2.Client, signers: GnuPG, tmp_path: Path) -> None:
    path = tmp_path / "x.rpm"
    path.write_bytes(rpm())
    signers.sign_rpm("rsa", path)
    found = upload(client, path.read_bytes(), "almalinux9")
    assert (found["status"], found["check"]["result"]) == ("published", "clean"), found
    assert signers.fingerprint("rsa") in found["check"]["message"]
    assert "RSAHEADER" in found["check"]["detail"]
    shown = client.get(f"/artifacts/{found['name']}/{found['version']}/provenance").json()["signatures"]
    assert {(one["state"], one["fingerprint"]) for one in shown} == {("good", signers.fingerprint("rsa"))}


def test_header_and_payload_by_rpmsign_are_verified(client: httpx2.Client, signers: GnuPG, tmp_path: Path) -> None:
    path = tmp_path / "x.rpm"
    path.write_bytes(rpm())
    signers.sign_rpm("rsa", path, "--rpmv3")
    found = upload(client, path.read_bytes(), "almalinux9")
    assert found["check"]["result"] == "clean", found
    assert "PGP" in found["check"]["detail"]
    covers = {one["covers"] for one in client.get(f"/artifacts/{found['name']}/1.0-1/provenance").json()["signatures"]}
    assert covers == {"header", "header and payload"}


def test_a_stranger_is_a_finding_where_the_suite_has_keys(client: httpx2.Client, signers: GnuPG) -> None:
    data = build_rpm(f"signed{next(_numbers)}", sign=lambda header: signers.detach("mallory", header))
    found = upload(client, data, "almalinux9")
    assert (found["status"], found["check"]["result"]) == ("pending_review", "findings"), found
    assert signers.fingerprint("mallory") in found["check"]["message"]
    assert found["pipeline"]["gpg"] == "unsigned"


def test_unsigned_is_neither_clean_nor_a_finding(client: httpx2.Client) -> None:
    found = upload(client, deb())
    assert (found["status"], found["check"]["result"]) == ("published", "skipped")


def test_an_rpm_whose_signature_is_over_another_header(client: httpx2.Client, signers: GnuPG) -> None:
    # A signature that the two octets of its own hash do not give away.
    def forged(header: bytes) -> bytes:
        mine = signers.detach("alice", header)
        for octet in range(256):  # change the number at the end, not the hash
            if mine[-1] != octet:
                return mine[:-1] + bytes((octet,))
        return mine

    found = upload(client, build_rpm(f"signed{next(_numbers)}", sign=forged), "almalinux9")
    assert (found["status"], found["pipeline"]["gpg"]) == ("pending_review", "invalid"), found


def test_a_member_by_debsigs_is_verified(client: httpx2.Client, signers: GnuPG, tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(deb())
    signers.sign_deb("alice", path)
    found = upload(client, path.read_bytes())
    assert (found["status"], found["check"]["result"]) == ("published", "clean"), found
    assert "_gpgorigin" in found["check"]["detail"]
    # The judge that the format comes from says the same.
    if shutil.which("debsig-verify"):
        listed = subprocess.run(["debsig-verify", "--list-policies", str(path)], capture_output=True, check=False)
        assert b"no applicable policy" not in listed.stdout or listed.returncode


def members(data: bytes) -> bytes:
    """What debsigs signs."""
    content, at = b"", 8
    while at < len(data):
        size = int(data[at + 48 : at + 58])
        if data[at : at + 1] != b"_":
            content += data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    return content


def test_a_member_over_other_bytes_is_a_finding(client: httpx2.Client, signers: GnuPG) -> None:
    one, other = deb(), deb()
    found = upload(client, with_member(other, "_gpgorigin", signers.detach("alice", members(one))))
    assert (found["status"], found["pipeline"]["gpg"]) == ("pending_review", "invalid")
    assert "not the bytes signed" in found["check"]["message"]


def test_a_member_between_the_others_counts_for_them_all(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    signature = signers.detach("alice", members(data))
    between = data[:72] + ar_member("_gpgorigin", signature) + data[72:]
    assert upload(client, between)["check"]["result"] == "clean"


def test_armored_members_and_several_signers(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    data = with_member(data, "_gpgorigin", signers.detach("alice", members(data), "--armor"))
    data = with_member(data, "_gpgmaint", signers.detach("mallory", members(data)))
    found = upload(client, data)
    assert found["check"]["result"] == "clean"
    assert "not trusted here" in found["check"]["detail"]


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        pytest.param([("_gpgorigin", b"garbage")], "OpenPGP packet", id="no signature"),
        pytest.param([("_gpgorigin", b"\x88" * 70_000)], "more than 64 KiB", id="oversized"),
        pytest.param([(f"_gpg{number}", b"x") for number in range(9)], "there may be 8", id="many members"),
    ],
)
def test_members_that_hold_no_signature(client: httpx2.Client, extra: list[tuple[str, bytes]], why: str) -> None:
    data = deb()
    for name, content in extra:
        data = with_member(data, name, content)
    found = upload(client, data)
    assert (found["status"], found["pipeline"]["gpg"]) == ("pending_review", "invalid"), found
    assert why in found["check"]["message"]


def test_the_same_member_twice_is_a_finding(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    signature = signers.detach("alice", members(data))
    found = upload(client, with_member(with_member(data, "_gpgorigin", signature), "_gpgorigin", signature))
    assert "twice" in found["check"]["message"]


def test_hundreds_of_signatures_are_refused_unread(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    found = upload(client, data, signature=signers.detach("alice", data) * 400)
    assert "more than 32 OpenPGP packets" in found["check"]["message"], found


def dpkg_sig(data: bytes) -> bytes:
    """What dpkg-sig signs."""
    lines, at = [], 8
    while at < len(data):
        name, size = data[at : at + 16].decode().strip().rstrip("/"), int(data[at + 48 : at + 58])
        content = data[at + 60 : at + 60 + size]
        sums = hashlib.md5(content).hexdigest(), hashlib.sha1(content).hexdigest()
        lines.append("\t" + " ".join((*sums, str(size), name)))
        at += 60 + size + size % 2
    head = ["Version: 4", "Signer: Alice", "Date: Sat Nov 21 19:00:00 2026", "Role: builder", "Files: "]
    return "\n".join([*head, *lines, ""]).encode()


def test_a_signed_list_of_weak_digests_does_not_count(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    signed = with_member(data, "_gpgbuilder", signers.clearsign("alice", dpkg_sig(data)))
    found = upload(client, signed)
    assert found["check"]["result"] == "findings"
    assert "MD5 and SHA-1" in found["check"]["message"]
    other = deb()
    lying = upload(client, with_member(other, "_gpgbuilder", signers.clearsign("alice", dpkg_sig(data))))
    assert "lists another" in lying["check"]["message"]


def test_a_detached_signature_comes_along_and_is_kept(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    signature = signers.detach("alice", data, "--armor")
    found = upload(client, data, signature=signature)
    assert found["check"]["result"] == "clean", found
    shown = client.get(f"/artifacts/{found['name']}/1.0/provenance").json()["signatures"]
    assert [(one["where"], one["state"]) for one in shown] == [("detached signature", "good")]
    path = f"/artifacts/{found['name']}/1.0/attestations/{hashlib.sha256(signature).hexdigest()}"
    assert client.get(path).content == signature
    bad = deb()
    assert upload(client, bad, signature=signature)["pipeline"]["gpg"] == "invalid"
    for junk in (b"", b"x" * 70_000):
        answer = upload(client, deb(), signature=junk)
        assert (answer["code"], answer["error"]) == (422, "evidence.unfit")


def test_a_key_that_expired_signs_no_more(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    old = signers.detach("past", data, "--faked-system-time", "20200110T000000")
    found = upload(client, data, signature=old)
    assert "expired on 2020-02-01" in found["check"]["message"], found


def test_a_revoked_key_signs_no_more(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    signature = signers.detach("revoked", data)
    signers.run("--import", str(signers.home / "openpgp-revocs.d" / f"{signers.fingerprint('revoked')}.rev"))
    certificate = signers.certificate("revoked")
    assert trust(client, "jammy", certificate).json()["error"] == "trust.weak"
    assert trust(client, "jammy", certificate, allow_weak=True).status_code == 201
    assert "revoked" in upload(client, data, signature=signature)["check"]["message"]


def test_weak_keys_are_trusted_only_when_somebody_says_so(client: httpx2.Client, signers: GnuPG) -> None:
    certificate = signers.certificate("weak")
    refused = trust(client, "jammy", certificate)
    assert (refused.status_code, refused.json()["error"]) == (422, "trust.weak")
    assert "1024 bits" in refused.json()["detail"]
    data = deb()
    signature = signers.detach("weak", data)
    taken = trust(client, "jammy", certificate, allow_weak=True)
    assert taken.json()["keys"][0]["weak"] is True
    entry = client.get("/artifacts/audit/logs", params={"action": "TRUST_KEY"}).json()["items"][0]
    assert entry["detail"]["weak"] is True
    assert upload(client, data, signature=signature)["check"]["result"] == "clean"
    path = f"/security/keyrings/jammy/keys/{signers.fingerprint('weak')}"
    assert client.delete(path).status_code == 200
    assert client.delete(path).status_code == 404
    again = client.get(f"/artifacts/{'-'}/1.0/provenance")
    assert again.status_code == 404


def test_a_signature_over_sha1_does_not_count(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    signature = signers.detach("rsa", data, "--digest-algo", "SHA1", "--weak-digest", "MD5")
    found = upload(client, data, signature=signature)
    assert (found["check"]["result"], "SHA1" in found["check"]["message"]) == ("findings", True), found


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(b"\x99" * 4000, id="packets"),
        pytest.param(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n", id="armor"),
        pytest.param(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", id="pem"),
        pytest.param(b'{"mediaType": "text/html"}', id="json"),
        pytest.param(b"{" * 100_000, id="deep"),
    ],
)
def test_what_is_no_key_is_refused(client: httpx2.Client, key: bytes) -> None:
    answer = trust(client, "jammy", key)
    assert (answer.status_code, answer.json()["error"]) == (422, "trust.unfit"), answer.text


def test_a_private_key_is_refused(client: httpx2.Client, signers: GnuPG) -> None:
    answer = trust(client, "jammy", signers.run("--export-secret-keys", "alice@example.org"))
    assert answer.json()["error"] == "trust.unfit"
    assert "private key" in answer.json()["detail"]


def test_a_key_is_listed_and_replaced(client: httpx2.Client, signers: GnuPG) -> None:
    before = client.get("/security/keyrings/almalinux9/keys").json()["keys"]
    assert trust(client, "almalinux9", signers.certificate("alice")).status_code == 201
    after = client.get("/security/keyrings/almalinux9/keys").json()["keys"]
    assert {one["fingerprint"] for one in before} == {one["fingerprint"] for one in after}
    assert client.get("/security/keyrings/absent/keys").status_code == 404


def test_required_signatures(client: httpx2.Client, signers: GnuPG) -> None:
    assert client.patch("/settings/", json={"validation": {"gpg_required": True}}).status_code == 200
    try:
        data = deb()
        assert upload(client, data)["status"] == "pending_review"
        # In a suite that trusts nobody, nobody can have signed it.
        stranger = deb()
        found = upload(client, stranger, "noble", signature=signers.detach("alice", stranger))
        assert (found["status"], found["check"]["result"]) == ("pending_review", "skipped")
        mine = deb()
        assert upload(client, mine, signature=signers.detach("alice", mine))["status"] == "published"
    finally:
        client.patch("/settings/", json={"validation": {"gpg_required": False}})


def test_where_nobody_is_trusted_signatures_are_shown_not_judged(client: httpx2.Client, signers: GnuPG) -> None:
    data = deb()
    found = upload(client, data, "noble", signature=signers.detach("alice", data))
    assert (found["status"], found["check"]["result"]) == ("published", "skipped")
    assert found["check"]["message"].startswith("not verified")
    # What no package manager reads hurts nobody here.
    found = upload(client, with_member(deb(), "_gpgorigin", b"x\n"), "noble")
    assert (found["status"], found["check"]["result"]) == ("published", "skipped")
