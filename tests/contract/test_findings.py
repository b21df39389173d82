"""What is known to be wrong with packages: at upload, in lists, and when more becomes known (contract 4.4, 4.6)."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from tests.contract.people import Office, open_office

from entrepot.adapters.catalog.advisories import FeedKind, FeedPhase
from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.domain.advisories.advisory import Exploitation
from entrepot.domain.advisories.osv import read_osv
from entrepot.entrypoints.cli.app import run
from entrepot.testing.advisories import affected, osv
from entrepot.testing.debs import build_deb
from entrepot.testing.rpms import build_rpm

pytestmark = pytest.mark.xdist_group("findings")

JAMMY, BOOKWORM, ALMA = "Ubuntu:22.04:LTS", "Debian:12", "AlmaLinux:9"
_PATIENCE_SECONDS = 60
_numbers = itertools.count(1)


class Feeds:
    """Advisories as an import leaves them."""

    def __init__(self, catalog: SqlCatalog) -> None:
        self._catalog = catalog

    def say(self, *records: bytes, name: str = "advisories", complete: bool = True) -> None:
        """More of a feed, which is whole afterwards or not."""
        with self._catalog.write() as unit:
            feed = unit.hold_feed(name, FeedKind.OSV)
            unit.put_advisories(feed.id, [(read_osv(record), f"{next(_numbers):064}") for record in records])
        with self._catalog.write() as unit:
            feed = unit.hold_feed(name, FeedKind.OSV)
            count, newest_at, contexts = unit.count_contexts(feed.id)
            phase = FeedPhase.COMPLETE if complete else FeedPhase.IMPORTING
            now = datetime.now(UTC)
            state = replace(feed, phase=phase, count=count, newest_at=newest_at, contexts=contexts, imported_at=now)
            unit.note_feed(state)

    def exploit(self, *known: Exploitation) -> None:
        """What the catalogue of exploited vulnerabilities says."""
        with self._catalog.write() as unit:
            feed = unit.hold_feed("kev", FeedKind.KEV)
            unit.put_exploited(known)
            unit.note_feed(replace(feed, phase=FeedPhase.COMPLETE, count=len(known), imported_at=datetime.now(UTC)))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("findings"), ENTREPOT_RATE_LIMITS="all=10000/minute") as found:
        answer = found.admin.patch("/settings", json={"cve_policy": {"critical": "review", "high": "warn"}})
        assert answer.status_code == 200, answer.text
        yield found


@pytest.fixture(scope="module")
def feeds(office: Office) -> Iterator[Feeds]:
    catalog = SqlCatalog(f"sqlite:///{office.server.data / 'entrepot.db'}")
    found = Feeds(catalog)
    found.say(osv("USN-0", affected(JAMMY, "nothing-here", ("fixed", "1"))))
    found.say(osv("DSA-0", affected(BOOKWORM, "nothing-here", ("fixed", "1"))), name="debian")
    found.say(osv("ALSA-0", affected(ALMA, "nothing-here", ("fixed", "0:1-1"))), name="alma")
    yield found
    catalog.close()


def rated(severity: str) -> dict[str, Any]:
    """What a record says of its severity."""
    return {"database_specific": {"severity": severity.upper()}}


def fresh() -> str:
    return f"pkg{next(_numbers)}"


def upload(office: Office, data: bytes, filename: str, distribution: str, status: int = 201) -> dict[str, Any]:
    answer = office.admin.post("/upload/", files={"file": (filename, data)}, data={"distribution": distribution})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def cve(office: Office, name: str, version: str = "1.0", **query: str) -> dict[str, Any]:
    answer = office.admin.get(f"/security/packages/{name}/{version}/cve", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def until(look: Callable[[], Any]) -> Any:
    """The first answer that is true."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
    return found


def test_before_any_import_nobody_was_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_office(tmp_path_factory.mktemp("bare")) as bare:
        body = upload(bare, build_deb("hello"), "hello.deb", "jammy")
        assert body["status"] == "published"
        assert body["pipeline"]["cve_scan"] == "skipped"
        assert body["cve_summary"]["scanned"] is False
        [step] = [one for one in body["validation"]["steps"] if one["name"] == "cve"]
        assert step["result"] == "skipped"
        assert "entrepot advisory import" in step["message"]
        found = cve(bare, "hello")
        assert (found["total"], found["has_structured_data"]) == (0, False)


