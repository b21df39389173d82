"""Feeds from a file to findings: whole or visibly not, once each, and never backwards by accident."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase, FeedState
from entrepot.domain.jobs.work import JobId, JobStatus
from entrepot.domain.model.actor import Actor, Role
from entrepot.errors import AddressForbidden, FeedRefused, InvalidRequest, NotFound, PermissionDenied
from entrepot.settings import Settings
from entrepot.testing.advisories import affected, epss, kev, osv, osv_zip
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation

BOOKWORM = "Debian:12"
Ended = tuple[JobStatus, Mapping[str, Any]]
MAINTAINER = Actor("mia", frozenset({Role.MAINTAINER}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "advisories"
    found.mkdir()
    return found


@pytest.fixture
def installation(tmp_path: Path, folder: Path) -> Iterator[MemoryInstallation]:
    (tmp_path / "data").mkdir()
    with memory_installation(tmp_path / "data", works=False, advisories=folder) as found:
        yield found


def configure(installation: MemoryInstallation, *feeds: Mapping[str, Any], **more: Any) -> None:
    installation.application.configurations.change(ADMIN, {"advisories": {"feeds": list(feeds), **more}})
    installation.clock.advance(seconds=2)


def done(installation: MemoryInstallation, job: JobId) -> Ended:
    """How a job ended."""
    with installation.catalog.read() as reading:
        number = reading.job(job).number
    installation.application.jobs.pursue(number)
    with installation.catalog.read() as reading:
        ended = reading.job(job)
    assert ended.ended
    return ended.status, ended.result


def refreshed(installation: MemoryInstallation, name: str, *, force: bool = False) -> Ended:
    [job] = installation.application.feeds.refresh(ADMIN, [name], force=force).values()
    return done(installation, job)


def sent(
    installation: MemoryInstallation, name: str, content: bytes, kind: FeedKind | None = None, *, force: bool = False
) -> Ended:
    feeds = installation.application.feeds
    with feeds.stage() as writer:
        writer.write(content)
        job = feeds.receive(ADMIN, name, kind, writer, force=force)
    return done(installation, job)


def state(installation: MemoryInstallation, name: str) -> FeedState:
    with installation.catalog.read() as reading:
        found = reading.feed_state(name)
    assert found is not None
    return found


def known(installation: MemoryInstallation, *names: str) -> set[str]:
    with installation.catalog.read() as reading:
        return {each.id for each in reading.advisories([BOOKWORM], names)}


def record(number: int, name: str = "a", fixed: str = "1.0", **fields: Any) -> bytes:
    entry = affected(BOOKWORM, name, ("fixed", fixed))
    return osv(f"DEBIAN-CVE-2026-{number:04}", entry, upstream=[f"CVE-2026-{number:04}"], **fields)


def entries(installation: MemoryInstallation, action: str) -> list[tuple[str, Mapping[str, Any]]]:
    with installation.catalog.read() as reading:
        chain = reading.audit_chain(0, 1000)
    return [(link.entry.result, link.entry.detail) for link in chain if link.entry.action == action]


def test_a_folder_is_imported_and_what_changes_in_it_follows(installation: MemoryInstallation, folder: Path) -> None:
    (folder / "debian" / "2026").mkdir(parents=True)
    (folder / "debian" / "2026" / "one.json").write_bytes(record(1))
    (folder / "debian" / "more.zip").write_bytes(osv_zip([record(2), record(3, "b")]))
    (folder / "debian" / "README.txt").write_text("not a record")
    configure(installation, {"name": "debian", "location": "debian"})
    status, result = refreshed(installation, "debian")
    assert (status, result["outcome"]) == (JobStatus.DONE, "imported")
    found = state(installation, "debian")
    assert (found.phase, found.count, found.contexts) == (FeedPhase.COMPLETE, 3, {BOOKWORM: 3})
    assert found.newest_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert known(installation, "a", "b") == {f"DEBIAN-CVE-2026-{number:04}" for number in (1, 2, 3)}

    installation.clock.advance(days=1)
    assert refreshed(installation, "debian")[1]["outcome"] == "unchanged"
    assert state(installation, "debian").imported_at == found.imported_at, "the same file tells nothing new"
    (folder / "debian" / "2026" / "one.json").write_bytes(record(1, "c", modified="2026-05-02T00:00:00Z"))
    (folder / "debian" / "more.zip").write_bytes(osv_zip([record(2, withdrawn="2026-05-02T00:00:00Z")]))
    assert refreshed(installation, "debian")[1] == {"feed": "debian", "outcome": "imported", "changed": 3}
    assert known(installation, "a", "b", "c") == {"DEBIAN-CVE-2026-0001"}
    assert [result for result, _ in entries(installation, "ADVISORY_UPDATE")] == ["SUCCESS", "SUCCESS"]
    assert len(entries(installation, "FEEDS_REFRESH")) == 3


def test_only_wanted_distributions_are_kept(installation: MemoryInstallation, folder: Path) -> None:
    both = osv("A-1", affected(BOOKWORM, "a"), affected("Debian:11", "a"))
    (folder / "all.zip").write_bytes(osv_zip([both, osv("A-2", affected("Debian:11", "a"))]))
    configure(installation, {"name": "debian", "location": "all.zip", "contexts": [BOOKWORM]})
    refreshed(installation, "debian")
    assert state(installation, "debian").contexts == {BOOKWORM: 1}
    configure(installation, {"name": "debian", "location": "all.zip"})
    assert refreshed(installation, "debian")[1]["outcome"] == "imported"
    assert state(installation, "debian").contexts == {BOOKWORM: 1, "Debian:11": 2}


def test_an_older_text_of_an_advisory_does_not_replace_a_newer_one(installation: MemoryInstallation) -> None:
    sent(installation, "debian", osv_zip([record(1, "new", modified="2026-05-02T00:00:00Z"), record(2)]))
    sent(installation, "debian", osv_zip([record(1, "old", modified="2026-05-01T00:00:00Z"), record(2)]))
    assert known(installation, "new", "old") == {"DEBIAN-CVE-2026-0001"}
    assert known(installation, "old") == set()


def test_a_file_that_goes_backwards_has_to_be_meant(installation: MemoryInstallation) -> None:
    many = [record(number) for number in range(1, 121)]
    sent(installation, "debian", osv_zip([*many, record(999, modified="2026-05-20T00:00:00Z")]))
    status, result = sent(installation, "debian", osv_zip(many))
    assert (status, result["code"]) == (JobStatus.ERROR, FeedRefused.code)
    status, result = sent(installation, "debian", osv_zip([record(999, modified="2026-05-20T00:00:00Z")]))
    assert (status, result["code"]) == (JobStatus.ERROR, FeedRefused.code)
    found = state(installation, "debian")
    assert (found.complete, found.count, found.pending) == (True, 121, "")
    assert "less than half" in found.failure
    assert sent(installation, "debian", osv_zip(many[:5]), force=True)[0] is JobStatus.DONE
    assert (state(installation, "debian").count, state(installation, "debian").failure) == (5, "")


def climbing() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("../../etc/cron.d/x.json", record(1))
    return held.getvalue()


def bomb() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("A-1.json", b" " * (33 << 20))
    return held.getvalue()


def lying() -> bytes:
    """A member that unpacks to more than the list of members says."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("A-1.json", b" " * (1 << 20))
    content = bytearray(held.getvalue())
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<L", 100)
    return bytes(content)


