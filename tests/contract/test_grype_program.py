"""Grype as a program: whatever it does ends in bounded time, and only a whole and readable answer is an answer."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from entrepot.adapters.grype.base import EngineFailed, EngineMissing
from entrepot.adapters.grype.program import Grype
from entrepot.domain.advisories.grype import NoDocument, OtherDocument, read_report
from entrepot.domain.model.finding import FixState, Severity
from entrepot.testing.grype import StandIn, match, stand_in

DOCUMENT = (
    b'{"components": [{"type": "operating-system", "name": "debian", "version": "12"},'
    b'{"type": "library", "bom-ref": "package", "name": "ssl", "version": "1.0-1", "purl": "pkg:deb/debian/ssl@1.0-1"},'
    b'{"type": "library", "bom-ref": "b", "name": "jinja2", "version": "2.0", "purl": "pkg:pypi/jinja2@2.0"}]}'
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return stand_in(tmp_path_factory.mktemp("grype"))


def engine(program: StandIn, seconds: float = 30, output_bytes: int = 8 << 20) -> Grype:
    return Grype(str(program.program), program.folder / "data", seconds, output_bytes)


def is_alive(number: int) -> bool:
    """Also false for one that ended and that nobody waits for."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


def gone(number: int) -> bool:
    deadline = time.monotonic() + 60
    while is_alive(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(number)


def test_a_whole_answer_is_read(program: StandIn) -> None:
    score = {"version": "3.1", "vector": "CVSS:3.1/AV:N", "metrics": {"baseScore": 9.8}, "vendorMetadata": None}
    old = {"version": "2.0", "vector": "AV:N", "metrics": {"baseScore": 10.0}, "vendorMetadata": None}
    used = {"cve": "CVE-2026-1", "epss": 0.5, "percentile": 0.9, "date": "2026-01-01"}
    exploited = [{"cve": "CVE-2026-0001", "knownRansomwareCampaignUse": "Unknown"}]
    found = [
        match("CVE-2026-0001", "Critical", cvss=[old, score], epss=[used], knownExploited=exploited),
        match("GHSA-aaaa-bbbb-cccc", "Medium", "jinja2", related=["CVE-2026-0002"], fix={"versions": [], "state": ""}),
        match("CVE-2026-0003", "Unknown", cvss=[score], fix={"versions": [], "state": "wont-fix"}),
    ]
    program.plan(matches=found)
    answer = engine(program).compare(DOCUMENT)
    report = read_report(answer.content)
    assert (answer.fault, report.system, report.version, report.doubts) == ("", ("debian", "12"), "0.99.0", ())
    first, second, third = report.findings
    assert (first.id, first.severity, first.cvss, first.cvss_vector) == (
        "CVE-2026-0001",
        Severity.CRITICAL,
        9.8,
        "CVSS:3.1/AV:N",
    )
    assert (first.fix_state, first.fix_versions, first.in_kev, first.epss) == (FixState.FIXED, ("9.9",), True, 0.5)
    assert (first.package, first.component) == ("ssl", "")
    # An advisory of another name is told as the vulnerability that it is about.
    assert (second.id, second.aliases, second.component) == (
        "CVE-2026-0002",
        ("GHSA-aaaa-bbbb-cccc",),
        "pkg:pypi/jinja2@2.0",
    )
    # Nobody says how bad it is: its score does.
    assert (third.severity, third.fix_state) == (Severity.CRITICAL, FixState.NOT_FIXED)


def test_the_age_of_its_data_is_read(program: StandIn) -> None:
    program.plan()
    known = engine(program).knowledge()
    assert (known.schema, str(known.built_at), known.fault) == ("v6.1.1", "2026-01-02 00:00:00.123456+00:00", "")
    # As an older version says it.
    program.plan(status={"schemaVersion": 5, "valid": None, "error": None})
    assert (engine(program).knowledge().schema, engine(program).knowledge().fault) == ("5", "")


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        ({"error": "the database does not exist", "valid": False}, 1, "does not exist"),
        ({"valid": False}, 0, "not valid"),
        ({}, 1, "not valid"),
    ],
)
def test_data_that_cannot_be_used_are_told(program: StandIn, status: dict[str, object], code: int, fault: str) -> None:
    program.plan(status=status, status_code=code)
    assert fault in engine(program).knowledge().fault


