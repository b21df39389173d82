"""What people hear of mirrors, sources and bundles: when it begins to go wrong, and when that ends; never each time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from entrepot.adapters.catalog.records import AuditEntry
from entrepot.domain.upstream.drafts import Draft
from entrepot.domain.upstream.mirror import MirrorKind
from entrepot.domain.upstream.source import Root
from entrepot.services.notify import UpstreamExpiry
from entrepot.services.upstream.mirrors.register import MirrorDraft
from entrepot.testing.clients import missing_programs
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.mail import running_mail_server
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb
from entrepot.testing.receiver import Receiver, running_receiver
from entrepot.testing.repositories import sign_apt, write_apt_repository

pytestmark = pytest.mark.skipif(bool(missing_programs("apt-ftparchive")), reason="apt-ftparchive IS MISSING")
_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Scene:
    """An upstream whose files can be spoilt, an installation that mirrors it, and somebody who listens."""

    folder: Path
    house: MemoryInstallation
    receiver: Receiver

    def publish(self, version: str, *more: str, spoilt: bool = False) -> None:
        """One package of this version, and more of version 1.0; spoilt, the index lists what is not there."""
        for path in self.folder.glob("pool/*"):
            path.unlink()
        wanted = {"tool": version, **dict.fromkeys(more, "1.0")}
        files = {f"{name}_{each}_amd64.deb": deb(name, each) for name, each in wanted.items()}
        release = write_apt_repository(self.folder, files, self.house.clock.now() - timedelta(minutes=1))
        sign_apt(release)
        if spoilt:
            (self.folder / f"pool/tool_{version}_amd64.deb").unlink()

    def run(self) -> str:
        """Of the mirror; how it ended."""
        return self._ended(self.house.application.mirror_runs.begin(ADMIN, "tools").job)

    def sync(self) -> str:
        """Of the source."""
        return self._ended(self.house.application.syncs.one(ADMIN, "tools").job)

    def _ended(self, job: Any) -> str:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            with self.house.catalog.read() as reading:
                found = reading.job(job)
            if found.finished_at is not None:
                self.house.clock.advance(minutes=5)
                return found.status.value
            assert time.monotonic() < deadline, found
            time.sleep(0.01)

    def heard(self) -> list[str]:
        """Kinds of all that came so far, but for publications; what is due has been sent before."""
        mark = f"mark{len(self.receiver.wait(lambda _: True))}"
        with self.house.catalog.write() as unit:
            entry = AuditEntry("QUARANTINE", "SUCCESS", ADMIN, self.house.clock.now(), package=mark, version="1")
            unit.audit(entry)
        self.house.application.notifications.unmet()
        self.house.application.notifications.notify()
        calls = self.receiver.wait(lambda calls: any(each.event["data"]["package"] == mark for each in calls))
        kinds = [each.event["type"] for each in calls]
        return [kind for kind in kinds if kind not in ("published", "quarantined")]


def deb(name: str, version: str) -> bytes:
    return build_deb(name, version, architecture="amd64")


def configure(house: MemoryInstallation, **sections: Any) -> None:
    house.application.configurations.change(ADMIN, sections)


@contextmanager
def upstream_scene(tmp_path: Path) -> Iterator[Scene]:
    """Until the block ends."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    with (
        FolderServer(folder) as upstream,
        running_receiver() as receiver,
        memory_installation(tmp_path, upstream_inside=upstream.url.partition("//")[2]) as house,
    ):
        house.application.notifications.unmet()
        configure(house, webhook=receiver.settings())
        draft = Draft("tools", "apt", url=upstream.url, distribution="stable", allow_unsigned=True)
        house.application.sources.create(ADMIN, draft, {})
        yield Scene(folder, house, receiver)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with upstream_scene(tmp_path) as found:
        yield found