def long_list() -> bytes:
    """An end that announces four GiB of members."""
    content = bytearray(osv_zip([record(1)]))
    at = content.rfind(b"PK\x05\x06")
    content[at + 12 : at + 16] = struct.pack("<L", 0xFFFFFFF0)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"<html>404</html>", "not JSON", id="a page"),
        pytest.param(b"[" * 2_000_000, "nested too deeply", id="nested"),
        pytest.param(osv_zip([record(1)])[:-30], "cut off", id="cut off"),
        pytest.param(bomb(), "larger than", id="bomb"),
        pytest.param(lying(), "damaged", id="lying about a size"),
        pytest.param(long_list(), "too long", id="endless list"),
        pytest.param(climbing(), "climbs", id="climbing"),
        pytest.param(gzip.compress(b" " * (33 << 20)), "larger than", id="gzip bomb"),
        pytest.param(gzip.compress(record(1))[:-9], "damaged", id="gzip cut off"),
        pytest.param(osv_zip([]), "no advisories", id="empty archive"),
        pytest.param(osv_zip([record(7), record(8, affected={})]), "DEBIAN-CVE-2026-0008.json", id="one bad of two"),
        pytest.param(b'{"id": "A-1", "id": "A-2", "modified": "2026-01-01T00:00:00Z"}', "twice", id="a name twice"),
    ],
)
def test_a_hostile_file_changes_nothing_and_says_why(
    installation: MemoryInstallation, content: bytes, why: str
) -> None:
    sent(installation, "debian", osv_zip([record(1)]))
    before = state(installation, "debian")
    status, result = sent(installation, "debian", content)
    assert status is JobStatus.ERROR
    assert why in str(result)
    after = state(installation, "debian")
    assert why in after.failure
    assert (after.phase, after.count, after.imported_at) == (before.phase, before.count, before.imported_at)
    assert known(installation, "a") == {"DEBIAN-CVE-2026-0001"}
    assert entries(installation, "ADVISORY_UPDATE")[-1][0] == "FAILURE"


