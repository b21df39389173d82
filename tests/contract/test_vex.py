"""Findings and decisions in documents about a package (CycloneDX and OpenVEX)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.people import Office, open_office
from tests.contract.sbom_judges import cyclonedx_faults, spdx_faults
from tests.contract.test_findings import JAMMY, Feeds, rated, until

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.testing.advisories import affected, osv
from entrepot.testing.debs import build_deb

pytestmark = pytest.mark.xdist_group("vex")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("vex"), ENTREPOT_RATE_LIMITS="all=10000/minute") as found:
        answer = found.admin.patch("/settings", json={"cve_policy": {"critical": "review", "high": "warn"}})
        assert answer.status_code == 200, answer.text
        catalog = SqlCatalog(f"sqlite:///{found.server.data / 'entrepot.db'}")
        feeds = Feeds(catalog)
        for name, severity, cve in (("mild", "high", "CVE-2031-7001"), ("bad", "critical", "CVE-2031-7002")):
            fixed = affected(JAMMY, name, ("fixed", "2.0"))
            feeds.say(osv(f"USN-{name}", fixed, upstream=[cve], **rated(severity)))
        catalog.close()
        for name in ("mild", "bad", "fine"):
            data = {"distribution": "jammy"}
            answer = found.admin.post("/upload/", files={"file": ("x.deb", build_deb(name))}, data=data)
            assert answer.json()["pipeline"]["cve_scan"] == ("no_findings" if name == "fine" else "findings"), (
                answer.text
            )
        yield found


def asked(office: Office, path: str) -> dict[str, Any]:
    answer = office.admin.get(f"/sbom/{path}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_what_nobody_has_decided_is_under_investigation(office: Office) -> None:
    document = asked(office, "mild/1.0")
    assert cyclonedx_faults(document) == []
    [entry] = document["vulnerabilities"]
    assert (entry["id"], entry["analysis"]["state"]) == ("CVE-2031-7001", "in_triage")
    assert entry["affects"] == [{"ref": document["components"][0]["bom-ref"]}]
    assert entry["recommendation"] == "update mild to 2.0"
    vex = asked(office, "mild/1.0/vex")
    [statement] = vex["statements"]
    assert vex["@context"] == "https://openvex.dev/ns/v0.2.0"
    assert statement["status"] == "under_investigation"
    assert statement["products"][0]["@id"] == document["components"][0]["purl"]
    assert spdx_faults(asked(office, "mild/1.0?format=spdx")) == []
    assert asked(office, "mild/1.0/vex") == vex


def test_a_decision_is_told_with_its_reason(office: Office) -> None:
    before = asked(office, "bad/1.0")
    assert before["vulnerabilities"][0]["analysis"]["state"] == "in_triage"
    decision = {"decision": "approve", "justification": "only on ships"}
    answer = office.admin.post("/security/packages/bad/1.0/decide", json=decision)
    assert answer.status_code == 200, answer.text
    # It was let in just now: it is compared again where it is.
    until(lambda: "vulnerabilities" in asked(office, "bad/1.0"))
    document = asked(office, "bad/1.0")
    assert cyclonedx_faults(document) == []
    analysis = document["vulnerabilities"][0]["analysis"]
    assert (analysis["state"], analysis["response"]) == ("exploitable", ["will_not_fix"])
    assert analysis["detail"] == "accept risk: only on ships"
    assert document["serialNumber"] != before["serialNumber"]
    [statement] = asked(office, "bad/1.0/vex")["statements"]
    assert statement["status"] == "affected"
    assert statement["action_statement"] == "accept risk: only on ships; update bad to 2.0"


def test_without_findings_there_is_no_statement(office: Office) -> None:
    assert "vulnerabilities" not in asked(office, "fine/1.0")
    answer = office.admin.get("/sbom/fine/1.0/vex")
    assert (answer.status_code, "nothing is known" in answer.json()["detail"]) == (404, True)
    assert office.admin.get("/sbom/absent/1.0/vex").status_code == 404
