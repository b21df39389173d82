"""Package and distribution against what publishers say: the verdict that a person would give."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from entrepot.domain.advisories.matching import Sought, findings_of, names_of
from entrepot.domain.advisories.osv import read_osv
from entrepot.domain.advisories.sources import source_of
from entrepot.domain.model.finding import Finding, FixState, Severity
from entrepot.domain.model.package import Format, PackageKey
from entrepot.testing.advisories import affected, osv

BOOKWORM, JAMMY, ALMA, ROCKY, LEAP = (
    "Debian:12",
    "Ubuntu:22.04:LTS",
    "AlmaLinux:9",
    "Rocky Linux:9",
    "openSUSE:Leap 15.6",
)


def deb(name: str, version: str, source: str = "", source_version: str = "", context: str = BOOKWORM) -> Sought:
    key = PackageKey(Format.DEB, name, version, "amd64")
    return Sought(key, source or name, source_version or version, context)


def rpm(name: str, version: str, source: str = "", context: str = ALMA) -> Sought:
    return Sought(PackageKey(Format.RPM, name, version, "x86_64"), source or name, version, context)


def found(sought: Sought, *records: bytes) -> list[Finding]:
    return findings_of(sought, [read_osv(record) for record in records])


def ids(sought: Sought, *records: bytes) -> list[str]:
    return [finding.id for finding in found(sought, *records)]


OPENSSL = osv(
    "DEBIAN-CVE-2026-1000",
    affected(BOOKWORM, "openssl", ("fixed", "3.0.11-1~deb12u2"), urgency="not yet assigned"),
    affected("Debian:13", "openssl", ("fixed", "3.2.1-1")),
    upstream=["CVE-2026-1000"],
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
)
EPOCH = osv("DEBIAN-CVE-2026-1001", affected(BOOKWORM, "vim", ("fixed", "2:9.0.1378-2+deb12u1")))
TILDE = osv("DEBIAN-CVE-2026-1002", affected(BOOKWORM, "tool", ("fixed", "1.0")))
UNFIXED = osv("DEBIAN-CVE-2026-1003", affected(BOOKWORM, "glibc", urgency="unimportant"))
LAST = osv("DEBIAN-CVE-2026-1004", affected(BOOKWORM, "lasting", ("last_affected", "1.4-1")))
MIDDLE = osv("DEBIAN-CVE-2026-1005", affected(BOOKWORM, "middle", ("introduced", "2.0"), ("fixed", "2.3-1")))
TWICE = osv(
    "DEBIAN-CVE-2026-1006",
    affected(BOOKWORM, "twice", ("introduced", "3.0"), ("fixed", "3.1"), ("introduced", "1.0"), ("fixed", "1.1")),
)
NEVER = osv("DEBIAN-CVE-2026-1007", affected(BOOKWORM, "never", ("fixed", "0")))
LISTED = osv("DEBIAN-CVE-2026-1008", affected(BOOKWORM, "listed", versions=["1.0-1", "1.0-2"]))
WITHDRAWN = osv(
    "DEBIAN-CVE-2026-1009",
    affected(BOOKWORM, "glibc"),
    withdrawn="2026-05-01T00:00:00Z",
    modified="2026-05-01T00:00:00Z",
)
FIREFOX = osv(
    "ALSA-2026:1010",
    affected(ALMA, "firefox", ("fixed", "128.12.0-1.el9_6")),
    affected(ALMA, "firefox-x11", ("fixed", "128.12.0-1.el9_6")),
    summary="Important: firefox security update",
    related=["CVE-2026-2001", "CVE-2026-2002"],
)
MODULAR = osv(
    "ALSA-2026:1011",
    affected("AlmaLinux:8", "nodejs", ("fixed", "1:18.19.0-1.module_el8.9.0+3713+d6d0b4a6")),
    summary="Moderate: nodejs:18 security update",
    related=["CVE-2026-2003"],
)
ROCKY_EPOCH = osv(
    "RLSA-2026:1012",
    affected(ROCKY, "python3.12-lxml", ("fixed", "0:4.9.3-2.el9_8.1")),
    summary="Important: python3.12-lxml security update",
    upstream=["CVE-2026-2004"],
)
SUSE = osv("openSUSE-SU-2026:1013-1", affected(LEAP, "libqt", ("fixed", "6.4.2-lp156.2.1")), upstream=["CVE-2026-2005"])


@pytest.mark.parametrize(
    ("sought", "record", "vulnerable"),
    [
        pytest.param(deb("openssl", "3.0.9-1"), OPENSSL, True, id="older"),
        pytest.param(deb("openssl", "3.0.11-1~deb12u2"), OPENSSL, False, id="fixed by a backport"),
        pytest.param(deb("openssl", "3.0.11-1~deb12u1"), OPENSSL, True, id="the update before"),
        pytest.param(deb("openssl", "3.0.11-1"), OPENSSL, False, id="a tilde is older than nothing"),
        pytest.param(deb("libssl3", "3.0.9-1", "openssl"), OPENSSL, True, id="binary of another name"),
        pytest.param(deb("libssl3", "3.0.9-1+b1", "openssl", "3.0.9-1"), OPENSSL, True, id="built again"),
        pytest.param(deb("libssl3", "9", "openssl", "3.0.9-1"), OPENSSL, True, id="the version of the source counts"),
        pytest.param(deb("openssl", "3.0.9-1", "openssl-tools"), OPENSSL, False, id="name of a binary, other source"),
        pytest.param(deb("openssl", "3.0.9-1", context="Debian:11"), OPENSSL, False, id="other distribution"),
        pytest.param(deb("openssl", "3.0.11-1~deb12u2", context="Debian:13"), OPENSSL, True, id="fixed later there"),
        pytest.param(deb("openssl", "3.0.9-1", context=""), OPENSSL, False, id="no distribution"),
        pytest.param(deb("vim", "2:9.0.1378-2"), EPOCH, True, id="epoch, older"),
        pytest.param(deb("vim", "2:9.0.1378-2+deb12u1"), EPOCH, False, id="epoch, fixed"),
        pytest.param(deb("vim", "9.1"), EPOCH, True, id="no epoch is older than any"),
        pytest.param(deb("tool", "1.0~rc1"), TILDE, True, id="candidate of the fixed one"),
        pytest.param(deb("tool", "1.0-1"), TILDE, False, id="fixed, with a revision"),
        pytest.param(deb("libc6", "99", "glibc"), UNFIXED, True, id="no fix"),
        pytest.param(deb("lasting", "1.4-1"), LAST, True, id="the last one"),
        pytest.param(deb("lasting", "1.4-2"), LAST, False, id="behind the last one"),
        pytest.param(deb("middle", "1.9"), MIDDLE, False, id="before it came"),
        pytest.param(deb("middle", "2.0"), MIDDLE, True, id="when it came"),
        pytest.param(deb("middle", "2.3-1"), MIDDLE, False, id="after it went"),
        pytest.param(deb("twice", "1.0.5"), TWICE, True, id="first of two ranges, told backwards"),
        pytest.param(deb("twice", "2.0"), TWICE, False, id="between them"),
        pytest.param(deb("twice", "3.0-1"), TWICE, True, id="second of them"),
        pytest.param(deb("never", "1.0"), NEVER, False, id="not affected"),
        pytest.param(deb("listed", "1.0-2"), LISTED, True, id="listed"),
        pytest.param(deb("listed", "1.0-3"), LISTED, False, id="not listed"),
        pytest.param(deb("libc6", "2.36-9", "glibc"), WITHDRAWN, False, id="withdrawn"),
        pytest.param(rpm("firefox-x11", "128.11.0-1.el9_6", "firefox"), FIREFOX, True, id="binary that is listed"),
        pytest.param(rpm("firefox-langpacks", "128.11.0-1.el9", "firefox"), FIREFOX, True, id="binary that is not"),
        pytest.param(rpm("firefox", "128.12.0-1.el9_6"), FIREFOX, False, id="rpm, fixed"),
        pytest.param(rpm("firefox", "128.12.0-1.el9"), FIREFOX, True, id="rpm, the release before"),
        pytest.param(
            rpm("nodejs", "1:16.20.2-3.el8", context="AlmaLinux:8"), MODULAR, False, id="module, package outside"
        ),
        pytest.param(
            rpm("nodejs", "1:18.18.2-1.module_el8.9.0+3700+aaaaaaaa", context="AlmaLinux:8"),
            MODULAR,
            True,
            id="module, package of a module",
        ),
        pytest.param(rpm("python3.12-lxml", "4.9.3-2.el9", context=ROCKY), ROCKY_EPOCH, True, id="epoch 0 is written"),
        pytest.param(rpm("python3.12-lxml", "4.9.3-2.el9_8.1", context=ROCKY), ROCKY_EPOCH, False, id="and is none"),
        pytest.param(rpm("libqt6", "6.4.2-lp156.1.9", "libqt", LEAP), SUSE, True, id="source name of SUSE"),
        pytest.param(rpm("libqt", "6.4.2-lp156.1.9", "other", LEAP), SUSE, False, id="not a binary name there"),
    ],
)
def test_the_verdict_on_a_package(sought: Sought, record: bytes, vulnerable: bool) -> None:
    assert bool(found(sought, record)) is vulnerable


def test_what_a_finding_says() -> None:
    [finding] = found(deb("libssl3", "3.0.9-1", "openssl"), OPENSSL)
    assert (finding.id, finding.package, finding.version) == ("CVE-2026-1000", "openssl", "3.0.9-1")
    assert (finding.fix_state, finding.fix_versions) == (FixState.FIXED, ("3.0.11-1~deb12u2",))
    assert (finding.severity, finding.cvss) == (Severity.CRITICAL, 9.8)
    assert finding.aliases == ("DEBIAN-CVE-2026-1000",)
    assert finding.urls == ("https://advisories.example/DEBIAN-CVE-2026-1000",)
    assert finding.summary == "Something is wrong."
    assert finding.engine == "osv"


@pytest.mark.parametrize(
    ("sought", "record", "state", "fixes"),
    [
        (deb("libc6", "99", "glibc"), UNFIXED, FixState.NOT_FIXED, ()),
        (deb("lasting", "1.0"), LAST, FixState.UNKNOWN, ()),
        (deb("listed", "1.0-1"), LISTED, FixState.UNKNOWN, ()),
        (deb("twice", "1.0.5"), TWICE, FixState.FIXED, ("1.1",)),
        (deb("twice", "3.0"), TWICE, FixState.FIXED, ("3.1",)),
    ],
)
def test_fixed_not_fixed_and_unknown_are_told_apart(
    sought: Sought, record: bytes, state: FixState, fixes: Sequence[str]
) -> None:
    [finding] = found(sought, record)
    assert (finding.fix_state, finding.fix_versions) == (state, tuple(fixes))


def test_an_advisory_about_several_gives_one_for_each() -> None:
    findings = found(rpm("firefox", "100.0-1.el9"), FIREFOX)
    assert [(one.id, one.severity) for one in findings] == [
        ("CVE-2026-2001", Severity.HIGH),
        ("CVE-2026-2002", Severity.HIGH),
    ]
    assert all(one.aliases == ("ALSA-2026:1010",) for one in findings)


def test_several_advisories_about_one_give_one() -> None:
    dsa = osv(
        "DSA-5555-1",
        affected(BOOKWORM, "openssl", ("fixed", "3.0.11-1~deb12u3")),
        upstream=["CVE-2026-1000", "CVE-2026-1999"],
        summary="openssl security update",
    )
    findings = {one.id: one for one in found(deb("openssl", "3.0.9-1"), OPENSSL, dsa)}
    assert set(findings) == {"CVE-2026-1000", "CVE-2026-1999"}
    assert findings["CVE-2026-1000"].aliases == ("DEBIAN-CVE-2026-1000", "DSA-5555-1")
    assert findings["CVE-2026-1000"].severity is Severity.CRITICAL
    assert findings["CVE-2026-1000"].fix_versions == ("3.0.11-1~deb12u2", "3.0.11-1~deb12u3")


def test_the_same_record_from_two_feeds_counts_once() -> None:
    assert ids(deb("openssl", "3.0.9-1"), OPENSSL, OPENSSL) == ["CVE-2026-1000"]


def test_words_of_distributions_come_before_scores() -> None:
    vector = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    entry = affected(JAMMY, "a", ubuntu_priority="low")
    [ubuntu] = found(deb("a", "1", context=JAMMY), osv("UBUNTU-CVE-2026-3000", entry, severity=vector))
    assert (ubuntu.severity, ubuntu.cvss) == (Severity.LOW, 9.8)
    [newer] = found(
        deb("a", "1", context=JAMMY),
        osv("UBUNTU-CVE-2026-3000", affected(JAMMY, "a"), severity=[*vector, {"type": "Ubuntu", "score": "medium"}]),
    )
    assert newer.severity is Severity.MEDIUM
    [debian] = found(deb("libc6", "1", "glibc"), UNFIXED)
    assert debian.severity is Severity.NEGLIGIBLE


def test_a_vector_that_has_no_formula_leaves_the_severity_unknown() -> None:
    vector = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    [finding] = found(
        deb("a", "1"),
        osv("DEBIAN-CVE-2026-3001", affected(BOOKWORM, "a"), severity=[{"type": "CVSS_V4", "score": vector}]),
    )
    assert (finding.severity, finding.cvss, finding.cvss_vector) == (Severity.UNKNOWN, None, vector)


def test_extended_support_speaks_only_where_the_distribution_is_silent() -> None:
    both = osv(
        "UBUNTU-CVE-2026-3002",
        affected(JAMMY, "a"),
        affected("Ubuntu:Pro:22.04:LTS", "a", ("fixed", "1.0-1ubuntu0.1~esm1")),
        affected("Ubuntu:Pro:22.04:LTS", "b", ("fixed", "1.0-1ubuntu0.1~esm1")),
    )
    [one] = found(deb("a", "1.0-1", context=JAMMY), both)
    assert (one.fix_state, one.fix_versions) == (FixState.NOT_FIXED, ())
    [other] = found(deb("b", "1.0-1", context=JAMMY), both)
    assert (other.fix_state, other.fix_versions) == (FixState.FIXED, ("1.0-1ubuntu0.1~esm1",))


def test_the_binary_s_own_line_decides_over_that_of_its_source() -> None:
    record = osv(
        "ALSA-2026:3003",
        affected(ALMA, "bind", ("fixed", "32:9.16.23-20.el9")),
        affected(ALMA, "bind-libs", ("fixed", "32:9.16.23-10.el9")),
        related=["CVE-2026-3003"],
    )
    assert ids(rpm("bind-utils", "32:9.16.23-15.el9", "bind"), record) == ["CVE-2026-3003"]
    assert ids(rpm("bind-libs", "32:9.16.23-15.el9", "bind"), record) == []


def test_a_fix_without_a_release_means_all_releases() -> None:
    record = osv("RLSA-2026:3004", affected(ROCKY, "a", ("fixed", "1.2.3")), upstream=["CVE-2026-3004"])
    assert ids(rpm("a", "1.2.3-1.el9", context=ROCKY), record) == []
    assert ids(rpm("a", "1.2.2-9.el9", context=ROCKY), record) == ["CVE-2026-3004"]


def test_names_by_publisher() -> None:
    assert names_of(deb("libssl3", "1", "openssl")) == ("openssl",)
    assert names_of(rpm("bind-libs", "1-1", "bind")) == ("bind-libs", "bind")
    assert names_of(rpm("bind", "1-1", "bind")) == ("bind",)
    assert names_of(rpm("libqt6", "1-1", "libqt", LEAP)) == ("libqt",)


def test_binaries_of_one_source_share_what_is_known_of_it() -> None:
    assert deb("libssl3", "1", "openssl").identity == deb("openssl", "1", "openssl").identity
    assert rpm("bind-libs", "1-1", "bind").identity != rpm("bind", "1-1", "bind").identity


@pytest.mark.parametrize(
    ("key", "fragment", "expected"),
    [
        (PackageKey(Format.DEB, "a", "1-2", "all"), b"Package: a\nVersion: 1-2\n", ("a", "1-2")),
        (PackageKey(Format.DEB, "a", "1-2", "all"), b"Package: a\nSource: b\nVersion: 1-2\n", ("b", "1-2")),
        (PackageKey(Format.DEB, "a", "5", "all"), b"Package: a\nSource: b (2:1-2)\nVersion: 5\n", ("b", "2:1-2")),
        (PackageKey(Format.DEB, "a", "1-2+b3", "all"), b"Package: a\nVersion: 1-2+b3\n", ("a", "1-2")),
        (
            PackageKey(Format.DEB, "a", "1-2", "all"),
            b"Package: a\nDescription: x\n Source: trick (9)\nVersion: 1-2\n",
            ("a", "1-2"),
        ),
        (
            PackageKey(Format.RPM, "bind-libs", "32:9.16-1.el9", "x86_64"),
            b"<rpm:sourcerpm>bind-9.16-1.el9.src.rpm</rpm:sourcerpm>",
            ("bind", "32:9.16-1.el9"),
        ),
        (PackageKey(Format.RPM, "a", "1-1", "noarch"), b"<rpm:sourcerpm></rpm:sourcerpm>", ("a", "1-1")),
    ],
)
def test_the_source_comes_from_the_text_of_the_index(key: PackageKey, fragment: bytes, expected: object) -> None:
    assert source_of(key, fragment) == expected