def test_what_never_was_whole_is_never_complete(installation: MemoryInstallation) -> None:
    sent(installation, "debian", b"nothing of worth")
    found = state(installation, "debian")
    assert (found.phase, found.complete) == (FeedPhase.NEVER, False)


_KILLED = """
import os, signal, sys
from entrepot.adapters.catalog.advisories import FeedKind
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.feeds.archives import ArchiveHolding
from entrepot.services.vulnerabilities.advisories import AdvisoryImport

catalog = SqlCatalog(sys.argv[1])
with catalog.write() as unit:
    state = unit.hold_feed("debian", FeedKind.OSV)
run = AdvisoryImport(catalog, state, ())
with open(sys.argv[2], "rb") as file:
    holding = ArchiveHolding(file, "x")
    plan = run.look(holding, lambda done, total: True)
    run.write(holding, plan, lambda done, total: done < 600 or os.kill(os.getpid(), signal.SIGKILL), print)
"""


def test_an_import_that_is_killed_is_not_complete_and_goes_on(installation: MemoryInstallation, folder: Path) -> None:
    path = folder / "all.zip"
    path.write_bytes(osv_zip([record(number, f"p{number}") for number in range(1, 2501)]))
    url = Settings(data=folder.parent / "data").catalog_url  # type: ignore[call-arg]
    killed = subprocess.run([sys.executable, "-c", _KILLED, url, str(path)], check=False, env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    found = state(installation, "debian")
    assert (found.phase, found.complete) == (FeedPhase.IMPORTING, False)
    with installation.catalog.read() as reading:
        assert 600 <= len(reading.advisory_ages(found.id)) < 2500

    configure(installation, {"name": "debian", "location": "all.zip"})
    installation.clock.advance(minutes=2)
    assert installation.application.feeds.due() == []
    job = installation.application.jobs.running("feed", "feed:debian")
    assert job is not None, "the keeper begins it by itself"
    assert done(installation, job)[1]["changed"] < 2500
    found = state(installation, "debian")
    assert (found.phase, found.count) == (FeedPhase.COMPLETE, 2500)


def test_both_halves_of_exploitation(installation: MemoryInstallation) -> None:
    sent(installation, "kev", kev("CVE-2026-0001", "CVE-2026-0002"), FeedKind.KEV)
    table = epss({"CVE-2026-0001": (0.5, 0.9), "CVE-2026-0003": (0.1, 0.2)})
    sent(installation, "epss", gzip.compress(table), FeedKind.EPSS)
    with installation.catalog.read() as reading:
        found = reading.exploitation(["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"])
    assert {id_: (one.in_kev, one.epss) for id_, one in found.items()} == {
        "CVE-2026-0001": (True, 0.5),
        "CVE-2026-0002": (True, None),
        "CVE-2026-0003": (False, 0.1),
    }
    assert found["CVE-2026-0001"].kev_due_at == datetime(2026, 5, 23, tzinfo=UTC)
    assert state(installation, "epss").newest_at == datetime(2026, 5, 2, tzinfo=UTC)
    sent(installation, "kev", kev("CVE-2026-0002"), FeedKind.KEV)
    sent(installation, "epss", epss({"CVE-2026-0003": (0.3, 0.4)}, "2026-05-03"))
    with installation.catalog.read() as reading:
        found = reading.exploitation(["CVE-2026-0001", "CVE-2026-0003"])
    assert (found["CVE-2026-0001"].in_kev, found["CVE-2026-0001"].epss) == (False, None)
    assert found["CVE-2026-0003"].epss == 0.3
    assert [result for result, _ in entries(installation, "EPSS_UPDATE")] == ["SUCCESS", "SUCCESS"]


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [
        (FeedKind.KEV, b"{}", "vulnerabilities"),
        (FeedKind.KEV, json.dumps({**json.loads(kev("CVE-2026-0001")), "count": 9}).encode(), "9 entries"),
        (FeedKind.KEV, b"[" * 1_000_000, "nested"),
        (FeedKind.KEV, osv_zip([record(1)]), "not JSON"),
        (FeedKind.EPSS, b"cve,epss\n", "does not begin"),
        (FeedKind.EPSS, epss({"CVE-2026-0001": (0.5, 0.9)}) + b"CVE-2026-0002,nan,1\n", "line 4"),
        (FeedKind.EPSS, epss({"CVE-2026-0001": (0.5, 0.9)}) + b"CVE-2026-0002,2.0,1\n", "line 4"),
        (FeedKind.EPSS, epss({}) + b"x" * 5000, "too long"),
        (FeedKind.EPSS, epss({}), "no scores"),
        (FeedKind.EPSS, epss({"CVE-2026-0001": (0.1, 0.2)}, "2026-04-01"), "2026-05-02"),
    ],
)
def test_what_is_wrong_with_tables_of_exploitation(
    installation: MemoryInstallation, kind: FeedKind, content: bytes, why: str
) -> None:
    good = {FeedKind.KEV: kev("CVE-2026-0005"), FeedKind.EPSS: epss({"CVE-2026-0005": (0.5, 0.5)})}
    sent(installation, "feed", good[kind], kind)
    status, result = sent(installation, "feed", content)
    assert status is JobStatus.ERROR
    assert why in str(result)
    with installation.catalog.read() as reading:
        assert set(reading.exploitation(["CVE-2026-0005", "CVE-2026-0001"])) == {"CVE-2026-0005"}
    assert state(installation, "feed").complete