@pytest.mark.parametrize(("context", "distribution"), [(JAMMY, "jammy"), (BOOKWORM, "bookworm"), (ALMA, "almalinux9")])
def test_an_upload_says_what_is_known(office: Office, feeds: Feeds, context: str, distribution: str) -> None:
    name, id_ = fresh(), f"CVE-2031-{next(_numbers):04}"
    rpm = distribution.startswith("alma")
    fixed = "0:2.0-1" if rpm else "2.0"
    feeds.say(
        osv(f"A-{id_}", affected(context, name, ("fixed", fixed)), upstream=[id_], **rated("low")),
        name={JAMMY: "advisories", BOOKWORM: "debian", ALMA: "alma"}[context],
    )
    data = build_rpm(name, "1.0", "1") if rpm else build_deb(name)
    body = upload(office, data, f"{name}.{'rpm' if rpm else 'deb'}", distribution)
    assert body["pipeline"]["cve_scan"] == "findings"
    assert body["cve_summary"]["scanned"] is True
    found = cve(office, name, "1.0-1" if rpm else "1.0")
    assert [one["id"] for one in found["cve_results"]] == [id_]
    [one] = found["cve_results"]
    assert (one["fix_state"], one["package_name"], one["package_type"]) == ("fixed", name, "rpm" if rpm else "deb")
    assert found["coverage"]["context"] == context
    assert found["has_structured_data"] is True


def test_a_package_without_a_fault_is_clean(office: Office, feeds: Feeds) -> None:
    name = fresh()
    feeds.say(osv(f"B-{name}", affected(JAMMY, name, ("fixed", "0.9"))))
    body = upload(office, build_deb(name), f"{name}.deb", "jammy")
    assert (body["status"], body["pipeline"]["cve_scan"]) == ("published", "no_findings")
    assert body["cve_summary"]["passed"] is True
    manifest = office.admin.get(f"/artifacts/{name}/1.0").json()
    assert manifest["cve_summary"]["scanned"] is True


def test_the_source_package_with_its_own_version_is_asked_about(office: Office, feeds: Feeds) -> None:
    name, source = fresh(), f"src-{fresh()}"
    feeds.say(osv(f"C-{name}", affected(JAMMY, source, ("fixed", "3.0-2")), upstream=["CVE-2031-7001"]))
    data = build_deb(name, "9.0", fields={"Source": f"{source} (3.0-1)"})
    upload(office, data, f"{name}.deb", "jammy", 201)
    [one] = cve(office, name, "9.0")["cve_results"]
    assert (one["id"], one["package_name"], one["package_version"]) == ("CVE-2031-7001", source, "3.0-1")


def test_a_distribution_without_advisories_is_inconclusive_and_held(office: Office, feeds: Feeds) -> None:
    assert feeds
    name = fresh()
    body = upload(office, build_rpm(name), f"{name}.rpm", "fedora")
    assert (body["status"], body["pipeline"]["cve_scan"]) == ("pending_review", "error")
    found = cve(office, name, body["version"])
    assert (found["result"], found["has_structured_data"]) == ("inconclusive", False)
    rows = office.admin.get("/security/packages", params={"status": "pending_review", "q": name}).json()
    assert [(row["name"], row["scanned"], row["status"]) for row in rows["items"]] == [(name, False, "pending_review")]


def test_an_import_that_has_not_ended_is_no_proof(office: Office, feeds: Feeds) -> None:
    name = fresh()
    feeds.say(osv(f"D-{name}", affected(BOOKWORM, name, ("fixed", "0.5"))), name="debian", complete=False)
    try:
        body = upload(office, build_deb(name), f"{name}.deb", "bookworm")
        assert body["status"] == "pending_review"
        assert cve(office, name)["result"] == "inconclusive"
    finally:
        feeds.say(name="debian")
    until(lambda: cve(office, name)["result"] == "clean")


