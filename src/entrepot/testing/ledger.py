"""What was asked of a server and what it acknowledged, so that after a fault nothing acknowledged may be missing.

Each request is noted before it is sent and again when its answer came; both lines are on disk before anything else
happens.  A package whose last request has no answer may be there or not, but never in between.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from entrepot.domain.formats.deb.packages_index import parse_entries

_DONE = {200, 201}


@dataclass(slots=True)
class Entry:
    """One package in one suite: whether it must be there, must not, or may be either (``None``)."""

    name: str
    version: str
    sha256: str
    distribution: str
    present: bool | None = False
    acknowledged: int = 0


class Ledger:
    """For any number of threads.  Package names are used once, so that each has one history."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], Entry] = {}
        self._number = 0

    def push(self, client: httpx2.Client, name: str, data: bytes, distribution: str = "jammy") -> int | None:
        """Upload; the status, or none when no answer came."""
        entry = self._entry(name, hashlib.sha256(data).hexdigest(), distribution)
        files = {"file": (f"{name}_1.0_all.deb", data)}
        return self._ask(
            entry, "push", True, client, "POST", "/upload/", data={"distribution": distribution}, files=files
        )

    def delete(self, client: httpx2.Client, name: str, distribution: str = "jammy") -> int | None:
        """Remove from one suite."""
        entry = self._entries[distribution, name]
        query = {"distribution": distribution}
        return self._ask(entry, "delete", False, client, "DELETE", f"/artifacts/{name}/1.0", params=query)

    def promote(self, client: httpx2.Client, name: str, source: str, target: str) -> int | None:
        """Put into another suite."""
        entry = self._entry(name, self._entries[source, name].sha256, target)
        body = {"package": name, "from_dist": source, "to_dist": target}
        return self._ask(entry, "promote", True, client, "POST", "/distributions/promote", json=body)

    def _entry(self, name: str, sha256: str, distribution: str) -> Entry:
        with self._lock:
            return self._entries.setdefault((distribution, name), Entry(name, "1.0", sha256, distribution))

    def _ask(
        self, entry: Entry, what: str, wanted: bool, client: httpx2.Client, method: str, url: str, **request: object
    ) -> int | None:
        before = entry.present
        number = self._note({"intent": what, "name": entry.name, "suite": entry.distribution, "sha256": entry.sha256})
        entry.present = None
        try:
            status = client.request(method, url, **request).status_code  # type: ignore[arg-type]
        except httpx2.TransportError:
            return None
        self._note({"ack": number, "status": status})
        if status in _DONE:
            entry.present = wanted
            entry.acknowledged += 1
        elif 400 <= status < 500:
            entry.present = before
        return status

    def _note(self, line: dict[str, object]) -> int:
        with self._lock:
            self._number += 1
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"number": self._number, **line}) + "\n")
            return self._number

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries.values())

    def acknowledged(self) -> int:
        """How many requests were answered as done."""
        return sum(entry.acknowledged for entry in self.entries())

    def unsure(self) -> list[Entry]:
        """Those whose last request has no answer, or one that promises nothing."""
        return [entry for entry in self.entries() if entry.present is None]

    def differences(self, client: httpx2.Client, *, fetch: bool = True) -> list[str]:
        """Everything that is not as acknowledged, seen with a client's eyes: index first, then the files."""
        found: list[str] = []
        for distribution in sorted({entry.distribution for entry in self.entries()}):
            shown = published_packages(client, distribution)
            mine = [entry for entry in self.entries() if entry.distribution == distribution]
            for entry in mine:
                found += _compare(client, entry, shown.get(entry.name), fetch=fetch)
            known = {entry.name for entry in mine}
            found += [f"{distribution}: {name} is published, but nobody sent it" for name in shown if name not in known]
        return found


def published_packages(client: httpx2.Client, distribution: str, archive: str = "main") -> dict[str, tuple[str, str]]:
    """What the signed index of an apt suite names, by package: path and SHA-256."""
    root = f"/apt/{archive}/dists/{distribution}"
    release = client.get(f"{root}/InRelease")
    assert release.status_code == 200, f"{distribution}: InRelease gives {release.status_code}"
    index = client.get(f"{root}/main/binary-amd64/by-hash/SHA256/{_packages_digest(release.text)}")
    assert index.status_code == 200, f"{distribution}: the index that InRelease names gives {index.status_code}"
    text = index.content.split(b"\n\n")
    listed = {name: text.count(name) for name in set(text)}
    assert all(count == 1 for name, count in listed.items() if name), f"{distribution}: a stanza stands there twice"
    return {_name(entry.filename): (entry.filename, entry.sha256) for entry in parse_entries([index.content])}


def _packages_digest(release: str) -> str:
    section = release.partition("\nSHA256:\n")[2]
    for line in section.split("\n"):
        digest, _, path = line.strip().replace("  ", " ").partition(" ")
        if path.endswith(" main/binary-amd64/Packages"):
            return digest
    raise AssertionError("InRelease names no main/binary-amd64/Packages")


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition("_")[0]


def _compare(client: httpx2.Client, entry: Entry, shown: tuple[str, str] | None, *, fetch: bool) -> Iterator[str]:
    where = f"{entry.distribution}: {entry.name}"
    if shown is None:
        if entry.present is True:
            yield f"{where} was acknowledged and is not in the index"
        return
    if entry.present is False:
        yield f"{where} was removed or refused and is in the index"
    path, digest = shown
    if digest != entry.sha256:
        yield f"{where} is in the index with other content"
    if fetch:
        answer = client.get(f"/apt/main/{path}")
        if answer.status_code != 200 or hashlib.sha256(answer.content).hexdigest() != entry.sha256:
            yield f"{where} is in the index, but its file is not ({answer.status_code})"
