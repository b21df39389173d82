"""Attestations beside packages: kept as they come, verified where keys allow, and never called so elsewhere."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from entrepot.testing.attestations import (
    ISSUER,
    SLSA,
    WORKFLOW,
    PrivateKey,
    Sigstore,
    attested,
    b64,
    encoded,
    envelope,
    fresh_sigstore,
    sign,
    statement,
)
from entrepot.testing.debs import build_deb
from entrepot.testing.server import running_server

pytestmark = pytest.mark.xdist_group("attestations")

_numbers = count(1)
KEYS: dict[str, PrivateKey] = {
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "rsa": rsa.generate_private_key(65537, 2048),
}
STRANGER = ed25519.Ed25519PrivateKey.generate()


def pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: PrivateKey) -> str:
    return hashlib.sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    return fresh_sigstore()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, sigstore: Sigstore) -> Iterator[httpx2.Client]:
    """``jammy`` trusts keys and a Sigstore, ``noble`` nobody."""
    with running_server(tmp_path_factory.mktemp("attestations")) as server, server.client() as found:
        for name, key in KEYS.items():
            answer = found.post("/security/keyrings/jammy/keys", content=pem(key), params={"name": name})
            assert answer.status_code == 201, answer.text
        answer = found.post("/security/keyrings/jammy/keys", content=sigstore.root())
        assert answer.status_code == 201, answer.text
        assert answer.json()["keys"][0]["kind"] == "sigstore"
        yield found


def deb() -> bytes:
    return build_deb(f"built{next(_numbers)}")


def upload(client: httpx2.Client, data: bytes, *attestations: bytes, suite: str = "jammy") -> dict[str, Any]:
    files: list[tuple[str, Any]] = [("file", ("x.deb", data))]
    files += [("attestation", ("a.json", one)) for one in attestations]
    answer = client.post("/upload/", data={"distribution": suite}, files=files)
    body = dict(answer.json())
    body["code"] = answer.status_code
    steps = body.get("validation", {}).get("steps", [])
    body["check"] = next((step for step in steps if step["name"] == "provenance"), {})
    return body


def shown(client: httpx2.Client, found: dict[str, Any]) -> list[dict[str, Any]]:
    return list(client.get(f"/artifacts/{found['name']}/1.0/attestations").json()["attestations"])


@pytest.mark.parametrize("name", KEYS)
def test_a_statement_signed_by_a_trusted_key_is_verified(client: httpx2.Client, name: str) -> None:
    data = deb()
    document = attested(KEYS[name], statement(data))
    found = upload(client, data, document)
    assert (found["status"], found["check"]["result"]) == ("published", "clean"), found
    (row,) = shown(client, found)
    assert (row["state"], row["key"]) == ("verified", fingerprint(KEYS[name]).upper())
    assert (row["predicate_type"], row["builder"], row["shape"]) == (SLSA, "https://example.org/builder", "dsse")
    path = f"/artifacts/{found['name']}/1.0/attestations/{row['sha256']}"
    assert client.get(path).content == document
    assert client.get(path[:-64] + "0" * 64).status_code == 404


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OPENSSL IS NOT INSTALLED")
@pytest.mark.parametrize("kind", ["ec", "ed25519", "rsa-pss"])
def test_what_openssl_signs_is_verified(client: httpx2.Client, tmp_path: Path, kind: str) -> None:
    options = {
        "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ed25519": ["-algorithm", "ED25519"],
        "rsa-pss": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    }[kind]
    key, public, payload, signature = (tmp_path / name for name in ("key", "public", "payload", "signature"))
    openssl("genpkey", *options, "-out", str(key))
    openssl("pkey", "-in", str(key), "-pubout", "-out", str(public))
    data = deb()
    payload.write_bytes(encoded(statement(data)))
    how = {
        "ec": ["-digest", "sha256"],
        "ed25519": ["-rawin"],
        "rsa-pss": ["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss"],
    }[kind]
    raw = ["-rawin"] if kind != "ed25519" else []
    openssl("pkeyutl", "-sign", "-inkey", str(key), "-in", str(payload), "-out", str(signature), *raw, *how)
    assert client.post("/security/keyrings/jammy/keys", content=public.read_bytes()).status_code == 201
    document = json.dumps(envelope(statement(data), [(signature.read_bytes(), "")])).encode()
    assert upload(client, data, document)["check"]["result"] == "clean"


def test_a_stranger_is_stored_and_not_verified(client: httpx2.Client) -> None:
    data = deb()
    found = upload(client, data, attested(STRANGER, statement(data)))
    assert (found["status"], found["check"]["result"]) == ("published", "skipped")
    (row,) = shown(client, found)
    assert row["state"] == "unverified"
    assert row["detail"].startswith("stored, not verified: no public key that this distribution trusts")


def test_a_key_that_is_named_and_did_not_sign_is_a_finding(client: httpx2.Client) -> None:
    data = deb()
    lying = attested(STRANGER, statement(data), fingerprint(KEYS["ecdsa"]))
    found = upload(client, data, lying)
    assert (found["status"], found["check"]["result"]) == ("pending_review", "findings")


def test_where_nobody_is_trusted_nothing_is_verified(client: httpx2.Client, sigstore: Sigstore) -> None:
    data = deb()
    bundle = json.dumps(sigstore.bundle(statement(data))).encode()
    found = upload(client, data, attested(KEYS["rsa"], statement(data)), bundle, suite="noble")
    assert found["check"]["result"] == "skipped"
    assert [row["state"] for row in shown(client, found)] == ["unverified", "unverified"]


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_a_bundle_is_verified_to_the_root(client: httpx2.Client, sigstore: Sigstore, version: str) -> None:
    data = deb()
    found = upload(client, data, json.dumps(sigstore.bundle(statement(data), version)).encode())
    assert found["check"]["result"] == "clean", found
    (row,) = shown(client, found)
    assert (row["state"], row["identity"], row["issuer"]) == ("verified", WORKFLOW, ISSUER)


def test_a_bundle_over_the_file_itself_is_verified(client: httpx2.Client, sigstore: Sigstore) -> None:
    data = deb()
    found = upload(client, data, json.dumps(sigstore.signed_file(data)).encode())
    assert found["check"]["result"] == "clean", found
    assert upload(client, deb(), json.dumps(sigstore.signed_file(data)).encode())["error"] == "evidence.unfit"


def entry(bundle: dict[str, Any]) -> dict[str, Any]:
    return dict(bundle["verificationMaterial"]["tlogEntries"][0])


def without_entries(bundle: dict[str, Any], _: Sigstore) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = []


def without_promise(bundle: dict[str, Any], _: Sigstore) -> None:
    del bundle["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]


def later(bundle: dict[str, Any], _: Sigstore) -> None:
    one = bundle["verificationMaterial"]["tlogEntries"][0]
    one["integratedTime"] = str(int(one["integratedTime"]) + 60)


def other_root(bundle: dict[str, Any], _: Sigstore) -> None:
    bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["rootHash"] = b64(bytes(32))


def other_path(bundle: dict[str, Any], _: Sigstore) -> None:
    bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"][0] = b64(bytes(32))


def unsigned_root(bundle: dict[str, Any], _: Sigstore) -> None:
    proof = bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    note, _, _ = proof["checkpoint"]["envelope"].partition("\n\n")
    proof["checkpoint"]["envelope"] = f"{note}\n\n\u2014 log.example.org {b64(bytes(70))}\n"


def other_signature(bundle: dict[str, Any], _: Sigstore) -> None:
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = b64(bytes(70))


def entry_of_another(bundle: dict[str, Any], sigstore: Sigstore) -> None:
    other = sigstore.bundle(statement(deb()))
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]


def hours_later(bundle: dict[str, Any], sigstore: Sigstore) -> None:
    one = bundle["verificationMaterial"]["tlogEntries"][0]
    body = base64.b64decode(one["canonicalizedBody"])
    bundle["verificationMaterial"]["tlogEntries"] = [sigstore.entry(body, "dsse", sigstore.now + timedelta(hours=3))]


@pytest.mark.parametrize(
    ("change", "state", "why"),
    [
        (without_entries, "unverified", "not entered into a transparency log"),
        (without_promise, "unverified", "no log says with its signature when"),
        (later, "invalid", "did not promise"),
        (other_root, "invalid", "another root"),
        (other_path, "invalid", "another root"),
        (unsigned_root, "invalid", "did not sign the root"),
        (other_signature, "invalid", "did not sign it"),
        (entry_of_another, "invalid", "something else"),
        (hours_later, "invalid", "was not valid when it was signed"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_bundle_that_was_changed(
    client: httpx2.Client,
    sigstore: Sigstore,
    change: Callable[[dict[str, Any], Sigstore], None],
    state: str,
    why: str,
) -> None:
    data = deb()
    bundle = copy.deepcopy(sigstore.bundle(statement(data)))
    change(bundle, sigstore)
    found = upload(client, data, json.dumps(bundle).encode())
    assert found["check"]["result"] == ("findings" if state == "invalid" else "skipped"), found
    (row,) = shown(client, found)
    assert (row["state"], why in row["detail"]) == (state, True), row


def test_a_bundle_of_another_sigstore_is_not_verified(client: httpx2.Client) -> None:
    data = deb()
    other = fresh_sigstore()
    found = upload(client, data, json.dumps(other.bundle(statement(data))).encode())
    assert shown(client, found)[0]["state"] == "unverified"


def test_certificates_are_in_a_log_of_certificates_where_the_root_names_one(
    client: httpx2.Client, sigstore: Sigstore
) -> None:
    logs = json.loads(sigstore.root())["tlogs"]
    answer = client.post("/security/keyrings/focal/keys", content=sigstore.root(ctlogs=logs))
    assert answer.status_code == 201, answer.text
    data = deb()
    found = upload(client, data, json.dumps(sigstore.bundle(statement(data))).encode(), suite="focal")
    assert "log of certificates" in found["check"]["message"], found


@pytest.mark.parametrize("changes", [{"tlogs": []}, {"certificateAuthorities": []}, {"mediaType": "text/json"}])
def test_a_root_without_its_parts_is_refused(client: httpx2.Client, sigstore: Sigstore, changes: Any) -> None:
    answer = client.post("/security/keyrings/jammy/keys", content=sigstore.root(**changes))
    assert (answer.status_code, answer.json()["error"]) == (422, "trust.unfit")


def test_a_certificate_that_is_not_for_signing(client: httpx2.Client, sigstore: Sigstore) -> None:
    data = deb()
    bundle = sigstore.bundle(statement(data), usage=ExtendedKeyUsageOID.SERVER_AUTH)
    found = upload(client, data, json.dumps(bundle).encode())
    assert "not one for signing" in found["check"]["message"]


def changed(document: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(document), **changes}).encode()


def hostile() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    key = KEYS["ed25519"]
    yield "empty", lambda _: b""
    yield "no JSON", lambda _: b"\x00" * 100
    yield "deep", lambda _: b"[" * 200_000
    yield "a list", lambda _: b"[]"
    yield "a name twice", lambda _: b'{"payloadType": "a", "payloadType": "b"}'
    yield "another package", lambda _: attested(key, statement(b"another"))
    yield "payload type confusion", lambda data: changed(attested(key, statement(data)), payloadType="text/plain")
    yield "no signature", lambda data: changed(attested(key, statement(data)), signatures=[])
    yield (
        "a hundred thousand signatures",
        lambda data: json.dumps(envelope(statement(data), [(b"x", "")] * 40_000)).encode(),
    )
    yield (
        "thousands of subjects",
        lambda data: attested(
            key,
            statement(data, subject=[{"digest": {"sha256": hashlib.sha256(data).hexdigest()}}] * 7000),
        ),
    )
    yield "no subject", lambda data: attested(key, statement(data, subject=[]))
    yield (
        "a subject by SHA-1",
        lambda data: attested(key, statement(data, subject=[{"digest": {"sha1": hashlib.sha1(data).hexdigest()}}])),
    )
    yield "another type", lambda data: attested(key, statement(data, _type="https://in-toto.io/Statement/v9"))
    yield (
        "a future bundle",
        lambda _: json.dumps(
            {"mediaType": "application/vnd.dev.sigstore.bundle.v9+json", "verificationMaterial": {}}
        ).encode(),
    )
    yield "no Base64", lambda data: changed(attested(key, statement(data)), payload="%%%")


@pytest.mark.parametrize(("name", "make"), list(hostile()), ids=[name for name, _ in hostile()])
def test_what_does_not_fit_is_refused_with_the_package(
    client: httpx2.Client, name: str, make: Callable[[bytes], bytes]
) -> None:
    data = deb()
    found = upload(client, data, make(data))
    assert (found["code"], found["error"]) == (422, "evidence.unfit"), found
    # Nothing of it came in.
    assert upload(client, data)["duplicate"] is False


def test_documents_that_are_too_large_or_too_many(client: httpx2.Client) -> None:
    data = deb()
    document = attested(KEYS["rsa"], statement(data))
    assert upload(client, data, b" " * (1 << 20) + document)["code"] == 413
    assert upload(client, data, *[document] * 9)["code"] == 400
    found = upload(client, data, document)
    path = f"/artifacts/{found['name']}/1.0/attestations"
    assert client.post(path, content=b" " * (1 << 20) + document).status_code == 413
    for number in range(31):
        assert client.post(path, content=b" " * (number + 1) + document).status_code == 201
    assert client.post(path, content=b"\n" + document).status_code == 422
    again = upload(client, data, b"\n" + document)
    assert (again["code"], again["error"]) == (422, "evidence.unfit")
    assert upload(client, data, document)["duplicate"] is True


def test_bundles_with_changed_octets_never_break_anything(client: httpx2.Client, sigstore: Sigstore) -> None:
    """Whatever a certificate or an entry turns into, there is a state and a sentence, and it is not verified."""
    data = deb()
    found = upload(client, data)
    path = f"/artifacts/{found['name']}/1.0/attestations"
    bundle = sigstore.bundle(statement(data))
    material = bundle["verificationMaterial"]
    places = [(material["certificate"], "rawBytes"), (material["tlogEntries"][0], "canonicalizedBody")]
    chosen = random.Random(7)
    for number in range(30):
        place, name = places[number % 2]
        good = place[name]
        raw = bytearray(base64.b64decode(good))
        raw[chosen.randrange(len(raw))] ^= 1 << chosen.randrange(8)
        place[name] = b64(bytes(raw))
        answer = client.post(path, content=json.dumps(bundle).encode())
        place[name] = good
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] in {"invalid", "unverified"}, answer.text


def test_an_attestation_comes_later(client: httpx2.Client) -> None:
    data = deb()
    found = upload(client, data)
    path = f"/artifacts/{found['name']}/1.0/attestations"
    document = attested(KEYS["ecdsa"], statement(data))
    answer = client.post(path, content=document)
    assert (answer.status_code, answer.json()["state"]) == (201, "verified"), answer.text
    assert client.post(path, content=document).status_code == 200
    assert len(shown(client, found)) == 1
    assert client.post(path, content=attested(KEYS["ecdsa"], statement(b"x"))).json()["error"] == "evidence.unfit"
    assert client.post("/artifacts/absent/1.0/attestations", content=document).status_code == 404
    entries = client.get("/artifacts/audit/logs", params={"action": "ATTEST"}).json()["items"]
    assert entries[0]["package"] == found["name"]
    # Sent again with the same file, it is kept as well.
    again = deb()
    upload(client, again)
    assert upload(client, again, attested(KEYS["rsa"], statement(again)))["duplicate"] is True
    name = f"built{next(_numbers) - 1}"
    assert len(client.get(f"/artifacts/{name}/1.0/attestations").json()["attestations"]) == 1


def test_a_distribution_takes_builds_by_one_workflow_only(client: httpx2.Client, sigstore: Sigstore) -> None:
    path = "/security/keyrings/jammy/rules"
    refused = client.put(path, json={"rules": [{"identity": WORKFLOW}]})
    assert refused.status_code == 400
    rule = {"identity": WORKFLOW, "issuer": ISSUER, "predicate_type": "https://slsa.dev/provenance/*"}
    assert client.put(path, json={"rules": [rule]}).status_code == 200
    assert client.get(path).json()["rules"][0]["identity"] == WORKFLOW
    try:
        bare = upload(client, deb())
        assert (bare["status"], WORKFLOW in bare["check"]["message"]) == ("pending_review", True)
        data = deb()
        by_key = upload(client, data, attested(KEYS["rsa"], statement(data)))
        assert by_key["status"] == "pending_review"
        data = deb()
        branch = WORKFLOW.replace("main", "feature")
        other = upload(client, data, json.dumps(sigstore.bundle(statement(data), identity=branch)).encode())
        assert other["status"] == "pending_review"
        data = deb()
        mine = upload(client, data, json.dumps(sigstore.bundle(statement(data))).encode())
        assert mine["status"] == "published"
    finally:
        assert client.put(path, json={"rules": []}).status_code == 200
    assert upload(client, deb())["status"] == "published"


def test_a_signature_by_one_of_several_keys_is_enough(client: httpx2.Client) -> None:
    data = deb()
    payload = statement(data)
    signatures = [(sign(STRANGER, encoded(payload)), ""), (sign(KEYS["ed25519"], encoded(payload)), "")]
    assert upload(client, data, json.dumps(envelope(payload, signatures)).encode())["check"]["result"] == "clean"
