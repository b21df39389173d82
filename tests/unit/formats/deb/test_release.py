"""Release: what is written is read back, nothing can be injected, and one reading or none."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.formats.deb.release import ReleaseFields, ReleaseFile, write_component_release, write_release
from entrepot.domain.formats.deb.release_reader import parse_date, parse_release
from entrepot.errors import BadIndexField, MalformedIndex

MOMENT = datetime(2026, 8, 1, 4, 5, 6, tzinfo=UTC)
FIELDS = ReleaseFields("Example", "Example label", "stable", "noble", MOMENT, ("amd64", "all"), ("main", "extra"))
EMPTY = {name: hashlib.new(name).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")}
FILE = ReleaseFile("main/binary-amd64/Packages", 0, {"sha256": EMPTY["sha256"]})


def test_the_whole_text() -> None:
    fields = replace(
        FIELDS,
        version="1.0",
        description="A suite: for tests",
        valid_until=MOMENT + timedelta(days=7),
        not_automatic=True,
        but_automatic_upgrades=True,
        no_support_for_architecture_all=True,
        snapshots="https://example.org/snapshot/@SNAPSHOTID@/",
        signed_by=("A" * 40, "B" * 40 + "!"),
    )
    other = ReleaseFile("extra/binary-all/Packages.gz", 12345, FILE.digests)
    assert write_release(fields, [FILE, other]).decode() == (
        "Origin: Example\nLabel: Example label\nSuite: stable\nVersion: 1.0\nCodename: noble\n"
        "Date: Sat, 01 Aug 2026 04:05:06 UTC\nValid-Until: Sat, 08 Aug 2026 04:05:06 UTC\n"
        "NotAutomatic: yes\nButAutomaticUpgrades: yes\nAcquire-By-Hash: yes\n"
        "No-Support-for-Architecture-all: Packages\nArchitectures: amd64 all\nComponents: main extra\n"
        "Description: A suite: for tests\nSnapshots: https://example.org/snapshot/@SNAPSHOTID@/\n"
        f"Signed-By: {'A' * 40},{'B' * 40}!\nSHA256:\n"
        f" {EMPTY['sha256']}    12345 extra/binary-all/Packages.gz\n"
        f" {EMPTY['sha256']}        0 main/binary-amd64/Packages\n"
    )
    assert parse_release(write_release(fields, [FILE, other])).fields == fields


def test_component_release() -> None:
    assert write_component_release(FIELDS, "main", "amd64").decode() == (
        "Archive: stable\nOrigin: Example\nLabel: Example label\nAcquire-By-Hash: yes\nComponent: main\n"
        "Architecture: amd64\n"
    )
    with pytest.raises(BadIndexField):
        write_component_release(FIELDS, "main\nOrigin: x", "amd64")


BREAKS = ["\n", "\r", "\0", "\x0b", "\x1b", "\x85", "\u2028", "\u2029", "\x7f", "\ufeff", "\ud800"]


@pytest.mark.parametrize("broken", BREAKS, ids=ascii)
@pytest.mark.parametrize(
    "field", ["origin", "label", "suite", "codename", "version", "description", "changelogs", "snapshots"]
)
def test_no_value_becomes_a_field(field: str, broken: str) -> None:
    with pytest.raises(BadIndexField):
        write_release(replace(FIELDS, **{field: f"a{broken}SHA256: b"}), [])  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["", "a b", "a\n", "\xe9", " a"])
def test_lists_hold_words(word: str) -> None:
    for changed in (replace(FIELDS, architectures=("amd64", word)), replace(FIELDS, components=(word,))):
        with pytest.raises(BadIndexField):
            write_release(changed, [])


@pytest.mark.parametrize(
    "changed",
    [replace(FIELDS, date=MOMENT.replace(tzinfo=None)), replace(FIELDS, but_automatic_upgrades=True),
     replace(FIELDS, origin=" a"), replace(FIELDS, origin="a" * 5000), replace(FIELDS, signed_by=("a" * 40,))],
)  # fmt: skip
def test_other_values_that_are_refused(changed: ReleaseFields) -> None:
    with pytest.raises(BadIndexField):
        write_release(changed, [])


@pytest.mark.parametrize(
    "files",
    [[FILE, FILE], [replace(FILE, path="../a")], [replace(FILE, path="/a")], [replace(FILE, path="a b")],
     [replace(FILE, path="a\n")], [replace(FILE, size_bytes=-1)], [replace(FILE, digests={})],
     [replace(FILE, digests={"sha256": "A" * 64})], [replace(FILE, digests={"sha256": EMPTY["sha256"] + "\n"})],
     [replace(FILE, digests={"sha256": EMPTY["sha256"], "crc": "0"})],
     [FILE, replace(FILE, path="z", digests={"sha256": EMPTY["sha256"], "md5": EMPTY["md5"]})]],
)  # fmt: skip
def test_files_that_are_refused(files: list[ReleaseFile]) -> None:
    with pytest.raises(BadIndexField):
        write_release(FIELDS, files)


def test_times_are_written_in_utc() -> None:
    east = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert write_release(replace(FIELDS, date=east), []) == write_release(FIELDS, [])


@pytest.mark.parametrize("text", ["Sat, 01 Aug 2026 04:05:06 UTC", "Sat, 1 Aug 2026 04:05:06 GMT",
                                  "Sat, 01 Aug 2026 04:05:06 +0000", "1 Aug 2026  4:05:06 Z"])  # fmt: skip
def test_dates_as_they_are_seen(text: str) -> None:
    assert parse_date("Date", text) == MOMENT


@pytest.mark.parametrize("text", ["", "2026-08-01T04:05:06Z", "Sat, 01 Aug 2026 04:05:06 CEST",
                                  "32 Aug 2026 04:05:06 UTC",
                                  "01 Foo 2026 04:05:06 UTC", "01 Aug 2026 25:05:06 UTC", "01 Aug 0000 00:00:00 UTC",
                                  "Sat, 01 Aug 2026 04:05:06 UTC x"])  # fmt: skip
def test_dates_that_are_refused(text: str) -> None:
    with pytest.raises(MalformedIndex):
        parse_date("Date", text)


GOOD = write_release(FIELDS, [FILE, replace(FILE, path="z")])


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Date: ", b"Data: "), (b"Origin: Example\n", b"Origin: Example\norigin: x\n"), (b"stable\n", b"stable\n x\n"),
     (b"Codename", b"\nCodename"), (b" z\n", b" ../z\n"), (b" z\n", b" /z\n"), (b" z\n", b" z z\n"), (b" z\n", b" z"),
     (b"0 z", b"-1 z"), (b"0 z", b"1 main/binary-amd64/Packages"), (b"SHA256:\n", b"SHA256: x\n"),
     (b" e3", b" e"), (b" e3", b" x3"), (b"SHA256:\n", b"MD5Sum:\n"),
     (b"Label:", b"Label\n"), (b"Suite: ", b"Suite: \r")],
)  # fmt: skip
def test_strict_reading(old: bytes, new: bytes) -> None:
    parse_release(GOOD)
    assert old in GOOD
    with pytest.raises(MalformedIndex):
        parse_release(GOOD.replace(old, new, 1))


@pytest.mark.parametrize("data", [b"", b"\n\n", GOOD + b"\n" + GOOD, GOOD + b"x"])
def test_exactly_one_stanza(data: bytes) -> None:
    with pytest.raises(MalformedIndex):
        parse_release(data)


def test_digests_of_all_sections_come_together() -> None:
    file = ReleaseFile("a", 0, EMPTY)
    release = parse_release(write_release(FIELDS, [file]))
    assert release.files == (file,)


def test_others_keep_what_has_no_place() -> None:
    key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n x"
    release = parse_release(f"Date: 1 Aug 2026 04:05:06 UTC\nX-Own: a\n b\n{key}\n".encode())
    assert release.others == {"x-own": "a\n b", "signed-by": key.partition(":")[2]}
    assert release.fields.signed_by == ()


def test_apt_ftparchive_writes_what_we_read(tmp_path: Path) -> None:
    if shutil.which("apt-ftparchive") is None:
        pytest.skip("apt-ftparchive IS NOT INSTALLED (Debian: apt-utils); nobody else's Release is read")
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "Packages").write_bytes(b"text\n")
    fields = {"Origin": "Example", "Suite": "stable", "Architectures": "amd64 all", "Components": "main"}
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    made = subprocess.run(["apt-ftparchive", *options, "release", "."], cwd=tmp_path, capture_output=True, check=True)
    release = parse_release(made.stdout)
    assert (release.fields.origin, release.fields.architectures) == ("Example", ("amd64", "all"))
    listed = {file.path: file for file in release.files}["main/Packages"]
    assert listed.size_bytes == 5
    assert {name: hashlib.new(name, b"text\n").hexdigest() for name in listed.digests} == dict(listed.digests)


words = st.from_regex(r"[!-~]{1,12}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
releases = st.builds(
    ReleaseFields, texts, texts, words, words, moments.map(lambda moment: moment.replace(microsecond=0)),
    st.lists(words, max_size=3).map(tuple), st.lists(words, max_size=3).map(tuple), words, texts, words,
    snapshots=st.none() | words, acquire_by_hash=st.booleans(), not_automatic=st.booleans(),
)  # fmt: skip


@given(releases, st.sets(st.from_regex(r"[a-z]{1,5}(/[a-zA-Z.-]*[a-z]){0,2}", fullmatch=True), max_size=5))
def test_what_is_written_is_read(fields: ReleaseFields, paths: set[str]) -> None:
    files = tuple(ReleaseFile(path, len(path), FILE.digests) for path in sorted(paths))
    release = parse_release(write_release(fields, files))
    assert (release.fields, release.files, release.others) == (fields, files, {})


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for text in (data, GOOD + data, b"Date: 1 Aug 2026 04:05:06 UTC\nSHA256:\n " + data + b"\n"):
        try:
            parse_release(text)
        except MalformedIndex:
            continue