def test_the_policy_holds_what_is_critical(office: Office, feeds: Feeds) -> None:
    name = fresh()
    feeds.say(osv(f"E-{name}", affected(JAMMY, name), upstream=["CVE-2031-7002"], **rated("critical")))
    body = upload(office, build_deb(name), f"{name}.deb", "jammy")
    assert (body["status"], body["cve_summary"]["critical"]) == ("pending_review", 1)
    assert any("CVE-2031-7002" in reason for reason in body["warnings"])


def test_what_is_refused_shows_what_it_was_refused_for(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = fresh()
    known = {"upstream": ["CVE-2031-7010"], "summary": "it runs what it is sent", **rated("critical")}
    feeds.say(osv(f"L-{name}", affected(JAMMY, name, ("fixed", "2.0")), **known))
    office.admin.patch("/settings", json={"cve_policy": {"critical": "block"}}).raise_for_status()
    try:
        body = upload(office, build_deb(name), f"{name}.deb", "jammy", 422)
    finally:
        office.admin.patch("/settings", json={"cve_policy": {"critical": "review"}}).raise_for_status()
    assert body["pipeline"]["cve_scan"] == "blocked"
    found = cve(office, name)
    [one] = found["cve_results"]
    assert (one["id"], one["severity"], one["fix_versions"]) == ("CVE-2031-7010", "Critical", ["2.0"])
    assert (found["result"], found["total"], found["cve_counts"]["critical"]) == ("findings", 1, 1)
    assert found["refused_at"] is not None
    assert found["message"].startswith("refused on ")
    assert found["coverage"]["context"] == JAMMY
    assert cve(office, name, "latest") == found
    assert office.admin.post(f"/security/packages/{name}/1.0/rescan").status_code == 404, "there is nothing to scan"
    monkeypatch.setenv("ENTREPOT_URL", office.server.url)
    monkeypatch.setenv("ENTREPOT_TOKEN", office.token(role="maintainer")["token"])
    assert run(["cve", name]) == 0
    assert capsys.readouterr().out.split("\t")[:2] == ["CVE-2031-7010", "critical"]
    assert run(["cve", "nothing"]) == 5


def test_what_becomes_known_later_is_found_and_told(office: Office, feeds: Feeds) -> None:
    name, other = fresh(), fresh()
    for each in (name, other):
        upload(office, build_deb(each), f"{each}.deb", "jammy")
    before = cve(office, other)
    feeds.say(osv(f"F-{name}", affected(JAMMY, name), upstream=["CVE-2031-7003"], **rated("high")))
    found = until(lambda: (body := cve(office, name))["total"] and body)
    assert found["cve_results"][0]["fix_state"] == "not-fixed"
    assert found["last_rematch_at"] is not None
    [entry] = [one for one in office.audited("CVE_REMATCH") if one["package"] == name]
    assert (entry["result"], entry["detail"]["findings"]) == ("WARNING", ["CVE-2031-7003"])
    assert cve(office, other)["cve_results"] == before["cve_results"] == []
    feeds.say(osv(f"F-{name}", affected(JAMMY, name), upstream=["CVE-2031-7003"], withdrawn="2026-01-01T00:00:00Z"))
    until(lambda: cve(office, name)["total"] == 0)


def test_exploitation_counts_in_lists_and_raises_the_priority(office: Office, feeds: Feeds) -> None:
    name = fresh()
    feeds.say(osv(f"G-{name}", affected(JAMMY, name), upstream=["CVE-2031-7004"], **rated("low")))
    upload(office, build_deb(name), f"{name}.deb", "jammy")
    quiet = cve(office, name)["cve_results"][0]
    assert quiet["in_kev"] is False
    feeds.exploit(Exploitation("CVE-2031-7004", in_kev=True))
    found = until(
        lambda: (
            (rows := office.admin.get("/security/packages", params={"q": name}).json()["items"])[0]["kev_count"]
            and rows
        )
    )
    assert found[0]["kev_count"] == 1
    loud = cve(office, name)["cve_results"][0]
    assert loud["in_kev"] is True
    assert loud["trurisk"] >= 80 > quiet["trurisk"]


def test_vulnerabilities_are_listed_by_severity_with_their_packages(office: Office, feeds: Feeds) -> None:
    first, second = fresh(), fresh()
    feeds.say(
        osv(f"H-{first}", affected(JAMMY, first, ("fixed", "2")), affected(JAMMY, second), upstream=["CVE-2031-7005"]),
        osv(f"I-{first}", affected(JAMMY, first), upstream=["CVE-2031-7006"], **rated("high")),
    )
    for each in (first, second):
        upload(office, build_deb(each), f"{each}.deb", "jammy")
    body = office.admin.get("/security/vulnerabilities", params={"distribution": "jammy", "per_page": 500}).json()
    items = body["vulnerabilities"]["items"]
    order = ["Critical", "High", "Medium", "Low", "Negligible", "Unknown"]
    places = [order.index(one["severity"]) for one in items]
    assert places == sorted(places)
    assert body["vulnerabilities"]["total"] == len(items) == sum(body["summary"].values())
    [both] = [one for one in items if one["id"] == "CVE-2031-7005"]
    assert {each["name"] for each in both["affected_packages"]} == {first, second}
    assert both["affected_count"] == 2
    high = office.admin.get("/security/vulnerabilities", params={"severity": "high"}).json()["vulnerabilities"]["items"]
    assert {one["severity"] for one in high} == {"High"}
    fixed = office.admin.get("/security/vulnerabilities", params={"fix_state": "fixed", "per_page": 500}).json()
    assert all(one["fix_state"] == "fixed" for one in fixed["vulnerabilities"]["items"])
    assert "CVE-2031-7005" in {one["id"] for one in fixed["vulnerabilities"]["items"]}
    office.admin.delete(f"/artifacts/{second}").raise_for_status()
    left = office.admin.get("/security/vulnerabilities", params={"per_page": 500}).json()["vulnerabilities"]["items"]
    [one] = [one for one in left if one["id"] == "CVE-2031-7005"]
    assert [each["name"] for each in one["affected_packages"]] == [first]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/security/vulnerabilities", {"severity": "terrible"}, 400),
        ("/security/vulnerabilities", {"fix_state": "maybe"}, 400),
        ("/security/vulnerabilities", {"per_page": "501"}, 422),
        ("/security/vulnerabilities", {"distribution": "nowhere"}, 400),
        ("/security/packages", {"status": "lost"}, 400),
        ("/security/packages", {"severity": "terrible"}, 400),
        ("/security/packages/nothing/1.0/cve", {}, 404),
    ],
)
def test_what_has_no_meaning_is_refused(office: Office, path: str, query: dict[str, str], status: int) -> None:
    assert office.admin.get(path, params=query).status_code == status


