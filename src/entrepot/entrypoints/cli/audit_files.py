"""Exported files of the audit log, read again: JSON, day files and CSV, compressed or not."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from entrepot.adapters.signing.verification import verify_detached
from entrepot.domain.model.chain import ChainWalk, Fault, FaultKind
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.errors import BadSignature

_BEGIN = b',"entries":['
_LONGEST = 1 << 20
_ABSENT = ("account", "role", "package", "version", "distribution")
Entry = Mapping[str, object]


def verify_file(path: Path, key: Path | None) -> dict[str, object]:
    """A report as that of a server: entries by themselves and with their neighbours, and the signed checkpoint.

    Where entries are left out because of conditions, there are gaps; in an export of everything, gaps are faults.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with cast("BinaryIO", gzip.open(path, "rb") if packed else path.open("rb")) as file:
            return _report(file, key.read_bytes() if key else None)
    except (OSError, EOFError, ValueError, KeyError, csv.Error) as error:
        raise CommandFailed(f"{path} is no export of an audit log: {error}", "bad_file", ExitCode.INVALID) from None


def _report(file: BinaryIO, key: bytes | None) -> dict[str, object]:
    first = file.readline(_LONGEST)
    head: Entry = json.loads(first.rstrip()[: -len(_BEGIN)] + b"}") if first.rstrip().endswith(_BEGIN) else {}
    rows = _csv_rows(first, file) if first.startswith(b"id,") else _json_rows(b"" if head else first, file)
    whole = head.get("conditions") == {}
    walk, faults, count, gaps = ChainWalk(), [], 0, 0
    for row in rows:
        number, previous = int(str(row["id"])), str(row["previous"])
        if number != walk.number + 1 and (not whole or count == 0):
            walk.jump(number - 1, previous)  # left out by a condition, or forgotten before
            gaps += count > 0
        faults += list(walk.step(row))
        count += 1
    notes = [f"{gaps} gaps, where entries did not meet the conditions"] if gaps else []
    if head.get("checkpoint") is not None:
        faults += _checkpoint_faults(cast("Entry", head["checkpoint"]), walk, key, whole=whole)
        notes += [] if key else ["the signature of the checkpoint was not verified: give --key"]
    told = [{"kind": one.kind.value, "number": one.number, "message": str(one)} for one in faults[:1000]]
    status = "broken" if faults else "ok"
    return {"status": status, "entries": count, "fault_count": len(faults), "faults": told, "notes": notes}


def _checkpoint_faults(checkpoint: Entry, walk: ChainWalk, key: bytes | None, *, whole: bool) -> list[Fault]:
    text, signature = str(checkpoint["statement"]), str(checkpoint["signature"])
    said = json.loads(text)
    found = []
    if whole and (walk.number, walk.hash) != (said["number"], said["hash"]):
        expected = f"entry {said['number']} with hash {said['hash']}"
        found.append(Fault(FaultKind.CUT, walk.number + 1, expected, f"an end at {walk.number}", said["number"]))
    if key is not None:
        try:
            verify_detached(key, text.encode(), signature.encode())
        except BadSignature:
            found.append(Fault(FaultKind.CHECKPOINT, said["number"], "a signature of this key", "none"))
    return found


def _json_rows(first: bytes, file: BinaryIO) -> Iterator[Entry]:
    line = first or file.readline(_LONGEST)
    while line and not line.startswith(b"]"):
        if line.strip():
            yield json.loads(line.rstrip().removesuffix(b","))
        line = file.readline(_LONGEST)


def _csv_rows(first: bytes, file: BinaryIO) -> Iterator[Entry]:
    names = first.decode().strip().split(",")
    for row in csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline="")):
        found: dict[str, object] = {name: cell.removeprefix("'") for name, cell in zip(names, row, strict=True)}
        for name in _ABSENT:
            found[name] = found[name] or None
        yield {**found, "id": int(str(found["id"])), "detail": json.loads(str(found["detail"]))}
