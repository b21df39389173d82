"""Package, distribution, verdict: what the upload answers, with the real checks and advisories of each distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.contract.people import Office, open_office
from tests.contract.test_findings import ALMA, BOOKWORM, JAMMY, Feeds

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.testing.advisories import affected, osv
from entrepot.testing.clamd import EICAR, find_clamd, running_clamd
from entrepot.testing.debs import build_deb
from entrepot.testing.rpms import build_rpm

pytestmark = pytest.mark.xdist_group("clamd")

FIXED, OPEN, HELD, BLOCKED = "published", "published", "pending_review", "rejected"
SUITES = {"bookworm": BOOKWORM, "jammy": JAMMY, "almalinux9": ALMA}
ADVISED: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("plain", "bookworm", "2.0", "HIGH", {}),
    ("worst", "bookworm", "2.0", "CRITICAL", {}),
    ("mild", "bookworm", "2.0", "LOW", {}),
    ("backport", "bookworm", "1.0-2+deb12u1", "HIGH", {}),
    ("epoch", "bookworm", "1:1.0", "HIGH", {}),
    ("tilde", "bookworm", "2.0", "HIGH", {}),
    ("origin", "bookworm", "2.0", "HIGH", {}),
    ("unfixed", "bookworm", "", "HIGH", {}),
    ("withdrawn", "bookworm", "2.0", "HIGH", {"withdrawn": "2026-05-02T00:00:00Z"}),
    ("elsewhere", "jammy", "2.0", "HIGH", {}),
    ("release", "almalinux9", "0:2.0-3.el9_4", "HIGH", {}),
    ("raised", "almalinux9", "1:1.0-1", "HIGH", {}),
)
"""Name, distribution, first version without the fault, severity, more of the record."""


@dataclass(frozen=True)
class Row:
    """An upload, and what becomes of it."""

    name: str
    suite: str
    version: str
    status: str
    fields: dict[str, str] = field(default_factory=dict)
    content: bytes = b"fine\n"
    epoch: int | None = None

    def data(self) -> bytes:
        files = {f"usr/share/{self.name}": self.content}
        if self.suite != "almalinux9":
            return build_deb(self.name, self.version, files=files, fields=self.fields)
        version, _, release = self.version.partition("-")
        if self.epoch is None:
            return build_rpm(self.name, version, release, files=files)
        return build_rpm(self.name, version, release, files=files, epoch=self.epoch)

    def __str__(self) -> str:
        return f"{self.name}-{self.version}-{self.suite}"


ROWS = (
    Row("plain", "bookworm", "1.0", HELD),
    Row("plain", "bookworm", "2.0", FIXED),
    Row("plain", "jammy", "1.0", OPEN),
    Row("worst", "bookworm", "1.0", BLOCKED),
    Row("worst", "bookworm", "2.0", FIXED),
    Row("mild", "bookworm", "1.0", OPEN),
    Row("backport", "bookworm", "1.0-2", HELD),
    Row("backport", "bookworm", "1.0-2+deb12u1", FIXED),
    Row("epoch", "bookworm", "9.9", HELD),
    Row("epoch", "bookworm", "1:1.0", FIXED),
    Row("tilde", "bookworm", "2.0~rc1", HELD),
    Row("tilde", "bookworm", "2.0", FIXED),
    Row("origin-bin", "bookworm", "1.0", HELD, {"Source": "origin"}),
    Row("origin-more", "bookworm", "7.0", HELD, {"Source": "origin (1.9)"}),
    Row("origin-old", "bookworm", "1.0", FIXED, {"Source": "origin (2.0)"}),
    Row("unfixed", "bookworm", "99", HELD),
    Row("withdrawn", "bookworm", "1.0", OPEN),
    Row("elsewhere", "bookworm", "1.0", OPEN),
    Row("elsewhere", "jammy", "1.1", HELD),
    Row("release", "almalinux9", "2.0-2.el9", HELD),
    Row("release", "almalinux9", "2.0-3.el9_4", FIXED),
    Row("raised", "almalinux9", "2.0-1", HELD),
    Row("raised", "almalinux9", "1.0-1", FIXED, epoch=1),
    Row("ill", "bookworm", "1.0", "quarantined", content=EICAR),
    Row("ill-rpm", "almalinux9", "1.0-1", "quarantined", content=EICAR),
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    program = find_clamd()
    if program is None:
        pytest.skip("CLAMD IS NOT INSTALLED (Debian: clamav-daemon); every test with it is skipped")
    folder = tmp_path_factory.mktemp("verdicts")
    limits = "all=10000/minute"
    with (
        running_clamd(program, folder / "av") as clamd,
        open_office(folder, ENTREPOT_CLAMD=clamd.address, ENTREPOT_RATE_LIMITS=limits) as found,
    ):
        policy = {"critical": "block", "high": "review", "medium": "warn", "low": "allow"}
        answer = found.admin.patch("/settings", json={"cve_policy": policy})
        assert answer.status_code == 200, answer.text
        catalog = SqlCatalog(f"sqlite:///{found.server.data / 'entrepot.db'}")
        feeds = Feeds(catalog)
        for suite, context in SUITES.items():
            feeds.say(*(_record(*row) for row in ADVISED if row[1] == suite), name=context.lower().replace(":", "-"))
        catalog.close()
        yield found


def _record(name: str, suite: str, fixed: str, severity: str, more: dict[str, Any]) -> bytes:
    events = (("fixed", fixed),) if fixed else (("introduced", "0"),)
    entry = affected(SUITES[suite], name, *events)
    return osv(f"ADV-{name}", entry, database_specific={"severity": severity}, **more)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_package_gets_its_verdict(office: Office, row: Row) -> None:
    suffix = "rpm" if row.suite == "almalinux9" else "deb"
    files = {"file": (f"{row.name}.{suffix}", row.data())}
    body = office.admin.post("/upload/", files=files, data={"distribution": row.suite}).json()
    assert body["status"] == row.status, body
    version = row.version if row.epoch is None else f"{row.epoch}:{row.version}"
    told = office.admin.get(f"/artifacts/{row.name}/{version}/why", params={"distribution": row.suite}).json()
    assert told["visible"] is (row.status == "published"), told
    assert bool(told["obstacles"]) is (row.status != "published"), told
    if row.status in (HELD, BLOCKED):
        assert f"ADV-{row.name.partition('-')[0]}" in told["explanation"]