def test_a_large_table_is_written_in_batches(installation: MemoryInstallation) -> None:
    table = {f"CVE-2026-{number:05}": (number / 10_000, 0.5) for number in range(5_500)}
    sent(installation, "epss", epss(table), FeedKind.EPSS)
    found = state(installation, "epss")
    assert (found.complete, found.count) == (True, 5_500)
    assert sent(installation, "epss", epss(table))[1]["outcome"] == "unchanged"


class Publisher:
    """A server with one file and a validator."""

    def __init__(self) -> None:
        self.content = b""
        self.requests: list[Mapping[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(dict(self.headers))
                etag = f'"{len(outer.content)}"'
                if self.headers.get("If-None-Match") == etag:
                    self.send_response(304)
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(outer.content)))
                self.end_headers()
                self.wfile.write(outer.content)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/Debian/all.zip"
        self.thread = Thread(target=self.server.serve_forever, daemon=True)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    found = Publisher()
    found.thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_url_is_asked_again_only_for_something_else(installation: MemoryInstallation, publisher: Publisher) -> None:
    publisher.content = osv_zip([record(1)])
    configure(installation, {"name": "debian", "location": publisher.url})
    status, result = refreshed(installation, "debian")
    assert (status, result["code"]) == (JobStatus.ERROR, AddressForbidden.code)
    assert publisher.requests == []
    configure(installation, {"name": "debian", "location": publisher.url}, inside="127.0.0.1")
    assert refreshed(installation, "debian")[1]["outcome"] == "imported"
    first = state(installation, "debian")
    installation.clock.advance(hours=1)
    assert refreshed(installation, "debian")[1]["outcome"] == "unchanged"
    assert publisher.requests[-1]["If-None-Match"] == first.validators["etag"]
    second = state(installation, "debian")
    assert first.checked_at is not None
    assert second.checked_at is not None
    assert second.checked_at > first.checked_at
    assert second.imported_at == second.checked_at, "the publisher said that there is nothing newer"
    publisher.content = osv_zip([record(1), record(2)])
    assert refreshed(installation, "debian")[1]["outcome"] == "imported"
    assert known(installation, "a") == {"DEBIAN-CVE-2026-0001", "DEBIAN-CVE-2026-0002"}