@pytest.mark.parametrize("kind", ["verbatim", "resigned"])
def test_a_mirror_that_fails_is_told_once_and_its_recovery(scene: Scene, kind: str) -> None:
    house = scene.house
    house.application.mirrors.create(ADMIN, MirrorDraft("tools", "tools", kind=MirrorKind(kind), every_hours=0))
    scene.publish("1.0", spoilt=True)
    assert [scene.run(), scene.run()] == ["error", "error"]
    assert scene.heard() == ["mirror_failed"]
    [call] = [each for each in scene.receiver.wait(len) if each.event["type"] == "mirror_failed"]
    data = call.event["data"]
    assert (data["mirror"], data["code"], data["distribution"]) == ("tools", "upstream.missing", "stable")
    assert "tool_1.0" in data["reason"]
    scene.publish("1.1")
    assert [scene.run(), scene.run()] == ["done", "done"]
    assert scene.heard() == ["mirror_failed", "mirror_recovered"]
    # The next time is news, and so is another fault.
    scene.publish("1.2", spoilt=True)
    assert scene.run() == "error"
    (scene.folder / "pool/tool_1.2_amd64.deb").write_bytes(b"something else")
    assert scene.run() == "error"
    assert scene.heard() == ["mirror_failed", "mirror_recovered", "mirror_failed", "mirror_failed"]


def test_a_source_is_news_when_it_failed_three_times(scene: Scene) -> None:
    assert [scene.sync(), scene.sync()] == ["error", "error"]
    assert scene.heard() == []
    assert [scene.sync() for _ in range(3)] == ["error"] * 3
    assert scene.heard() == ["source_failed"]
    scene.publish("1.0")
    assert [scene.sync(), scene.sync()] == ["done", "done"]
    assert scene.heard() == ["source_failed", "source_recovered"]
    (scene.folder / "dists/stable/Release").rename(scene.folder / "dists/stable/elsewhere")
    assert scene.sync() == "error"
    (scene.folder / "dists/stable/elsewhere").rename(scene.folder / "dists/stable/Release")
    assert scene.sync() == "done"
    assert scene.heard() == ["source_failed", "source_recovered"], "once is none"


def test_the_end_of_what_an_upstream_has_signed_is_told_in_time_and_once(scene: Scene) -> None:
    house = scene.house
    house.application.mirrors.create(ADMIN, MirrorDraft("tools", "tools", every_hours=0))
    scene.publish("1.0")
    assert scene.run() == "done"
    with house.catalog.write() as unit:
        mirror = unit.mirror_called("tools")
        until = house.clock.now() + timedelta(days=7)
        root = Root("0" * 64, house.clock.now(), valid_until=until)
        unit.note_mirror(mirror.id, replace(mirror.state, root=root))
        unit.note_source(mirror.source_id, replace(unit.source(mirror.source_id).state, root=root))
    told: list[tuple[int, int]] = []
    looks = [UpstreamExpiry(house.catalog, house.clock.now) for _ in range(2)]  # of two nodes
    for day in range(10):
        before = _told(house)
        for look in looks:
            if look.due():
                look.look()
        told += [(day, _told(house) - before)] * (_told(house) > before)
        house.clock.advance(days=1)
    assert told == [(5, 2), (7, 2)], "of the mirror and of the source"
    assert scene.heard() == ["upstream_expiring"] * 4


def _told(house: MemoryInstallation) -> int:
    with house.catalog.read() as reading:
        return len([entry for entry in reading.audit_entries(500) if entry.action == "UPSTREAM_EXPIRY"])


def test_a_mail_names_the_mirrors(scene: Scene, tmp_path: Path) -> None:
    house = scene.house
    with running_mail_server(tmp_path) as mailbox:
        rules = [{"name": "ops", "events": ["mirror_failed", "bundle_refused"], "to_addresses": ["ops@example.org"]}]
        configure(house, email=mailbox.settings(), notification_rules=rules)
        with house.catalog.write() as unit:
            for name in ("debian", "ubuntu"):
                detail = {"mirror": name, "code": "upstream.digest", "reason": "no good", "is_news": True}
                unit.audit(AuditEntry("MIRROR_RUN", "FAILURE", ADMIN, house.clock.now(), detail=dict(detail)))
            detail = {"bundle": "b1", "reason": "disk full"}
            unit.audit(AuditEntry("BUNDLE_IMPORT", "FAILURE", ADMIN, house.clock.now(), detail=dict(detail)))
        house.application.notifications.unmet()
        house.application.notifications.notify()
        subjects = sorted(str(mail["Subject"]) for mail in mailbox.wait(2))
    assert subjects == [
        "[Entrepot] bundle_refused: bundle b1",
        "[Entrepot] mirror_failed: mirror debian, mirror ubuntu",
    ]
