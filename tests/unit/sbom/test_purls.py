"""Package URLs, with the library of the specification as judge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Archive, ArchiveId, Suite, SuiteId, SuiteOptions
from entrepot.domain.sbom.purls import package_purl, purl


def suite(format_: Format, codename: str, system: str = "", version: str = "") -> Suite:
    options = SuiteOptions(version=version, attributes={"os": system})
    archive = Archive(ArchiveId(1), format_, "main")
    return Suite(SuiteId(1), archive, codename, options, 1, 1, 1, None, 0, datetime(2026, 1, 1, tzinfo=UTC))


JAMMY = suite(Format.DEB, "jammy", "ubuntu", "22.04")
ALMA = suite(Format.RPM, "almalinux9", "almalinux", "9")


@pytest.mark.parametrize(
    ("key", "where", "source", "wanted"),
    [
        (
            PackageKey(Format.DEB, "nginx", "1.24.0-1", "amd64"),
            JAMMY,
            "nginx",
            "pkg:deb/ubuntu/nginx@1.24.0-1?arch=amd64&distro=ubuntu-22.04",
        ),
        (
            PackageKey(Format.DEB, "libstdc++6", "1:12.2.0-14+deb12u1~x", "amd64"),
            suite(Format.DEB, "bookworm", "debian", "12"),
            "gcc-12",
            "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1~x?arch=amd64&distro=debian-12&upstream=gcc-12",
        ),
        (
            PackageKey(Format.RPM, "NetworkManager", "1:1.46.0-4.el9", "x86_64"),
            ALMA,
            "NetworkManager",
            "pkg:rpm/almalinux/NetworkManager@1.46.0-4.el9?arch=x86_64&distro=almalinux-9&epoch=1",
        ),
        (
            PackageKey(Format.RPM, "a", "1-1", "noarch"),
            suite(Format.RPM, "oraclelinux9", "oraclelinux", "9"),
            "a",
            "pkg:rpm/ol/a@1-1?arch=noarch&distro=ol-9",
        ),
        (
            PackageKey(Format.RPM, "a", "1-1", "noarch"),
            suite(Format.RPM, "opensuse-leap-15.6", "opensuse", "15.6"),
            "a",
            "pkg:rpm/opensuse/a@1-1?arch=noarch&distro=opensuse-leap-15.6",
        ),
        (
            PackageKey(Format.DEB, "tool", "1.0", "all"),
            suite(Format.DEB, "inhouse"),
            "tool",
            "pkg:deb/tool@1.0?arch=all&distro=inhouse",
        ),
    ],
)
def test_a_package_has_the_url_that_every_tool_knows_it_by(
    key: PackageKey, where: Suite, source: str, wanted: str
) -> None:
    found = package_purl(key, where, source)
    assert found == wanted
    assert PackageURL.from_string(found).to_string() == found


def test_without_a_suite_nothing_is_said_of_a_system() -> None:
    key = PackageKey(Format.DEB, "nginx", "1.0", "all")
    assert package_purl(key, None) == "pkg:deb/nginx@1.0?arch=all"
    assert package_purl(replace(key, name="NGINX"), None) == "pkg:deb/nginx@1.0?arch=all"


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20).filter(
    lambda text: text.strip().strip("/") == text
)


# Of a slash in a version or a qualifier releases of the library say different things; ours is encoded everywhere.
_WORD = _TEXT.filter(lambda text: "/" not in text)


@given(_WORD, _WORD, _WORD)
def test_any_text_is_encoded_as_the_library_does(name: str, version: str, value: str) -> None:
    ours = purl("generic", "", name, version, {"arch": value})
    assert ours == PackageURL("generic", None, name, version, {"arch": value}).to_string()
