"""What users of package repositories suffered from elsewhere, as clients see it here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm

_MISSING = missing_programs("apt-get", "dpkg", "dnf", "rpm")
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(bool(_MISSING), reason=f"NOT INSTALLED HERE: {', '.join(_MISSING)}"),
]

NewSuite = Callable[..., str]


def apt_of(folder: Path, maintainer: Maintainer, suite: str) -> AptRoot:
    apt = AptRoot(folder / "apt", architectures=("amd64", "arm64"))
    apt.add_source(maintainer.sources(suite), suite)
    apt.update().checked()
    return apt


def dnf_of(folder: Path, maintainer: Maintainer, suite: str) -> DnfRoot:
    dnf = DnfRoot(folder / "dnf")
    dnf.add_repo(maintainer.repo(suite), suite)
    return dnf


def test_a_deb_without_a_section_is_published(tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
    suite = new_suite()
    package = build_deb("plain", "1.0", fields={"Section": ""})
    assert maintainer.push(package, suite)["status"] == "published"
    apt_of(tmp_path, maintainer, suite).install("plain").checked()


def test_a_version_is_removed_and_its_longer_namesakes_stay(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite()
    for name, version in (("foo", "1.9"), ("foo", "1.10"), ("mod", "1"), ("mod-ssl", "1"), ("python3-devel", "3")):
        maintainer.push(build_deb(name, version), suite)
    maintainer.push(build_deb("python3", "3"), suite)
    maintainer.remove("foo", "1.9", suite)
    maintainer.remove("mod", distribution=suite)
    maintainer.remove("python3", distribution=suite)
    apt = apt_of(tmp_path, maintainer, suite)
    assert apt.versions("foo") == ["1.10"]
    assert (apt.candidate("mod"), apt.candidate("mod-ssl")) == (None, "1")
    assert (apt.candidate("python3"), apt.candidate("python3-devel")) == (None, "3")


def test_the_newest_version_is_the_one_that_the_format_calls_newest(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    debs, rpms = new_suite(), new_suite("rpm")
    for version in ("1.9", "1.10", "1.10~rc1", "1:0.1"):
        maintainer.push(build_deb("order-deb", version), debs)
    for version in ("1.9", "1.10", "1.10~rc1"):
        maintainer.push(build_rpm("order-rpm", version), rpms)
    assert maintainer.client.get("/artifacts/order-deb").json()["info"]["latest"] == "1:0.1"
    assert maintainer.client.get("/artifacts/order-rpm").json()["info"]["latest"] == "1.10-1"
    assert apt_of(tmp_path, maintainer, debs).candidate("order-deb") == "1:0.1"
    dnf = dnf_of(tmp_path, maintainer, rpms)
    dnf.install("order-rpm").checked()
    assert dnf.installed() == {"order-rpm": "1.10-1"}


def test_architectures_of_one_version_stand_beside_each_other(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite = new_suite(architectures=["amd64", "arm64"])
    for architecture in ("amd64", "arm64"):
        maintainer.push(build_deb("twofold", "1.0", architecture), suite)
    apt = apt_of(tmp_path, maintainer, suite)
    assert len(apt.download("twofold:amd64", "twofold:arm64")) == 2
    [version] = maintainer.client.get("/artifacts/twofold/versions").json()["versions"][:1]
    assert version["version"] == "1.0"


def test_an_rpm_that_is_approved_reaches_dnf_and_one_that_is_rejected_or_removed_does_not(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    suite, client = new_suite("rpm"), maintainer.client
    dnf = dnf_of(tmp_path, maintainer, suite)
    for name in ("good", "bad"):
        held = build_rpm(f"{name}-rpm", obsoletes=["bash"])
        answer = client.post("/upload", files={"file": ("x.rpm", held)}, data={"distribution": suite})
        assert answer.json()["status"] == "pending_review", answer.text
    maintainer.push(build_rpm("passing-rpm"), suite)
    for name, decision in (("good", "approve"), ("bad", "reject")):
        path = f"/security/packages/{name}-rpm/1.0-1/decide"
        assert client.post(path, json={"decision": decision, "justification": "looked at"}).status_code == 200
    maintainer.remove("passing-rpm", distribution=suite)
    dnf.makecache().checked()
    assert dnf.available() == ["good-rpm-0:1.0-1.noarch"]


def test_promotion_takes_the_version_that_was_named_and_refuses_names_that_are_not_there(
    tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
) -> None:
    source, target = new_suite(), new_suite()
    for version in ("1.0", "2.0"):
        maintainer.push(build_deb("exact", version), source)
    maintainer.promote("exact", source, target, "1.0")
    assert apt_of(tmp_path, maintainer, target).versions("exact") == ["1.0"]
    body = {"package": "nobody-made-this", "from_dist": source, "to_dist": target}
    assert maintainer.client.post("/distributions/promote", json=body).status_code == 404
    body = {"package": "exact", "version": "3.0", "from_dist": source, "to_dist": target}
    assert maintainer.client.post("/distributions/promote", json=body).status_code == 404


def test_a_scanner_that_is_absent_is_never_called_clean(maintainer: Maintainer, new_suite: NewSuite) -> None:
    pipeline = maintainer.push(build_deb("unscanned", "1.0"), new_suite())["pipeline"]
    assert (pipeline["antivirus"], pipeline["cve_scan"]) == ("skipped", "skipped")
    summary = maintainer.client.get("/artifacts/unscanned/1.0").json()["cve_summary"]
    assert summary["scanned"] is False
