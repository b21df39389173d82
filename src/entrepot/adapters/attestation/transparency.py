"""Entries of a transparency log as a bundle carries them: promise, proof, and what was entered (RFC 9162, 2.1.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from entrepot.adapters.attestation.keys import signed_by
from entrepot.adapters.attestation.roots import Log
from entrepot.domain.formats.attestation import Json, decoded, json_object, mapping, text
from entrepot.errors import UnfitEvidence

_MOST_BODY = 1 << 20
_MOST_HASHES = 64
_MOST_CHECKPOINT = 4096
_LATEST = 253_402_300_799
WHAT = "the log entry"


class Contradicted(Exception):
    """What was carried contradicts itself, or a key that is trusted."""


class Unproven(Exception):
    """What would be needed is not there, or not configured."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; ``body`` is what was entered, as the log hashed it."""

    log_id: bytes
    index: int
    seconds: int
    kind: str
    body: bytes
    promise: bytes
    proof: Json | None

    @property
    def at(self) -> datetime:
        """When the log says that it was entered; worth as much as its promise."""
        return datetime.fromtimestamp(self.seconds, UTC)


def read_entry(found: Json) -> Entry:
    """Take one apart.  Raises ``UnfitEvidence``."""
    kind = mapping(found, "kindVersion", WHAT)
    promised = found.get("inclusionPromise")
    proof = found.get("inclusionProof")
    return Entry(
        log_id=decoded(mapping(found, "logId", WHAT), "keyId", WHAT, 64),
        index=_number(found, "logIndex"),
        seconds=min(_number(found, "integratedTime"), _LATEST) if "integratedTime" in found else 0,
        kind=f"{text(kind, 'kind', WHAT)} {text(kind, 'version', WHAT)}",
        body=decoded(found, "canonicalizedBody", WHAT, _MOST_BODY),
        promise=decoded(promised, "signedEntryTimestamp", WHAT, 1024) if isinstance(promised, dict) else b"",
        proof=proof if isinstance(proof, dict) else None,
    )


def check_promise(entry: Entry, logs: Sequence[Log]) -> Log:
    """The log that promised to have it, at the time that it says.

    Raises:
        Unproven: no log did that is known.
        Contradicted: one that is known did not.
    """
    if not entry.promise or not entry.seconds:
        raise Unproven("no log says with its signature when it was made; signed timestamps are not read here")
    log = _log(entry, logs)
    said = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.seconds,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    if not signed_by(log.key, entry.promise, canonical):
        raise Contradicted("the log did not promise to have this entry")
    if not log.start <= entry.at <= log.end:
        raise Contradicted("the log's key did not count at that time")
    return log


def check_proof(entry: Entry, log: Log) -> None:
    """That the log really has the entry, if there is a proof.

    Raises:
        Contradicted: the proof proves something else.
    """
    if entry.proof is None:
        return
    proof, hashes = entry.proof, entry.proof.get("hashes", [])
    size, index = _number(proof, "treeSize"), _number(proof, "logIndex")
    if not isinstance(hashes, list) or len(hashes) > _MOST_HASHES:
        raise UnfitEvidence(f"{WHAT}: its proof has more than {_MOST_HASHES} hashes")
    path = [decoded({"hash": one}, "hash", WHAT, 32) for one in hashes]
    found = _climb(hashlib.sha256(b"\0" + entry.body).digest(), index, size, path)
    if found is None or found != decoded(proof, "rootHash", WHAT, 32):
        raise Contradicted("the proof of the log leads to another root")
    checkpoint = text(mapping(proof, "checkpoint", WHAT), "envelope", WHAT)
    if not _signed_root(checkpoint, size, found, log):
        raise Contradicted("the log did not sign the root that the proof leads to")


def _log(entry: Entry, logs: Sequence[Log]) -> Log:
    for one in logs:
        if one.log_id == entry.log_id:
            return one
    raise Unproven(
        f"it was entered into the log {entry.log_id.hex()[:16]}, which is not in the root that is configured"
    )


def _climb(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root over a leaf (RFC 9162, 2.1.3.2); none when the path is not that long."""
    if not 0 <= index < size:
        return None
    at, last, root = index, size - 1, leaf
    for one in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = hashlib.sha256(b"\1" + one + root).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\1" + root + one).digest()
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


def _signed_root(checkpoint: str, size: int, root: bytes, log: Log) -> bool:
    """Whether a signed note says this root of a tree of this size."""
    body, gap, signatures = checkpoint.partition("\n\n")
    lines = body.split("\n")
    said = [str(size), base64.b64encode(root).decode()]
    if not gap or len(checkpoint) > _MOST_CHECKPOINT or lines[1:3] != said:
        return False
    for line in signatures.strip().split("\n")[:_MOST_HASHES]:
        dash, _, rest = line.partition(" ")
        try:
            raw = base64.b64decode(rest.rpartition(" ")[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        # The first four octets are a hint of the key.
        if dash == "\u2014" and signed_by(log.key, raw[4:], body.encode() + b"\n"):
            return True
    return False


def entered(entry: Entry) -> Json:
    """What was entered, as JSON.  Raises ``UnfitEvidence``."""
    return json_object(entry.body, "what was entered into the log", _MOST_BODY)


def _number(of: Json, name: str) -> int:
    found = of.get(name, 0)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= 19:
        return int(found)
    if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 1 << 63:
        return found
    raise UnfitEvidence(f"{WHAT}: {name} is no number")
