"""Two servers in this process, and bundles between them."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entrepot.adapters.catalog.bundles import Bundle
from entrepot.adapters.catalog.jobs import Job
from entrepot.domain.jobs.work import Interrupted, JobId, JobStatus
from entrepot.services.bundles.making import BundleWish
from entrepot.services.bundles.receiving import Received
from entrepot.services.bundles.targets import ImportWish
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation


@dataclass(frozen=True, slots=True)
class Gap:
    """Both sides; the receiving one trusts the key of the other."""

    online: MemoryInstallation
    offline: MemoryInstallation
    key: Path

    def push(self, name: str, version: str = "1.0", **options: Any) -> bytes:
        data = build_deb(name, version, "all", **options)
        self.online.upload(data, f"{name}_{version}_all.deb", "bookworm")
        self.online.wait_published("bookworm")
        return data

    def make(self, *states: str, base: str = "", volume_bytes: int | None = None) -> tuple[Bundle, list[bytes]]:
        """A bundle and its volumes."""
        self.online.clock.advance(seconds=2)
        app = self.online.application
        job = app.bundle_making.begin(ADMIN, BundleWish(states or ("bookworm",), base, volume_bytes))
        done = ended(self.online, job)
        assert done.status is JobStatus.DONE, done.result
        bundle = app.bundles.one(ADMIN, str(done.result["bundle"]))
        volumes = [app.bundles.volume(ADMIN, bundle.id, one) for one in range(1, len(bundle.volumes) + 1)]
        return bundle, [b"".join(volume.read(0, volume.size_bytes)) for volume in volumes]

    def receive(self, volume: bytes) -> Received:
        return self.offline.application.bundle_receiving.receive(ADMIN, io.BytesIO(volume))

    def take_in(self, bundle: Bundle, **wish: Any) -> Job:
        """Until it has ended."""
        begun = self.offline.application.bundle_imports.begin(ADMIN, bundle.id, ImportWish(**wish))
        return ended(self.offline, begun.job)

    def carry(self, *states: str, base: str = "", **wish: Any) -> tuple[Bundle, Job]:
        bundle, volumes = self.make(*states, base=base)
        for volume in volumes:
            self.receive(volume)
        return bundle, self.take_in(bundle, **wish)

    def contents(self, codename: str = "bookworm") -> set[str]:
        """What the suite has on the other side, shown or not."""
        suite = self.offline.suite(codename)
        with self.offline.catalog.read() as reading:
            return {f"{one.name} {one.version}" for one in reading.contents_at(suite.id, suite.revision)}


@contextmanager
def gap(folder: Path) -> Iterator[Gap]:
    """Without turns of the keepers, which tests take by hand."""
    key = folder / "bundles.asc"
    (folder / "one").mkdir()
    (folder / "other").mkdir()
    (folder / "media").mkdir()
    with (
        memory_installation(folder / "one") as online,
        memory_installation(folder / "other", bundle_keyring=key, bundle_folder=folder / "media") as offline,
    ):
        for side in (online, offline):
            side.application.keeper.stop()
        key.write_bytes(online.application.bundles.key(ADMIN))
        yield Gap(online, offline, key)


def ended(side: MemoryInstallation, job: JobId) -> Job:
    deadline = time.monotonic() + 60
    while True:
        with side.catalog.read() as reading:
            found = reading.job(job)
        if found.ended:
            return found
        assert time.monotonic() < deadline, (found, side.queue.failures[-3:])
        time.sleep(0.01)


_BY_HAND = JobId("by-hand")


@dataclass(slots=True)
class HandMadeWork:
    """A job that somebody cancels, or a worker that dies, after so many words."""

    parameters: Mapping[str, Any]
    cancel_after: int = 1 << 30
    die_after: int = 1 << 30
    asked: int = 0
    id: JobId = _BY_HAND
    subject: str = ""
    begun_by: str = "admin"
    address: str = ""
    position: Mapping[str, Any] = field(default_factory=dict)
    told: list[Mapping[str, Any]] = field(default_factory=list)

    def progress(self, **said: Any) -> None:
        if said.get("event"):
            self.told.append(said["event"])

    def cancelled(self) -> bool:
        self.asked += 1
        if self.asked > self.die_after:
            raise Interrupted(self.id)
        return self.asked > self.cancel_after


def work_for(
    side: MemoryInstallation, bundle: Bundle, suites: Sequence[str] = ("bookworm",), **more: Any
) -> HandMadeWork:
    """The parameters that ``begin`` gives a job."""
    targets = [
        {"list": f"lists/{number}.jsonl.gz", "suite": side.suite(name).id} for number, name in enumerate(suites, 1)
    ]
    return HandMadeWork({"bundle": bundle.id, "targets": targets, "snapshot": ""}, **more)
