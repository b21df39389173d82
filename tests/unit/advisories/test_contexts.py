"""Suites and the distribution that they belong to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from entrepot.domain.advisories.contexts import context_of, contexts_of, format_of
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Archive, ArchiveId, Suite, SuiteId, SuiteOptions

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def suite(codename: str, format_: Format = Format.DEB, version: str = "", **attributes: str) -> Suite:
    options = SuiteOptions(version=version, attributes=attributes)
    return Suite(SuiteId(1), Archive(ArchiveId(1), format_, "main"), codename, options, 1, 0, 0, None, 0, NOW)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (suite("bookworm"), "Debian:12"),
        (suite("bookworm-security"), "Debian:12"),
        (suite("trixie-backports"), "Debian:13"),
        (suite("jammy", version="22.04", os="ubuntu"), "Ubuntu:22.04:LTS"),
        (suite("noble-updates"), "Ubuntu:24.04:LTS"),
        (suite("oracular"), "Ubuntu:24.10"),
        (suite("production", version="12.5", os="debian"), "Debian:12"),
        (suite("production"), ""),
        (suite("production", ecosystem="Debian:12"), "Debian:12"),
        (suite("bookworm", ecosystem="none"), ""),
        (suite("stable"), ""),
        (suite("almalinux9", Format.RPM, "9", os="almalinux"), "AlmaLinux:9"),
        (suite("almalinux-9", Format.RPM), "AlmaLinux:9"),
        (suite("rocky9", Format.RPM), "Rocky Linux:9"),
        (suite("rocky-9.4", Format.RPM), "Rocky Linux:9"),
        (suite("opensuse-leap-15.6", Format.RPM), "openSUSE:Leap 15.6"),
        (suite("opensuse-leap-15.6", Format.RPM, "15.6", os="opensuse"), "openSUSE:Leap 15.6"),
        (suite("opensuse-tumbleweed", Format.RPM, "", os="opensuse"), "openSUSE:Tumbleweed"),
        (suite("sles15-sp5", Format.RPM), "SUSE:Linux Enterprise Server 15 SP5"),
        (suite("rhel9", Format.RPM), "Red Hat:enterprise_linux:9"),
        (suite("centos-stream9", Format.RPM, "9", os="centos"), ""),
        (suite("fedora", Format.RPM, "", os="fedora"), ""),
        (suite("el9", Format.RPM), ""),
    ],
)
def test_the_context_of_a_suite(found: Suite, expected: str) -> None:
    assert context_of(found) == expected


def test_further_contexts() -> None:
    assert contexts_of("Debian:12") == ("Debian:12",)
    assert contexts_of("Ubuntu:22.04:LTS") == ("Ubuntu:22.04:LTS", "Ubuntu:22.04", "Ubuntu:Pro:22.04:LTS")
    assert contexts_of("Ubuntu:24.10") == ("Ubuntu:24.10", "Ubuntu:Pro:24.10")
    assert contexts_of("Red Hat:enterprise_linux:9")[:2] == (
        "Red Hat:enterprise_linux:9",
        "Red Hat:enterprise_linux:9::baseos",
    )
    assert contexts_of("") == ()


def test_the_format_of_a_context() -> None:
    assert format_of("Ubuntu:Pro:22.04:LTS") is Format.DEB
    assert format_of("Rocky Linux:9") is Format.RPM
    assert format_of("npm") is None
