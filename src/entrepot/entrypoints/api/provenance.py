"""Whom distributions trust, and what proves where a package is from."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.catalog.provenance import Evidence, EvidenceKind, TrustedKey
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.attestation import MOST_BYTES
from entrepot.domain.policy.builds import MOST_RULES, rules_of
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.artifacts import Text
from entrepot.entrypoints.api.blob_answers import blob_answer
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.errors import BodyTooLarge, InvalidRequest
from entrepot.services.intake.provenance.attestations import Attested
from entrepot.services.intake.provenance.keys import MOST_KEY_BYTES
from entrepot.services.intake.provenance.service import Asked
from entrepot.services.intake.provenance.signatures import Seen

Body = dict[str, Any]

router = APIRouter(tags=["provenance"])

_READ_SUITES = [Depends(requiring(Permission.SUITE_READ))]
_READ_PACKAGES = [Depends(requiring(Permission.PACKAGE_READ))]
_WRITE_KEYS = [Depends(requiring(Permission.KEY_WRITE))]
_KEY_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary", "example": example}}
            for kind, example in (
                ("application/pgp-keys", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n..."),
                ("application/x-pem-file", "-----BEGIN PUBLIC KEY-----\n..."),
                ("application/octet-stream", "the same, or a trusted_root.json"),
            )
        },
    }
}
_ATTESTATION_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "example": "a DSSE envelope or a Sigstore bundle"}
            }
        },
    }
}
_MEDIA_TYPES = {EvidenceKind.SIGNATURE: "application/pgp-signature", EvidenceKind.ATTESTATION: "application/json"}
Word = Annotated[str, Field(max_length=500)]


class Rule(BaseModel):
    """What one attestation has to say, once it is verified; an empty word asks nothing."""

    identity: Word = Field("", examples=["https://github.com/acme/tools/.github/workflows/release.yml@refs/heads/main"])
    issuer: Word = Field("", examples=["https://token.actions.githubusercontent.com"])
    key: Annotated[str, Field(max_length=64)] = ""
    builder: Word = ""
    predicate_type: Word = Field("", examples=["https://slsa.dev/provenance/v1"])

    def row(self) -> Body:
        """As it is stored.

        Raises:
            InvalidRequest: an identity says nothing without whoever vouches for it.
        """
        if self.identity and not self.issuer:
            raise InvalidRequest("a rule that names an identity has to name its issuer, too")
        return {**self.model_dump(), "key": self.key.upper()}


class Rules(BaseModel):
    """One of them has to be met; an empty list asks nothing."""

    rules: Annotated[list[Rule], Field(max_length=MOST_RULES, examples=[[{"builder": "https://ci.example.org/*"}]])]


@router.get("/security/keyrings/{codename}/keys", summary="Whom a distribution trusts", dependencies=_READ_SUITES)
def trusted_keys(codename: str, app: App, who: Who) -> Body:
    """Certificates of those who sign packages, public keys and Sigstore roots of those who attest."""
    suite, keys = app.trusted_keys.all(who, codename)
    return {"codename": suite.codename, "keys": [_key(one) for one in keys]}


@router.post(
    "/security/keyrings/{codename}/keys",
    summary="Trust a key",
    dependencies=_WRITE_KEYS,
    openapi_extra=_KEY_BODY,
    status_code=201,
    responses={422: {"description": "It is no key, or a weak one"}},
)
async def trust_key(
    codename: str,
    request: Request,
    app: App,
    who: Who,
    name: Text = None,
    allow_weak: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query
) -> JSONResponse:
    """The body is an OpenPGP certificate, armored or binary, a public key in PEM, or a ``trusted_root.json``.

    A key that clients of today refuse is trusted only with ``allow_weak``, which the audit log keeps.
    """
    data = await _whole(request, MOST_KEY_BYTES)
    made = await run_in_threadpool(app.trusted_keys.add, who, codename, data, name or "", allow_weak=allow_weak)
    keys = [_key(one) for one in made.keys]
    return JSONResponse(
        {"status": "ok", "codename": made.suite.codename, "keys": keys, "warnings": list(made.warnings)}, 201
    )


@router.delete(
    "/security/keyrings/{codename}/keys/{fingerprint}", summary="Trust a key no longer", dependencies=_WRITE_KEYS
)
def distrust_key(codename: str, fingerprint: str, app: App, who: Who) -> Body:
    """What is published already stays so."""
    suite = app.trusted_keys.remove(who, codename, fingerprint)
    return {"status": "ok", "codename": suite.codename, "fingerprint": fingerprint.upper()}


@router.get(
    "/security/keyrings/{codename}/rules", summary="Which builds a distribution takes", dependencies=_READ_SUITES
)
def build_rules(codename: str, app: App, who: Who) -> Body:
    """Without rules, packages need no attestation."""
    suite, rows = app.trusted_keys.rules(who, codename)
    return {"codename": suite.codename, "rules": [_rule(one) for one in rules_of(rows)]}


@router.put(
    "/security/keyrings/{codename}/rules",
    summary="Choose which builds a distribution takes",
    dependencies=_WRITE_KEYS,
    openapi_extra=described(Rules),
)
def set_build_rules(codename: str, app: App, who: Who, given: Annotated[Rules, Depends(json_body(Rules))]) -> Body:
    """Replaces all of them.  What comes in from now on needs a verified attestation that meets one."""
    rows: list[dict[str, Any]] = [one.row() for one in given.rules]
    suite = app.trusted_keys.set_rules(who, codename, rows)
    return {"codename": suite.codename, "rules": rows}


@router.get(
    "/artifacts/{name}/{version}/provenance", summary="Who signed and who built a package", dependencies=_READ_PACKAGES
)
def provenance(name: str, version: str, app: App, who: Who, arch: Text = None, distribution: Text = None) -> Body:
    """Judged now, with the keys that its distribution trusts now."""
    found = app.provenances.show(who, Asked(name, version, arch, distribution))
    return {
        "name": found.package.key.name,
        "version": found.package.key.version,
        "arch": found.package.key.architecture,
        "sha256": found.package.digest,
        "distribution": found.suite.codename,
        "signatures": [_signature(one) for one in found.signatures],
        "attestations": [_attestation(*one) for one in found.attestations],
    }


@router.get(
    "/artifacts/{name}/{version}/attestations", summary="Attestations of a package", dependencies=_READ_PACKAGES
)
def attestations(name: str, version: str, app: App, who: Who, arch: Text = None, distribution: Text = None) -> Body:
    """Oldest first; ``verified`` is said only of what could be shown with the keys of the distribution."""
    found = app.provenances.attestations(who, Asked(name, version, arch, distribution))
    rows = [_attestation(*one) for one in found.attestations]
    return {"sha256": found.package.digest, "distribution": found.suite.codename, "attestations": rows}


@router.post(
    "/artifacts/{name}/{version}/attestations",
    summary="Add an attestation to a package",
    dependencies=[Depends(requiring(Permission.PACKAGE_UPLOAD))],
    openapi_extra=_ATTESTATION_BODY,
    status_code=201,
    responses={
        200: {"description": "It was there already"},
        422: {"description": "It is no attestation, or one of another package"},
    },
)
async def attest(
    name: str, version: str, request: Request, app: App, who: Who, arch: Text = None, distribution: Text = None
) -> JSONResponse:
    """The body is a DSSE envelope with an in-toto statement, or a Sigstore bundle, about exactly this file."""
    data = await _whole(request, MOST_BYTES)
    asked = Asked(name, version, arch, distribution)
    found, new = await run_in_threadpool(app.provenances.attach, who, asked, data)
    return JSONResponse(_attestation(*found.attestations[0]), 201 if new else 200)


@router.get(
    "/artifacts/{name}/{version}/attestations/{digest}",
    summary="One document beside a package",
    dependencies=_READ_PACKAGES,
    response_class=Response,
    responses={200: {"description": "The document"}, 206: {"description": "A part of it"}},
)
def attestation_document(
    name: str,
    version: str,
    digest: str,
    request: Request,
    app: App,
    who: Who,
    arch: Text = None,
    distribution: Text = None,
) -> Response:
    """As it was sent: an attestation, or a detached signature."""
    found = app.provenances.document(who, Asked(name, version, arch, distribution), digest)
    return _document(request, app.blobs, found, name)


def _document(request: Request, blobs: BlobStore, found: Evidence, name: str) -> Response:
    suffix = "asc" if found.kind is EvidenceKind.SIGNATURE else "json"
    filename = f"{name}-{found.digest[:12]}.{suffix}"
    return blob_answer(request, blobs, found.digest, found.size_bytes, _MEDIA_TYPES[found.kind], filename)


async def _whole(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BodyTooLarge(f"this request has a body of at most {most >> 10} KiB")
    return bytes(body)


def _key(key: TrustedKey) -> Body:
    return {
        "kind": key.kind.value,
        "fingerprint": key.fingerprint,
        "key_id": key.fingerprint[-16:],
        "name": key.name,
        "weak": key.weak,
        "expires": when(key.expires_at),
        "added_by": key.added_by,
        "added_at": when(key.added_at),
    }


def _rule(rule: object) -> Body:
    return Rule.model_construct(**{name: getattr(rule, name) for name in Rule.model_fields}).model_dump()


def _signature(seen: Seen) -> Body:
    report = seen.report
    return {
        "where": seen.where,
        "covers": seen.covers.value,
        "state": report.state.value,
        "detail": report.detail,
        "key_id": report.key_id,
        "fingerprint": report.fingerprint,
        "uid": report.uid,
        "made_at": when(report.created_at),
        "hash": report.hash_name,
    }


def _attestation(evidence: Evidence, found: Attested) -> Body:
    report = found.report
    return {
        "sha256": evidence.digest,
        "size_bytes": evidence.size_bytes,
        "shape": evidence.facts.get("shape", ""),
        "predicate_type": evidence.facts.get("predicate_type", ""),
        "builder": evidence.facts.get("builder", ""),
        "state": report.state.value,
        "detail": report.detail,
        "key": report.key,
        "identity": report.identity,
        "issuer": report.issuer,
        "added_by": evidence.added_by,
        "added_at": when(evidence.added_at),
    }
