"""Documents of rpm sources that describe packages together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from entrepot.domain.formats.rpm.updateinfo import write_updateinfo
from entrepot.domain.model.erratum import Erratum, ErratumKind, Fixed
from entrepot.domain.model.finding import Severity
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import PackageId, SuiteId
from entrepot.domain.upstream.comps import cut_comps
from entrepot.domain.upstream.updateinfo import Advisory, read_updateinfo
from entrepot.errors import UpstreamParse

MODULAR = """<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="v" status="stable" type="security" version="2">
    <id>VSA-1</id><title>a &amp; b</title><issued date="1700000000"/><updated date="2026-01-02"/>
    <severity>Critical</severity><rights>theirs</rights><description>d</description>
    <references><reference href="https://x.example/1" id="CVE-2026-1234" type="cve" title="t"/></references>
    <pkglist>
      <collection short="m"><name>M</name><module name="s" stream="1" version="2" context="c" arch="x86_64"/>
        <package name="p" version="1" release="2" epoch="3" arch="x86_64"><filename>f</filename>
          <restart_suggested>1</restart_suggested></package></collection>
      <collection short="n"><name>N</name>
        <package name="q" version="1" release="2" epoch="0" arch="noarch"><filename>f</filename></package></collection>
    </pkglist>
  </update>
  <update type="odd"><id>no name at all</id></update>
  <update type="odd"><id>VSA-2</id></update>
</updates>
"""
KEYS = [PackageKey(Format.RPM, "p", "3:1-2", "x86_64"), PackageKey(Format.RPM, "q", "1-2", "noarch")]


def erratum_of(one: Advisory) -> Erratum:
    packages = [Fixed(PackageId(number), key, "src", "f.rpm", "0" * 64) for number, key in enumerate(KEYS, 1)]
    words = (one.code, one.kind, one.severity, one.title, one.description, one.cves, one.links)
    return Erratum(
        1, SuiteId(1), *words, packages, one.issued_at, one.updated_at, "vendor", origin="vendor", extra=one.extra
    )


def test_an_advisory_is_read_and_written_with_all_that_dnf_uses() -> None:
    first, second = read_updateinfo([MODULAR.encode()], "x")
    assert (first.code, first.kind, first.severity) == ("VSA-1", ErratumKind.SECURITY, Severity.CRITICAL)
    assert (first.cves, first.links) == (["CVE-2026-1234"], ["https://x.example/1"])
    assert first.issued_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert first.packages == [("p", "3:1-2", "x86_64"), ("q", "1-2", "noarch")]
    assert (second.kind, second.title, second.severity) == (ErratumKind.ENHANCEMENT, "VSA-2", Severity.UNKNOWN)
    text = write_updateinfo([erratum_of(first)], origin="o", collection="c", trees=frozenset({"x86_64", "noarch"}))
    assert b'<update from="v" status="stable" type="security" version="2">' in text
    assert b'<module name="s" stream="1" version="2" context="c" arch="x86_64"/>' in text
    assert b"<restart_suggested>True</restart_suggested>" in text
    assert b"<rights>theirs</rights>" in text
    [again] = read_updateinfo([text], "x")
    assert (again.packages, again.extra["modules"]) == (first.packages, first.extra["modules"])
    assert (again.title, again.cves) == ("a & b", first.cves)


@pytest.mark.parametrize("text", ["<updates><update>", "<!DOCTYPE x><updates/>", "<updates>" + "<a>" * 30])
def test_what_is_no_updateinfo_is_refused(text: str) -> None:
    with pytest.raises(UpstreamParse):
        list(read_updateinfo([text.encode()], "x"))


def test_groups_are_cut_down_to_what_is_there() -> None:
    text = b"""<comps>
      <group><id>one</id><packagelist><packagereq type="default">a</packagereq><packagereq>b</packagereq>
        </packagelist></group>
      <group><id>two</id><packagelist><packagereq>b</packagereq></packagelist></group>
      <environment><id>both</id><grouplist><groupid>one</groupid><groupid>two</groupid></grouplist></environment>
      <environment><id>none</id><grouplist><groupid>two</groupid></grouplist></environment>
      <category><id>c</id><grouplist><groupid>two</groupid></grouplist></category></comps>"""
    cut = cut_comps(text, "x", {"a"}).decode()
    assert "<id>one</id>" in cut
    assert '<packagereq type="default">a</packagereq>' in cut
    assert "two" not in cut
    assert "<id>both</id>" in cut
    assert "<id>none</id>" not in cut
    assert cut_comps(text, "x", None) == text
    for bad in (b"<!DOCTYPE comps><comps/>", b"<comps>"):
        with pytest.raises(UpstreamParse):
            cut_comps(bad, "x", {"a"})
