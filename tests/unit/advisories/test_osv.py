"""Records as publishers write them, and as nobody should."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.domain.advisories.osv import MOST_BYTES, read_osv
from entrepot.domain.advisories.severity import base_score, severity_of_score, severity_of_word
from entrepot.domain.model.finding import Severity
from entrepot.errors import MalformedAdvisory
from entrepot.testing.advisories import affected, osv


def test_what_is_kept_of_a_record() -> None:
    advisory = read_osv(
        osv(
            "DEBIAN-CVE-2026-1",
            affected("Debian:12", "a", ("fixed", "1.2"), versions=["1.0", "1.1", "9.9"]),
            affected("NuGet", "a"),
            upstream=["CVE-2026-0001"],
            modified="2026-09-12T08:30:03.756478307Z",
            published="0001-01-01T00:00:00Z",
            something_new={"x": [1]},
        )
    )
    assert advisory.modified_at == datetime(2026, 9, 12, 8, 30, 3, 756478, UTC)
    assert advisory.published_at is None
    [entry] = advisory.affected
    assert (entry.context, entry.name) == ("Debian:12", "a")
    assert entry.versions == ("9.9",), "the others lie in the range"


@pytest.mark.parametrize(
    ("id_", "fields", "expected"),
    [
        ("CVE-2026-0001", {"related": ["CVE-2026-0002"]}, ("CVE-2026-0001",)),
        ("UBUNTU-CVE-2026-0001", {"related": ["CVE-2026-0002", "USN-1-1"]}, ("CVE-2026-0001",)),
        ("DSA-1-1", {"upstream": ["CVE-2026-0001"], "aliases": ["CVE-2026-0002"]}, ("CVE-2026-0001", "CVE-2026-0002")),
        ("ALSA-2026:1", {"related": ["CVE-2026-0003", "RHSA-2026:1"]}, ("CVE-2026-0003",)),
        ("USN-1-1", {"related": ["UBUNTU-CVE-2026-0004"]}, ("CVE-2026-0004",)),
        ("RLSA-2026:2", {}, ()),
    ],
)
def test_which_vulnerabilities_a_record_is_about(id_: str, fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert read_osv(osv(id_, **fields)).cves == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"id":' * 100_000, "nested too deeply"),
        (b'{"id": "A-1", "id": "A-2", "modified": "2026-01-01T00:00:00Z"}', "one name twice"),
        (b'{"id": "A-1", "modified": NaN}', "no number"),
        (b'{"id": "A-1", "modified": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"id": "A-1"}', "modified"),
        (b'{"id": "../../etc/passwd", "modified": "2026-01-01T00:00:00Z"}', "not a word"),
        (b'{"id": ["A-1"], "modified": "2026-01-01T00:00:00Z"}', "id"),
        (b'{"id": "A-1", "modified": "yesterday"}', "not a time"),
        (b'{"id": "A-1", "modified": "2026-01-01T00:00:00Z", "affected": {}}', "list"),
        (b'{"id": "A-1", "modified": "2026-01-01T00:00:00Z", "affected": [[]]}', "list"),
        (osv("A-1", affected("Debian:12", "a", ("fixed", "1" * 300))), "not a version"),
        (osv("A-1", affected("Debian:12", "a", ("fixed", "1\n2"))), "not a version"),
        (osv("A-1", {"package": "a"}), "not an object"),
        (osv("A-1", {"package": {"ecosystem": "Debian:12", "name": "a" * 300}}), "name"),
        (
            osv(
                "A-1",
                {
                    "package": {"ecosystem": "Debian:12", "name": "a"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "1"}]}],
                },
            ),
            "begins",
        ),
        (osv("A-1", *[affected("Debian:12", "a")] * 20_001), "at most"),
        (b'{"id": "A-1"' + b" " * MOST_BYTES + b"}", "larger than"),
    ],
    ids=str,
)
def test_what_is_no_record_is_refused_with_one_sentence(content: bytes, why: str) -> None:
    with pytest.raises(MalformedAdvisory) as refused:
        read_osv(content)
    assert why in refused.value.detail
    assert len(refused.value.detail) < 300


def test_text_that_no_database_takes_is_cleaned() -> None:
    advisory = read_osv(json.dumps(json.loads(osv("A-1"))).replace("Something", "S\\u0000o\\ud800me").encode())
    assert advisory.summary == "So?me is wrong."
    advisory.summary.encode()


def test_ranges_of_commits_say_nothing_about_versions() -> None:
    entry = {
        "package": {"ecosystem": "Debian:12", "name": "a"},
        "ranges": [{"type": "GIT", "repo": "https://git.example/a", "events": [{"introduced": "0"}, {"fixed": "abc"}]}],
    }
    assert read_osv(osv("A-1", entry)).affected == ()


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", 8.1),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N", 2.5),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N/E:F/RL:X", 6.4),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:P", 5.0),
        ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2),
        ("(AV:N/AC:M/Au:N/C:P/I:P/A:P)", 6.8),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("CVSS:3.1/AV:N", None),
        ("CVSS:3.1/AV:Z/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_base_scores(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


def test_words_and_scores() -> None:
    words = ["Critical", "Important", "HIGH", "moderate", "medium", "low", "unimportant", "high**", "not yet assigned"]
    assert [severity_of_word(word).value for word in words] == [
        *("critical", "high", "high", "medium", "medium", "low", "negligible", "high", "unknown")
    ]
    assert [severity_of_score(score) for score in (9.0, 8.9, 4.0, 0.1, 0.0)] == [
        *(Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NEGLIGIBLE)
    ]