def test_an_unreadable_state_of_its_data_is_a_fault(program: StandIn) -> None:
    program.plan(status_garbled=True)
    with pytest.raises(EngineFailed, match="nothing readable"):
        engine(program).knowledge()


def test_an_absent_program_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="cannot be found"):
        Grype(str(tmp_path / "absent"), tmp_path, 30).compare(DOCUMENT)
    with pytest.raises(EngineMissing, match="cannot be found"):
        Grype("no-such-grype-anywhere", tmp_path, 30).knowledge()


def test_what_is_no_program_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "grype"
    path.write_text("not a program\n")
    with pytest.raises(EngineFailed, match="cannot be run"):
        Grype(str(path), tmp_path, 30).compare(DOCUMENT)
    assert Grype(str(path), tmp_path, 30).update()[0] is False


@pytest.mark.parametrize(
    ("how", "why"),
    [("slow", "did not end within"), ("huge", "printed more than 8 MiB"), ("chatty", "complained more")],
)
def test_what_does_not_end_is_ended(program: StandIn, how: str, why: str) -> None:
    program.plan(how)
    with pytest.raises(EngineFailed, match=why):
        engine(program, seconds=1 if how == "slow" else 60).compare(DOCUMENT)


def test_children_are_ended_with_it(program: StandIn) -> None:
    program.plan("slow fork")
    with pytest.raises(EngineFailed, match="did not end"):
        engine(program, seconds=3).compare(DOCUMENT)
    assert gone(program.child())


def test_a_child_that_keeps_its_output_open_is_not_waited_for(program: StandIn) -> None:
    program.plan("fork", [match("CVE-2026-0001")])
    answer = engine(program, seconds=60).compare(DOCUMENT)
    assert [one.id for one in read_report(answer.content).findings] == ["CVE-2026-0001"]
    assert gone(program.child())


@pytest.mark.parametrize(
    ("how", "fault"), [("fails", "code 1: failed to load"), ("fails after all", "code 3"), ("killed", "signal 9")]
)
def test_how_it_ended_is_told(program: StandIn, how: str, fault: str) -> None:
    program.plan(how)
    assert fault in engine(program).compare(DOCUMENT).fault


@pytest.mark.parametrize("how", ["silent", "garbled", "deep"])
def test_what_is_no_document_is_not_read_as_one(program: StandIn, how: str) -> None:
    program.plan(how)
    with pytest.raises(NoDocument):
        read_report(engine(program).compare(DOCUMENT).content)


@pytest.mark.parametrize(
    "changed",
    [
        {"without": ["matches"]},
        {"without": ["distro"]},
        {"without": ["descriptor"]},
        {"without": ["source"]},
        {"document": {"matches": {}}},
        {"document": {"matches": [{"vulnerability": {"id": "CVE-2026-1"}}]}},
        {"document": {"descriptor": {"name": "another", "version": "1"}}},
        {"document": {"distro": {"name": 1, "version": "12"}}},
        {"matches": [match("CVE-2026-0001", fix=None)]},
        {"matches": [match("CVE-2026-0001", cvss=[{"version": "3.1"}])]},
        {"matches": [match("CVE 2026")]},
    ],
)
def test_a_document_of_another_shape_is_not_read(program: StandIn, changed: dict[str, object]) -> None:
    program.plan(**changed)  # type: ignore[arg-type]
    with pytest.raises(OtherDocument):
        read_report(engine(program).compare(DOCUMENT).content)


def test_it_is_told_nothing_of_us_and_leaves_nothing(
    program: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("ENTREPOT_ADMIN_PASSWORD", "secret")
    program.plan()
    assert engine(program).update() == (True, "looked for news")
    assert list(tmp_path.iterdir()) == []
    program.plan(update_code=1)
    assert engine(program).update()[0] is False
