"""Signing keys (contract 4.12)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from entrepot.adapters.signing.armor import Block, armor, dearmor
from entrepot.adapters.signing.base import KeyInfo
from entrepot.domain.model.package import Format
from entrepot.domain.policy.permissions import Permission
from entrepot.entrypoints.api.artifacts import published
from entrepot.entrypoints.api.bodies import described, json_body
from entrepot.entrypoints.api.context import App, Who, requiring
from entrepot.entrypoints.api.words import when
from entrepot.services.upkeep.signing_keys import ArchiveKeys, Changed, Wanted

router = APIRouter(tags=["settings"])

_MayRead = Depends(requiring(Permission.SETTING_READ))
_MayWrite = Depends(requiring(Permission.KEY_WRITE))
_TOPS = {Format.DEB: "apt", Format.RPM: "rpm"}
_Text = Annotated[str, Field(max_length=200)]
_Archive = Annotated[_Text, Field(examples=["apt/main"], description="Empty: all of them")]


class GenerateRequest(BaseModel):
    """A new signing key, beside the one that is there.  What is left out is as in the server's settings."""

    name: _Text = Field("", examples=["Example packages"])
    email: _Text = Field("", examples=["packages@example.org"])
    expire: _Text = Field("", examples=["2y"], description="90d, 12w, 6m, 2y; empty, 0 or never: no end")
    algorithm: _Text = Field("", examples=["rsa4096"])
    archive: _Archive = ""


class RetireRequest(BaseModel):
    """The older of two keys shall go."""

    archive: _Archive = ""
    force: Annotated[bool, Field(description="Although both have signed for less than 30 days")] = False


class ExtendRequest(BaseModel):
    """Another end."""

    expire: _Text = Field(examples=["2y"])
    archive: _Archive = ""


@router.get("/settings/gpg", summary="Signing keys", dependencies=[_MayRead])
def keys(app: App, who: Who) -> dict[str, Any]:
    """Public facts of every key; the first of an archive signs first."""
    found = app.signing_keys.show(who)
    rows = [_row(one, key) for one in found for key in one.keys]
    first = rows[0] if rows else {"key_id": None, "fingerprint": None}
    return {
        "keys": rows,
        "public_key_armored": _all_armored(found) if found else None,
        "key_id": first["key_id"],
        "fingerprint": first["fingerprint"],
    }


@router.post(
    "/settings/gpg/generate",
    summary="Make a new signing key beside the old one",
    dependencies=[_MayWrite],
    openapi_extra=described(GenerateRequest),
)
async def generate(
    app: App, who: Who, given: Annotated[GenerateRequest, Depends(json_body(GenerateRequest))]
) -> dict[str, Any]:
    """From now on both sign and both are given to clients; answers when every distribution is signed by both."""
    wanted = Wanted(given.name, given.email, given.expire, given.algorithm, given.archive)
    changed = await run_in_threadpool(app.signing_keys.rotate, who, wanted)
    await published(app, changed.revisions)
    return _changed(changed, "both keys sign now; retire the old one when every machine had time to learn the new one")


@router.post(
    "/settings/gpg/retire",
    summary="Take the older of two signing keys away",
    dependencies=[_MayWrite],
    openapi_extra=described(RetireRequest),
)
async def retire(
    app: App, who: Who, given: Annotated[RetireRequest, Depends(json_body(RetireRequest))]
) -> dict[str, Any]:
    """Machines that know only the old one refuse the archive afterwards."""
    changed = await run_in_threadpool(lambda: app.signing_keys.retire(who, given.archive, force=given.force))
    await published(app, changed.revisions)
    return _changed(changed, "the old key is gone; only the new one signs")


@router.post(
    "/settings/gpg/extend",
    summary="Give signing keys another end",
    dependencies=[_MayWrite],
    openapi_extra=described(ExtendRequest),
)
async def extend(
    app: App, who: Who, given: Annotated[ExtendRequest, Depends(json_body(ExtendRequest))]
) -> dict[str, Any]:
    """They stay the same keys; clients have to fetch them once more."""
    changed = await run_in_threadpool(app.signing_keys.extend, who, given.archive, given.expire)
    await published(app, changed.revisions)
    return _changed(changed, "clients have to fetch the keys once more")


@router.post("/settings/gpg/export", summary="Where the public keys are", dependencies=[_MayRead])
def export(app: App, who: Who) -> dict[str, Any]:
    """They are served to everybody, at all times; nothing is written."""
    found = app.signing_keys.show(who)
    paths = [f"/{_TOPS[one.archive.format]}/{one.archive.name}/key.asc" for one in found]
    first = paths[0] if paths else None
    return {"status": "ok", "path": first, "url_path": first, "paths": paths, "message": "served to every client"}


def _row(one: ArchiveKeys, key: KeyInfo) -> dict[str, Any]:
    return {
        "type": "pub",
        "algo": key.algorithm.value,
        "key_id": key.fingerprint[-16:],
        "created": when(key.created_at),
        "expires": when(key.expires_at),
        "uids": [key.uid],
        "fingerprint": key.fingerprint,
        "archive": f"{_TOPS[one.archive.format]}/{one.archive.name}",
        "signs_first": key == one.keys[0],
        "together_since": when(one.since) if len(one.keys) > 1 else None,
    }


def _all_armored(found: list[ArchiveKeys]) -> str:
    """One block: readers of old take no more."""
    binary = b"".join(dearmor(Block.PUBLIC_KEY, one.armored) for one in found)
    return armor(Block.PUBLIC_KEY, binary).decode("ascii")


def _changed(changed: Changed, message: str) -> dict[str, Any]:
    keys = list(changed.keys)
    return {
        "status": "ok",
        "message": message,
        "fingerprint": keys[0].fingerprint,
        "key_id": keys[0].fingerprint[-16:],
        "fingerprints": [key.fingerprint for key in keys],
        "distributions_reinit": {
            changed.codenames[suite_id]: {"status": "ok", "revision": revision}
            for suite_id, revision in changed.revisions.items()
        },
    }
