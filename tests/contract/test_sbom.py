"""Lists of software through the main API, judged by the official schemas and readers (contract 4.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.contract.people import Office, open_office
from tests.contract.sbom_judges import cyclonedx_faults, spdx_faults

from entrepot.testing.debs import build_deb
from entrepot.testing.rpms import build_rpm

SITE = "opt/tool/lib/python3/site-packages"
CARRIED = {
    f"{SITE}/requests-2.31.0.dist-info/METADATA": b"Name: requests\nVersion: 2.31.0\nLicense: Apache 2.0\n",
    "opt/tool/node_modules/@scope/left/package.json": b'{"name":"@scope/left","version":"1.0.0","license":"Odd"}',
    "opt/tool/node_modules/broken/package.json": b"{",
}

pytestmark = pytest.mark.xdist_group("sbom")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("sbom")) as found:
        upload(found, build_deb("libc6", "2.35-0ubuntu3", "amd64", fields={"Source": "glibc"}), "deb", "jammy")
        upload(found, build_deb("mta-a", "1.0", "all", fields={"Provides": "mail-agent"}), "deb", "jammy")
        nginx = {
            "Homepage": "https://nginx.org/",
            "Maintainer": 'Jane "JD" Doe <jane@example.org>',
            "Depends": "libc6 (>= 2.34), absent (>= 1) | mail-agent, libc6",
            "Description": "a server\n Of the web.",
        }
        upload(found, build_deb("nginx", "1.24.0-1", "amd64", fields=nginx), "deb", "jammy")
        upload(found, build_deb("nginx", "1.24.0-1", "arm64", fields=nginx), "deb", "jammy")
        upload(found, build_deb("nginx", "1:1.26.0~rc1", "amd64"), "deb", "noble")
        upload(found, build_rpm("libx", "2.0", "1.el9", "x86_64", provides=["libx.so.1()(64bit)"]), "rpm", "almalinux9")
        rpm = build_rpm(
            "tool",
            "1.0",
            "1.el9",
            "x86_64",
            epoch=2,
            requires=["libx.so.1()(64bit)", "(libx or liby)", "absent"],
            license="GPLv2+ and MIT",
            url="https://example.org/a b",
            files=CARRIED,
        )
        upload(found, rpm, "rpm", "almalinux9")
        yield found


@pytest.fixture(scope="module")
def auditor(office: Office) -> Iterator[httpx2.Client]:
    with office.session(office.hire(role="auditor")) as client:
        yield client


def upload(office: Office, data: bytes, kind: str, distribution: str) -> None:
    answer = office.admin.post("/upload/", files={"file": (f"x.{kind}", data)}, data={"distribution": distribution})
    assert answer.status_code == 201, answer.text


def asked(client: httpx2.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"/sbom/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in document["components"]}


def test_a_package_as_cyclonedx(auditor: httpx2.Client) -> None:
    answer = auditor.get("/sbom/nginx/1.24.0-1", params={"format": "cyclonedx", "arch": "amd64"})
    assert answer.headers["content-type"] == "application/vnd.cyclonedx+json"
    assert answer.headers["content-disposition"] == 'attachment; filename="nginx_1.24.0-1.cdx.json"'
    document = answer.json()
    assert cyclonedx_faults(document) == []
    nginx = by_name(document)["nginx"]
    assert nginx["purl"] == "pkg:deb/ubuntu/nginx@1.24.0-1?arch=amd64&distro=ubuntu-22.04"
    assert {one["alg"]: len(one["content"]) for one in nginx["hashes"]} == {"SHA-256": 64, "SHA-512": 128}
    assert nginx["supplier"]["contact"][0]["email"] == "jane@example.org"
    assert nginx["externalReferences"] == [{"type": "website", "url": "https://nginx.org/"}]
    libc = by_name(document)["libc6"]
    assert libc["purl"].endswith("distro=ubuntu-22.04&upstream=glibc")
    links = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert links["document"] == [nginx["bom-ref"]]
    assert links[nginx["bom-ref"]] == [libc["bom-ref"], by_name(document)["mta-a"]["bom-ref"]]


def test_a_package_as_spdx(auditor: httpx2.Client) -> None:
    answer = auditor.get("/sbom/tool/2:1.0-1.el9", params={"format": "spdx"})
    assert answer.headers["content-type"] == "application/spdx+json"
    assert answer.headers["content-disposition"] == 'attachment; filename="tool_2_1.0-1.el9.spdx.json"'
    document = answer.json()
    assert spdx_faults(document) == []
    tool, left, requests, libx = document["packages"]
    assert left["externalRefs"][0]["referenceLocator"] == "pkg:npm/%40scope/left@1.0.0"
    assert (requests["licenseDeclared"], left["licenseComments"]) == ("Apache-2.0", "the package says: Odd")
    assert tool["licenseDeclared"] == "GPL-2.0-or-later AND MIT"
    assert tool["supplier"] == "Organization: Package Builder (builder@example.org)"
    assert "homepage" not in tool
    [purl] = tool["externalRefs"]
    assert purl["referenceLocator"] == "pkg:rpm/almalinux/tool@1.0-1.el9?arch=x86_64&distro=almalinux-9&epoch=2"
    assert [(one["relationshipType"], one["relatedSpdxElement"]) for one in document["relationships"]] == [
        ("DESCRIBES", tool["SPDXID"]),
        ("CONTAINS", left["SPDXID"]),
        ("CONTAINS", requests["SPDXID"]),
        ("DEPENDS_ON", libx["SPDXID"]),
    ]


def test_the_same_package_has_the_same_document(auditor: httpx2.Client) -> None:
    first, second = (auditor.get("/sbom/nginx/1.24.0-1", params={"arch": "amd64"}) for _ in range(2))
    assert first.content == second.content
    other = asked(auditor, "nginx/1.24.0-1", arch="arm64")
    assert other["serialNumber"] != first.json()["serialNumber"]


def test_everything_as_cyclonedx(auditor: httpx2.Client) -> None:
    answer = auditor.get("/sbom/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="repository-full.sbom.cdx.json"'
    document = answer.json()
    assert cyclonedx_faults(document) == []
    assert len(document["components"]) == 7
    assert len({one["purl"] for one in document["components"]}) == 7
    assert auditor.get("/sbom/export").content == answer.content


def test_one_distribution_as_spdx(auditor: httpx2.Client) -> None:
    document = asked(auditor, "export", format="spdx", distribution="jammy")
    assert spdx_faults(document) == []
    assert sorted(one["name"] for one in document["packages"]) == ["libc6", "mta-a", "nginx", "nginx"]
    kinds = [one["relationshipType"] for one in document["relationships"]]
    # The arm64 package finds no libc6 of its architecture.
    assert (kinds.count("DESCRIBES"), kinds.count("DEPENDS_ON")) == (4, 3)


def test_an_empty_distribution_is_a_document_too(auditor: httpx2.Client) -> None:
    assert cyclonedx_faults(asked(auditor, "export", distribution="bookworm")) == []


@pytest.mark.parametrize("format_", ["cyclonedx", "spdx"])
def test_a_preview_is_a_whole_document(auditor: httpx2.Client, format_: str) -> None:
    body = asked(auditor, "preview", format=format_, distribution="jammy", limit=2)
    assert (body["format"], body["distribution"]) == (format_, "jammy")
    assert (body["total"], body["limit"], body["truncated"]) == (4, 2, True)
    document = body["document"]
    assert (cyclonedx_faults if format_ == "cyclonedx" else spdx_faults)(document) == []
    assert len(document["components" if format_ == "cyclonedx" else "packages"]) == 2
    assert asked(auditor, "preview", distribution="noble")["truncated"] is False


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("export?format=xml", 400),
        ("export?distribution=nowhere", 400),
        ("preview?limit=0", 422),
        ("preview?limit=101", 422),
        ("preview?format=", 400),
        ("nginx/1.24.0-1?format=swid", 400),
        ("nginx/9.9", 404),
        ("nginx/1.24.0-1?arch=s390x", 404),
        ("nginx/1.24.0-1?arch=../..", 404),
        ("nginx/1.24.0-1?distribution=noble", 404),
        ("..%2F..%2Fetc/passwd", 404),
    ],
)
def test_what_makes_no_sense_is_refused(auditor: httpx2.Client, path: str, status: int) -> None:
    assert auditor.get(f"/sbom/{path}").status_code == status


def test_an_uploader_may_not_ask(office: Office) -> None:
    with office.session(office.hire(role="uploader")) as client:
        assert client.get("/sbom/export").status_code == 403


def test_what_is_gone_is_not_listed_and_what_waits_has_a_document(office: Office, auditor: httpx2.Client) -> None:
    upload(office, build_deb("passing", "1.0"), "deb", "focal")
    assert asked(auditor, "preview", distribution="focal")["total"] == 1
    assert office.admin.delete("/artifacts/passing/1.0").status_code == 200
    assert asked(auditor, "preview", distribution="focal")["total"] == 0
    assert auditor.get("/sbom/passing/1.0").status_code == 404
    held = build_deb("odd", "1.0", fields={"Essential": "yes"})
    office.admin.post("/upload/", files={"file": ("x.deb", held)}, data={"distribution": "focal"})
    document = asked(auditor, "odd/1.0")
    assert cyclonedx_faults(document) == []
    assert asked(auditor, "preview", distribution="focal")["total"] == 0


def test_what_a_package_carries_is_inside_of_it(auditor: httpx2.Client) -> None:
    document = asked(auditor, "tool/2:1.0-1.el9")
    assert cyclonedx_faults(document) == []
    tool = by_name(document)["tool"]
    left, requests = tool["components"]
    assert (requests["purl"], requests["licenses"]) == ("pkg:pypi/requests@2.31.0", [{"license": {"id": "Apache-2.0"}}])
    assert left["licenses"] == [{"license": {"name": "Odd"}}]
    assert requests["evidence"] == {"occurrences": [{"location": f"{SITE}/requests-2.31.0.dist-info/METADATA"}]}
    [word] = [one["value"] for one in tool["properties"] if one["name"] == "entrepot:inventory"]
    assert word.startswith("incomplete: opt/tool/node_modules/broken/package.json: ")
    # In the list of everything it is the same, and a need has it only as what it is itself.
    whole = asked(auditor, "export", distribution="almalinux9")
    assert by_name(whole)["tool"]["components"] == tool["components"]
    assert "components" not in by_name(document)["libx"]