def test_the_posture_counts_every_package(office: Office, feeds: Feeds) -> None:
    assert feeds
    body = office.admin.get("/security/packages-posture", params={"per_page": 5}).json()
    assert body["total_packages"] == body["scanned_packages"] + body["unscanned_packages"]
    assert body["total"] == body["total_packages"]
    assert len(body["packages"]) == 5
    whole = office.admin.get("/security/packages-posture", params={"per_page": 500}).json()["packages"]
    for severity, count in body["summary"].items():
        assert sum(row["cve_counts"][severity] for row in whole) == count
    assert all(row["hash_verified"] for row in whole)


def test_a_rescan_asks_every_check_again(office: Office, feeds: Feeds) -> None:
    assert feeds
    name = fresh()
    upload(office, build_deb(name), f"{name}.deb", "jammy")
    answer = office.admin.post(f"/security/packages/{name}/1.0/rescan")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["status"], body["cve_count"], body["new_status"]) == ("ok", 0, "validated")
    assert set(body["checks"]) >= {"structure", "dependencies", "cve"}
    assert office.audited("RESCAN")[0]["package"] == name
    assert office.admin.post("/security/packages/nothing/1.0/rescan").status_code == 404


def test_everything_is_compared_again_when_somebody_asks(office: Office, feeds: Feeds) -> None:
    assert feeds
    name = fresh()
    upload(office, build_deb(name), f"{name}.deb", "jammy")
    assert cve(office, name)["last_rematch_at"] is None
    answer = office.admin.post("/artifacts/admin/reenrich-cve")
    assert (answer.status_code, set(answer.json()) >= {"message"}) == (202, True)
    until(lambda: cve(office, name)["last_rematch_at"])
    until(lambda: [one for one in office.audited("CVE_REMATCH") if one["result"] == "SUCCESS"])


