"""updateinfo.xml: what dnf and zypper know of updates besides their versions (``dnf updateinfo``, ``--security``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from entrepot.domain.formats.rpm.architecture import BASE_ARCHITECTURES
from entrepot.domain.formats.rpm.markup import attribute, element
from entrepot.domain.model.erratum import Erratum, Fixed
from entrepot.domain.model.finding import Severity

# The words of Red Hat's ratings, which dnf compares with --sec-severity.
_RATINGS = {
    Severity.CRITICAL: "Critical",
    Severity.HIGH: "Important",
    Severity.MEDIUM: "Moderate",
    Severity.LOW: "Low",
    Severity.NEGLIGIBLE: "Low",
    Severity.UNKNOWN: "None",
}
_CVE_PAGE = "https://www.cve.org/CVERecord?id="


def write_updateinfo(errata: Iterable[Erratum], *, origin: str, collection: str, trees: frozenset[str]) -> bytes:
    """The document of a repository that lists packages of these base architectures: errata in the order given.

    Errata without such a package are left out; empty when none is left.
    """
    lines = [
        line
        for erratum in errata
        if (packages := [one for one in erratum.packages if BASE_ARCHITECTURES.get(one.key.architecture) in trees])
        for line in _update(erratum, packages, origin, collection)
    ]
    if not lines:
        return b""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<updates>", *lines, "</updates>", ""]).encode()


def _update(erratum: Erratum, packages: Sequence[Fixed], origin: str, collection: str) -> Iterator[str]:
    extra = erratum.extra
    sender, status = attribute(str(extra.get("from") or origin)), attribute(str(extra.get("status") or "final"))
    version = attribute(str(extra.get("version") or "1"))
    yield f'  <update from="{sender}" status="{status}" type="{erratum.kind.value}" version="{version}">'
    yield f"    {element('id', erratum.code)}"
    yield f"    {element('title', erratum.title)}"
    yield f'    <issued date="{_date(erratum.issued_at)}"/>'
    yield f'    <updated date="{_date(erratum.updated_at)}"/>'
    yield f"    {element('severity', _RATINGS[erratum.severity])}"
    if extra.get("rights"):
        yield f"    {element('rights', extra['rights'])}"
    yield f"    {element('release', str(extra.get('release') or collection))}"
    yield f"    {element('summary', str(extra.get('summary') or erratum.title))}"
    yield f"    {element('description', erratum.description)}"
    if extra.get("solution"):
        yield f"    {element('solution', extra['solution'])}"
    yield "    <references>"
    yield from _references(erratum)
    yield "    </references>"
    yield "    <pkglist>"
    for number, (module, members) in enumerate(_by_module(erratum, packages)):
        yield f'      <collection short="{attribute(collection)}{f"-{number}" if number else ""}">'
        yield f"        {element('name', collection)}"
        if module:
            words = " ".join(f'{name}="{attribute(value)}"' for name, value in module.items())
            yield f"        <module {words}/>"
        for package in members:
            yield from _package(package, extra.get("suggested", {}).get(str(package.key), ()))
        yield "      </collection>"
    yield "    </pkglist>"
    yield "  </update>"


def _references(erratum: Erratum) -> Iterator[str]:
    """As they were written where it came from; of our own, CVEs first."""
    if "references" in erratum.extra:
        for one in erratum.extra["references"]:
            words = (f'{name}="{attribute(one[name])}"' for name in ("href", "id", "type", "title") if name in one)
            yield f"      <reference {' '.join(words)}/>"
        return
    for cve in erratum.cves:
        yield _reference(_CVE_PAGE + cve, cve, "cve")
    for link in erratum.links:
        yield _reference(link, link, "other")


def _by_module(erratum: Erratum, packages: Sequence[Fixed]) -> Iterator[tuple[Mapping[str, str], Sequence[Fixed]]]:
    """Packages of one module stand together: whoever has not enabled it is not concerned."""
    rest = list(packages)
    for module, keys in erratum.extra.get("modules", ()):
        members = [one for one in rest if str(one.key) in keys]
        rest = [one for one in rest if str(one.key) not in keys]
        if members:
            yield module, members
    if rest:
        yield {}, rest


def _reference(href: str, name: str, kind: str) -> str:
    word = attribute(name)
    return f'      <reference href="{attribute(href)}" id="{word}" type="{kind}" title="{word}"/>'


def _package(package: Fixed, suggested: Iterable[str] = ()) -> Iterator[str]:
    epoch, version, release = evr(package.key.version)
    parts = {
        "name": package.key.name,
        "version": version,
        "release": release,
        "epoch": epoch,
        "arch": package.key.architecture,
        "src": package.source,
    }
    yield "        <package " + " ".join(f'{name}="{attribute(value)}"' for name, value in parts.items()) + ">"
    yield f"          {element('filename', package.filename)}"
    yield f'          <sum type="sha256">{package.digest}</sum>'
    for word in suggested:
        yield f"          <{word}>True</{word}>"
    yield "        </package>"


def evr(version: str) -> tuple[str, str, str]:
    """``[epoch:]version-release`` in its parts; the epoch is 0 where none is written."""
    epoch, colon, rest = version.partition(":")
    upstream, _, release = (rest if colon else version).rpartition("-")
    return epoch if colon else "0", upstream, release


def _date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