def test_feeds_are_asked_for_when_they_are_old(installation: MemoryInstallation, folder: Path) -> None:
    (folder / "kev.json").write_bytes(kev("CVE-2026-0001"))
    configure(installation, {"name": "kev", "kind": "kev", "location": "kev.json"}, ttl_hours=1)
    feeds, jobs = installation.application.feeds, installation.application.jobs

    def due() -> JobId | None:
        installation.clock.advance(minutes=1)
        feeds.due()
        return jobs.running("feed", "feed:kev")

    first = due()
    assert first is not None
    done(installation, first)
    assert due() is None
    installation.clock.advance(hours=23)
    assert due() is None
    [report] = feeds.status(ADMIN)
    assert not report.stale
    installation.clock.advance(hours=1)
    again = due()
    assert again is not None
    assert feeds.status(ADMIN)[0].job == again
    (folder / "kev.json").unlink()
    assert done(installation, again)[0] is JobStatus.ERROR
    assert due() is None, "a failure is not tried again at once"
    installation.clock.advance(hours=48)
    [report] = feeds.status(ADMIN)
    assert report.stale
    assert due() is not None


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../secret", "ftp://host/file", "http://u@h/x"])
def test_locations_that_settings_refuse(installation: MemoryInstallation, location: str) -> None:
    with pytest.raises(InvalidRequest):
        configure(installation, {"name": "x", "location": location})


def test_links_out_of_the_folder_are_not_followed(installation: MemoryInstallation, folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "x.json").write_bytes(record(1))
    (folder / "link").symlink_to(outside)
    (folder / "tree").mkdir()
    (folder / "tree" / "inner").symlink_to(outside)
    (folder / "tree" / "own.json").write_bytes(record(2))
    configure(installation, {"name": "link", "location": "link"}, {"name": "tree", "location": "tree"})
    status, result = refreshed(installation, "link")
    assert (status, result["code"]) == (JobStatus.ERROR, InvalidRequest.code)
    refreshed(installation, "tree")
    assert known(installation, "a") == {"DEBIAN-CVE-2026-0002"}


def test_without_a_folder_nothing_of_the_machine_is_read(tmp_path: Path) -> None:
    with memory_installation(tmp_path, works=False) as installation:
        configure(installation, {"name": "x", "location": "x.json"})
        status, result = refreshed(installation, "x")
        assert status is JobStatus.ERROR
        assert "ENTREPOT_ADVISORIES" in str(result)


def test_who_may_what(installation: MemoryInstallation) -> None:
    feeds = installation.application.feeds
    assert feeds.status(MAINTAINER) == []
    assert feeds.refresh(MAINTAINER) == {}
    reader = Actor("rea", frozenset({Role.READER}))
    for ask in (lambda: feeds.status(reader), lambda: feeds.refresh(reader)):
        with pytest.raises(PermissionDenied):
            ask()
    with feeds.stage() as writer, pytest.raises(PermissionDenied):
        feeds.receive(MAINTAINER, "x", None, writer)
    with pytest.raises(NotFound):
        feeds.refresh(ADMIN, ["absent"])
    configure(installation, {"name": "empty"})
    with pytest.raises(InvalidRequest):
        feeds.refresh(ADMIN, ["empty"])
    with feeds.stage() as writer, pytest.raises(InvalidRequest):
        feeds.receive(ADMIN, "empty", FeedKind.KEV, writer)


def test_a_second_file_that_comes_meanwhile_is_not_lost(installation: MemoryInstallation) -> None:
    feeds = installation.application.feeds
    jobs = set()
    for number in (1, 2):
        with feeds.stage() as writer:
            writer.write(osv_zip([record(each) for each in range(1, number + 1)]))
            jobs.add(feeds.receive(ADMIN, "debian", None, writer))
    [job] = jobs
    done(installation, job)
    found = state(installation, "debian")
    assert (found.count, found.pending) == (2, "")
