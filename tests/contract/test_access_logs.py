"""Each line of a front server's access log counts once, through rotation, restarts and whatever strangers write."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from entrepot.adapters.access_logs.files import FileAccessLogs
from entrepot.domain.formats.access_log import parse_line, pool_place
from entrepot.domain.model.package import Format
from entrepot.errors import BadSetting
from entrepot.services.downloads.logs import LogReader
from entrepot.services.downloads.pseudonyms import Pseudonyms
from entrepot.settings import load_settings
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_rpm

HELLO = "/apt/main/pool/main/h/hello/hello_1.0_all.deb"
SIZE = len(build_deb("hello"))
APT = "Debian APT-HTTP/1.3 (2.6.1)"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[MemoryInstallation]:
    path = tmp_path / "logs" / "access.log"
    path.parent.mkdir()
    # Nothing is published: a log is about what was there.
    with memory_installation(tmp_path, works=False, downloads_from="access-log", access_log=str(path)) as found:
        found.upload(build_deb("hello"), "hello_1.0_all.deb", "jammy")
        found.upload(build_rpm("rolling"), "rolling-1.0-1.noarch.rpm", "almalinux9")
        yield found


class Log:
    """A log that a web server writes; each line at another second."""

    def __init__(self, installation: MemoryInstallation, path: Path) -> None:
        self.path = path
        self._installation = installation
        self._at: datetime = installation.clock.now() - timedelta(hours=2)

    def line(self, path: str = HELLO, *, status: int = 200, sent: int = SIZE, method: str = "GET", **more: str) -> str:
        self._at += timedelta(seconds=1)
        when = self._at.strftime("%d/%b/%Y:%H:%M:%S +0000")
        request = f"{method} {path} HTTP/1.1"
        user, address, agent = more.get("user", "-"), more.get("address", "192.0.2.1"), more.get("agent", APT)
        return f'{address} - {user} [{when}] "{request}" {status} {sent} "-" "{agent}"{more.get("end", "")}\n'

    def write(self, text: str | bytes | None = None, count: int = 1) -> None:
        lines = "".join(self.line() for _ in range(count)) if text is None else text
        with self.path.open("ab") as file:
            file.write(lines if isinstance(lines, bytes) else lines.encode())

    def counted(self) -> int:
        self._installation.application.recorder.read_logs()
        found = self._installation.application.downloads.statistics(ADMIN, 365)
        return sum(day.downloads for day in found.totals)

    def skipped(self) -> int:
        return self._installation.application.downloads.statistics(ADMIN, 1).log_skipped


@pytest.fixture
def log(installation: MemoryInstallation, tmp_path: Path) -> Log:
    return Log(installation, tmp_path / "logs" / "access.log")


def test_new_lines_count_once(log: Log) -> None:
    assert log.counted() == 0
    log.write(count=3)
    assert [log.counted(), log.counted()] == [3, 3]
    log.write()
    assert log.counted() == 4


def test_a_line_counts_when_it_is_whole(log: Log) -> None:
    line = log.line()
    log.write(line[:40])
    assert log.counted() == 0
    log.write(line[40:])
    assert log.counted() == 1


def test_a_renamed_log_is_read_to_its_end(log: Log) -> None:
    log.write(count=2)
    assert log.counted() == 2
    log.write(count=3)
    old = log.path.rename(log.path.with_name("access.log.1"))
    with old.open("a") as file:  # the server has not opened a new one yet
        file.write(log.line())
    log.write(count=4)
    assert log.counted() == 10
    old.rename(log.path.with_name("access.log.2"))
    assert log.counted() == 10


def test_a_log_that_is_copied_and_truncated_is_read_to_its_end(log: Log) -> None:
    log.write(count=2)
    assert log.counted() == 2
    log.write(count=3)
    shutil.copy(log.path, log.path.with_name("access.log.1"))
    assert log.counted() == 5
    log.path.write_bytes(b"")
    assert log.counted() == 5
    log.write(count=9)
    assert log.counted() == 14


def test_yesterdays_packed_log_is_read_when_nobody_read_it_before(log: Log) -> None:
    log.write(count=2)
    assert log.counted() == 2
    log.write(count=3)
    text = log.path.read_bytes()
    log.path.unlink()
    log.path.with_name("access.log.2.gz").write_bytes(gzip.compress(text))
    log.path.with_name("access.log-20260101.gz").write_bytes(gzip.compress(log.line().encode()))
    half = gzip.compress((log.line() * 500).encode())
    log.path.with_name("access.log.3.gz").write_bytes(half[:30])  # is being packed at this moment
    log.write(count=4)
    assert log.counted() == 10


def another_reader(installation: MemoryInstallation, path: Path) -> LogReader:
    """As after a restart, or in another process of this host."""
    logs, pseudonyms = FileAccessLogs(str(path), "embedded"), Pseudonyms(bytes(32), plain=False)
    return LogReader(installation.catalog, logs, pseudonyms, installation.clock.now, alone=True)


def test_a_restart_goes_on_where_it_stopped(log: Log, installation: MemoryInstallation) -> None:
    log.write(count=3)
    assert log.counted() == 3
    log.write(count=2)
    assert another_reader(installation, log.path).turn() is False
    assert log.counted() == 5


def test_what_brings_no_package_is_no_download(log: Log) -> None:
    for line in (
        log.line(method="HEAD", sent=0),
        log.line(status=304, sent=0),
        log.line(status=404),
        log.line("/apt/main/dists/jammy/InRelease"),
        log.line("/apt/other/pool/main/h/hello/hello_1.0_all.deb"),
        log.line(f"{HELLO}.absent"),
        log.line("/packages"),
        log.line(sent=SIZE - 1),  # the client went away
    ):
        log.write(line)
    assert log.counted() == 0
    assert log.skipped() == 0


def test_parts_of_a_file_are_one_download(log: Log) -> None:
    log.write(log.line(sent=100))
    log.write(log.line(status=206, sent=SIZE - 100))
    assert log.counted() == 1
    for first, last in ((0, 99), (100, 199), (200, SIZE - 1)):
        end = f' "bytes {first}-{last}/{SIZE}"'
        log.write(log.line(status=206, sent=last + 1 - first, address="192.0.2.9", end=end))
    assert log.counted() == 2


def test_addresses_come_in_several_spellings(log: Log) -> None:
    rpm = "/rpm/main/almalinux9/x86_64/Packages/r/rolling-1.0-1.noarch.rpm"
    size = len(build_rpm("rolling"))
    log.write(log.line(rpm, sent=size, agent="libdnf (x)"))
    log.write(log.line(rpm.replace("-1.0", "%2D1.0"), sent=size))
    log.write(log.line(f"http://packages.example.org{HELLO}?x=1"))
    assert log.counted() == 3


def test_hostile_lines_are_counted_and_left_out(log: Log) -> None:
    good = log.line()
    log.write(good)
    hostile: list[bytes] = [
        b"",
        b"garbage",
        bytes(range(128, 256)) * 10,
        b'192.0.2.1 - - [99/Foo/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
        good.encode().rstrip().replace(b" 200 ", b" 2000 "),
        b"x" * (40 << 10),
        b'"' * 5000,
        b"[" * 20000,
        b'192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] "' + b"\\" * 20001,
    ]
    log.write(b"".join(line + b"\n" for line in hostile))
    log.write(good.replace("192.0.2.1", "192.0.2.2"))
    assert log.counted() == 2
    assert log.skipped() == len(hostile)


def test_a_line_that_never_ends_does_not_stop_the_log(log: Log) -> None:
    log.write()
    log.write(b"x" * (100 << 10))
    assert log.counted() == 1
    log.write(b"y" * 100)
    assert log.counted() == 1
    log.write(b"\n")
    log.write()
    assert log.counted() == 2
    assert log.skipped() == 1


def test_a_client_cannot_write_a_line_of_its_own(log: Log) -> None:
    line = log.line()
    fake = line.strip().replace('"', "\\x22")
    log.write(log.line("/", agent=fake))
    log.write(log.line("/", user=fake))
    log.write(log.line("/", agent=line.strip().replace('"', '\\"')))
    log.write(log.line("/" + "a" * 100 + "\\x22 200 9 \\x22-\\x22"))
    assert log.counted() == 0
    assert log.skipped() == 0


def test_lines_of_another_age_do_not_count(log: Log, installation: MemoryInstallation) -> None:
    log.write(log.line().replace("/2026:", "/2019:"))
    log.write(log.line().replace("/2026:", "/2031:"))
    assert log.counted() == 0


def test_what_was_counted_from_requests_is_not_counted_again(log: Log, installation: MemoryInstallation) -> None:
    log.write(count=3)
    with installation.catalog.write() as unit:
        until = installation.clock.now() - timedelta(hours=2) + timedelta(seconds=2)
        unit.set_fact("downloads/counted_until", until.isoformat())
    assert log.counted() == 1


def test_two_readers_of_one_log_count_once(log: Log, installation: MemoryInstallation) -> None:
    other = another_reader(installation, log.path)
    for _ in range(3):
        log.write(count=200)
        threads = [threading.Thread(target=read) for read in (other.turn, log.counted) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert log.counted() == 600


def test_a_log_must_be_named_absolutely(tmp_path: Path) -> None:
    for given in ({"downloads_from": "access-log"}, {"downloads_from": "both", "access_log": "access.log"}):
        with pytest.raises(BadSetting, match="ENTREPOT_ACCESS_LOG"):
            load_settings(data=tmp_path, **given)


def test_a_line_is_understood_as_nginx_writes_it() -> None:
    line = (
        rb'2001:db8::1 - al\x22ice x [21/Nov/2026:16:29:18 +0230] "GET /apt/main/pool/main/libs/libstdc%2B%2B/x.deb?y '
        rb'HTTP/2.0" 206 10 "-" "curl/8 \x22" "bytes 0-9/100"'
    )
    found = parse_line(line)
    assert found is not None
    assert (found.address, found.status, found.sent_bytes, found.part) == ("2001:db8::1", 206, 10, (0, 9, 100))
    assert found.at.isoformat() == "2026-11-21T13:59:18+00:00"
    assert found.path == "/apt/main/pool/main/libs/libstdc++/x.deb"
    place = pool_place(found.path)
    assert place is not None
    assert (place.format, place.archive, place.path) == (Format.DEB, "main", "pool/main/libs/libstdc++/x.deb")