def test_a_promoted_package_is_compared_for_its_new_distribution(office: Office, feeds: Feeds) -> None:
    name = fresh()
    feeds.say(osv("J-0", affected("Ubuntu:24.04:LTS", "nothing-here", ("fixed", "1"))), name="noble")
    upload(office, build_deb(name), f"{name}.deb", "jammy")
    feeds.say(
        osv(f"J-{name}", affected("Ubuntu:24.04:LTS", name), upstream=["CVE-2031-7007"], **rated("low")), name="noble"
    )
    ends = {"name": name, "from_distribution": "jammy", "to_distribution": "noble"}
    assert office.admin.post("/distributions/promote", json=ends).status_code == 200
    assert [one["id"] for one in cve(office, name, distribution="noble")["cve_results"]] == ["CVE-2031-7007"]
    assert cve(office, name, distribution="jammy")["total"] == 0


def test_a_reader_sees_findings_and_no_more(office: Office) -> None:
    with office.session(office.hire(role="reader")) as reader:
        client: httpx2.Client = reader
        assert client.get("/security/vulnerabilities").status_code == 200
        assert client.get("/security/packages-posture").status_code == 200
        assert client.get("/security/packages").status_code == 403
        assert client.post("/artifacts/admin/reenrich-cve").status_code == 403


def test_the_command_line_shows_what_is_known(
    office: Office, feeds: Feeds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = fresh()
    feeds.say(osv(f"K-{name}", affected(JAMMY, name, ("fixed", "2")), upstream=["CVE-2031-7008"], **rated("low")))
    upload(office, build_deb(name), f"{name}.deb", "jammy")
    monkeypatch.setenv("ENTREPOT_URL", office.server.url)
    monkeypatch.setenv("ENTREPOT_TOKEN", office.token(role="maintainer")["token"])
    assert run(["cve", name]) == 0
    assert capsys.readouterr().out.split("\t")[:2] == ["CVE-2031-7008", "low"]
    assert run(["vulnerabilities", "--severity", "low", "--dist", "jammy"]) == 0
    assert "CVE-2031-7008\tlow\t" in capsys.readouterr().out
    assert run(["rescan", name, "1.0"]) == 0
    assert "findings\tcve: 1 low" in capsys.readouterr().out
    assert run(["rescan", "--all"]) == 0
    assert run(["rescan"]) == 2
    assert run(["vulnerabilities", "--severity", "terrible"]) == 2


def test_a_difference_tells_what_it_does_to_known_vulnerabilities(office: Office, feeds: Feeds) -> None:
    name, old, new = fresh(), f"CVE-2031-{next(_numbers):04}", f"CVE-2031-{next(_numbers):04}"
    feeds.say(osv(f"F-{old}", affected(JAMMY, name, ("fixed", "2.0")), upstream=[old], **rated("low")))
    feeds.say(osv(f"F-{new}", affected(JAMMY, name, ("introduced", "2.0")), upstream=[new], **rated("medium")))
    upload(office, build_deb(name, "1.0"), f"{name}.deb", "jammy")
    office.admin.post("/snapshots", json={"distribution": "jammy", "name": f"before-{name}"})
    upload(office, build_deb(name, "2.0"), f"{name}.deb", "jammy")
    answer = office.admin.get("/snapshots/diff", params={"from": f"jammy@before-{name}", "to": "jammy"})
    [change] = answer.json()["changes"]
    assert (change["change"], change["from_versions"], change["to_versions"]) == ("upgraded", [], ["2.0"])
    assert answer.json()["vulnerabilities"] == {
        "known": True,
        "fixed": [{"id": old, "severity": "low", "name": name, "version": "1.0"}],
        "introduced": [{"id": new, "severity": "medium", "name": name, "version": "2.0"}],
    }
