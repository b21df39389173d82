"""The part of the client about who signed and who built packages, and whom distributions trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from entrepot.client.answers import shaped
from entrepot.client.answers_provenance import (
    AttestationList,
    AttestationRow,
    BuildRules,
    KeyDistrusted,
    KeyTrusted,
    ProvenanceBody,
    TrustedKeyList,
)
from entrepot.client.artifacts import version_path
from entrepot.client.segments import segment
from entrepot.client.transport import Call, failure
from entrepot.client.wire import CHANGE_SECONDS, Params, Received, Wire, given

MOST_DOCUMENT_BYTES = 1 << 20


class ProvenanceTheme:
    """``Client.provenance``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def trusted_keys(self, codename: str) -> TrustedKeyList:
        """``GET /security/keyrings/{codename}/keys``."""
        return shaped(self._wire("GET", _keys(codename)), TrustedKeyList, keys=list)

    def trust_key(self, codename: str, key: bytes, *, name: str = "", allow_weak: bool = False) -> KeyTrusted:
        """``POST /security/keyrings/{codename}/keys``: a certificate, a public key or a Sigstore root."""
        params = given(name=name, allow_weak=allow_weak or None)
        return shaped(self._sent(_keys(codename), key, params), KeyTrusted, status=str, keys=list)

    def distrust_key(self, codename: str, fingerprint: str) -> KeyDistrusted:
        """``DELETE /security/keyrings/{codename}/keys/{fingerprint}``."""
        body = self._wire("DELETE", f"{_keys(codename)}/{segment(fingerprint)}")
        return shaped(body, KeyDistrusted, status=str)

    def rules(self, codename: str) -> BuildRules:
        """``GET /security/keyrings/{codename}/rules``: which builds it takes."""
        return shaped(self._wire("GET", _rules(codename)), BuildRules, rules=list)

    def set_rules(self, codename: str, rules: Sequence[Mapping[str, str]]) -> BuildRules:
        """``PUT /security/keyrings/{codename}/rules``: all of them; none asks nothing."""
        body = self._wire("PUT", _rules(codename), payload={"rules": [dict(one) for one in rules]})
        return shaped(body, BuildRules, rules=list)

    def show(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> ProvenanceBody:
        """``GET /artifacts/{name}/{version}/provenance``: signatures and attestations, judged now."""
        params = given(arch=architecture, distribution=distribution)
        body = self._wire("GET", f"{version_path(name, version)}/provenance", params)
        return shaped(body, ProvenanceBody, signatures=list, attestations=list)

    def attestations(
        self, name: str, version: str, *, architecture: str | None = None, distribution: str | None = None
    ) -> AttestationList:
        """``GET /artifacts/{name}/{version}/attestations``."""
        params = given(arch=architecture, distribution=distribution)
        body = self._wire("GET", f"{version_path(name, version)}/attestations", params)
        return shaped(body, AttestationList, attestations=list)

    def attest(
        self,
        name: str,
        version: str,
        document: bytes,
        *,
        architecture: str | None = None,
        distribution: str | None = None,
    ) -> AttestationRow:
        """``POST /artifacts/{name}/{version}/attestations``: a DSSE envelope or a Sigstore bundle."""
        params = given(arch=architecture, distribution=distribution)
        body = self._sent(f"{version_path(name, version)}/attestations", document, params)
        return shaped(body, AttestationRow, state=str, sha256=str)

    def document(
        self,
        target: BinaryIO,
        name: str,
        version: str,
        sha256: str,
        *,
        architecture: str | None = None,
        distribution: str | None = None,
    ) -> Received:
        """``GET /artifacts/{name}/{version}/attestations/{digest}``: as it was sent."""
        path = f"{version_path(name, version)}/attestations/{segment(sha256)}"
        params = given(arch=architecture, distribution=distribution)
        return self._wire.file(path, target, params, most_bytes=MOST_DOCUMENT_BYTES)

    def _sent(self, path: str, data: bytes, params: Params) -> dict[str, object]:
        headers = {"content-type": "application/octet-stream", "content-length": str(len(data))}
        call = Call("POST", path, params, form=(headers, [data]), read_seconds=CHANGE_SECONDS)
        answer = self._wire.transport.send(call, self._wire.patience)
        if answer.status >= 400:
            raise failure(answer)
        return answer.json()


def _keys(codename: str) -> str:
    return f"/security/keyrings/{segment(codename)}/keys"


def _rules(codename: str) -> str:
    return f"/security/keyrings/{segment(codename)}/rules"
