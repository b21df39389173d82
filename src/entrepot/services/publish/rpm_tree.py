"""The published tree of an rpm suite: one rpm-md repository for each basearch."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from xml.etree import ElementTree as ET

from entrepot.adapters.signing.base import Signer, Verification
from entrepot.domain.formats.rpm.documents import head, render_fragment, tail
from entrepot.domain.formats.rpm.repomd import RepomdRecord, parse_repomd, write_repomd
from entrepot.domain.formats.rpm.updateinfo import write_updateinfo
from entrepot.domain.formats.segments.codecs import CODECS
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import ALL, Listing, Suite
from entrepot.errors import EntrepotError, GenerationRefused
from entrepot.services.publish.trees import NO_EXTRAS, DocumentPlan, Extras, Measured, Shown, Tree

KINDS = ("primary", "filelists", "other")
_ROOT_FILES = ("repomd.xml", "repomd.xml.asc", "repomd.xml.key")
# A machine of this basearch installs these as well, and looks for them in its own tree.
_MULTILIB = {"x86_64": ("i386",), "s390x": ("s390",), "ppc64": ("ppc",)}
_CARRIED = {"group": "comps.xml", "modules": "modules.yaml.gz", "productid": "productid.gz"}
_COMMON = "{http://linux.duke.edu/metadata/common}"


class RpmTree:
    """Implements ``TreeWriter`` for dnf and zypper (rpm-md)."""

    format = Format.RPM

    def plan(self, suite: Suite) -> Sequence[DocumentPlan]:
        """Three documents for each basearch; noarch packages stand in each."""
        codec = next((name for name in suite.options.codecs if name in ("gz", "zst")), "gz")
        return [
            DocumentPlan(
                name=f"{component}/{architecture}/{kind}",
                component=component,
                trees=(architecture, *_MULTILIB.get(architecture, ()), ALL[Format.RPM]),
                kind=kind,
                recipe=f"{kind}-3",
                codecs=("plain", codec),
                render=partial(_render, kind),
                shown=_of_primary if kind == "primary" else _of_others,
                parse=partial(_parse, kind),
                head=partial(head, kind),
                tail=tail(kind),
            )
            for component in suite.options.components[:1]
            for architecture in suite.options.architectures
            for kind in KINDS
        ]

    def write(
        self,
        suite: Suite,
        now: datetime,
        measured: Mapping[str, Measured],
        signer: Signer,
        extras: Extras = NO_EXTRAS,
    ) -> Tree:
        """Name each packed document by its digest, list it in repomd.xml, sign that."""
        forms: dict[str, tuple[str, str]] = {}
        records: dict[str, list[RepomdRecord]] = {}
        for name, one in measured.items():
            _, architecture, kind = name.split("/")
            codec = next(codec for codec in one.forms if codec != "plain")
            packed, plain = one.forms[codec], one.forms["plain"]
            location = f"repodata/{packed.digests['sha256']}-{kind}.xml{CODECS[codec].suffix}"
            forms[f"{architecture}/{location}"] = (name, codec)
            records.setdefault(architecture, []).append(
                RepomdRecord(
                    type=kind,
                    checksum=packed.digests["sha256"],
                    open_checksum=plain.digests["sha256"],
                    size_bytes=packed.size_bytes,
                    open_size_bytes=plain.size_bytes,
                    location=location,
                    timestamp=int(now.timestamp()),
                )
            )
        bodies: dict[str, bytes] = {}
        key = signer.armored()
        for architecture, found in records.items():
            for record, body in (*_updateinfo(suite, architecture, extras, now), *_carried(extras, now)):
                bodies[f"{architecture}/{record.location}"] = body
                found.append(record)
            repomd = write_repomd(int(now.timestamp()), found)
            bodies[f"{architecture}/repodata/repomd.xml"] = repomd
            bodies[f"{architecture}/repodata/repomd.xml.asc"] = signer.detach(repomd)
            bodies[f"{architecture}/repodata/repomd.xml.key"] = key
        return Tree(forms, bodies)

    def check(
        self,
        tree: Tree,
        sizes: Mapping[str, tuple[int, str]],
        certificate: bytes,
        verification: Verification,
    ) -> None:
        """Verify each repomd.xml, then look up every document that it lists."""
        listed: set[str] = set()
        for path, body in tree.bodies.items():
            if not path.endswith("/repodata/repomd.xml"):
                continue
            base = path.removesuffix("repodata/repomd.xml")
            try:
                verification.verify_detached(certificate, body, tree.bodies[f"{path}.asc"])
                repomd = parse_repomd(body)
            except (EntrepotError, KeyError) as error:
                raise GenerationRefused(f"{path}: {error}") from error
            for record in repomd.records:
                if sizes.get(base + record.location) != (record.size_bytes, record.checksum):
                    raise GenerationRefused(f"{base}{record.location}: size or digest differ from repomd.xml")
                listed.add(base + record.location)
        served = {path for path in sizes if path.rpartition("/")[2] not in _ROOT_FILES}
        for path in sorted(served ^ listed):
            raise GenerationRefused(f"{path}: it is served but not listed in a repomd.xml, or the reverse")


def _updateinfo(suite: Suite, architecture: str, extras: Extras, now: datetime) -> Iterator[tuple[RepomdRecord, bytes]]:
    listed = frozenset((architecture, *_MULTILIB.get(architecture, ()), ALL[Format.RPM]))
    text = write_updateinfo(extras.errata, origin=suite.options.origin, collection=suite.codename, trees=listed)
    if text:
        packed = gzip.compress(text, mtime=0)
        yield _record("updateinfo", "updateinfo.xml.gz", packed, text, now), packed


def _carried(extras: Extras, now: datetime) -> Iterator[tuple[RepomdRecord, bytes]]:
    """What came along from an upstream; groups unpacked, as every client reads them so."""
    for document in extras.documents:
        name = _CARRIED.get(document.kind)
        if name is None:
            continue
        text = gzip.decompress(document.body)
        body = document.body if name.endswith(".gz") else text
        yield _record(document.kind, name, body, text, now), body


def _record(kind: str, name: str, body: bytes, text: bytes, now: datetime) -> RepomdRecord:
    digest = hashlib.sha256(body).hexdigest()
    return RepomdRecord(
        type=kind,
        checksum=digest,
        open_checksum=hashlib.sha256(text).hexdigest(),
        size_bytes=len(body),
        open_size_bytes=len(text),
        location=f"repodata/{digest}-{name}",
        timestamp=int(now.timestamp()),
    )


def _render(kind: str, listing: Listing) -> bytes:
    return render_fragment(
        kind,
        listing.fragments[kind],
        digest=listing.digest,
        size_bytes=listing.size_bytes,
        href=_href(listing),
        file_time=int(listing.added_at.timestamp()),
    )


def _href(listing: Listing) -> str:
    # As createrepo_c writes it: dnf percent-encodes by itself, and what were encoded here would be so twice.
    return listing.pool_path


def _of_primary(listing: Listing) -> Shown:
    return Shown(_href(listing), listing.size_bytes, listing.digest)


def _of_others(listing: Listing) -> Shown:
    return Shown("", 0, listing.digest)


def _parse(kind: str, text: bytes) -> Iterator[Shown]:
    """What a client sees; filelists and other name a package by its digest alone."""
    try:
        root = ET.fromstring(head(kind, 0) + text + tail(kind))  # noqa: S314 - our own text, no DOCTYPE
    except ET.ParseError as error:
        raise GenerationRefused(f"{kind}: a fresh segment is not well-formed XML") from error
    for element in root:
        if kind == "primary":
            yield _primary_entry(element)
        else:
            yield Shown("", 0, element.get("pkgid", ""))


def _primary_entry(element: ET.Element) -> Shown:
    checksum = element.find(f"{_COMMON}checksum")
    size = element.find(f"{_COMMON}size")
    location = element.find(f"{_COMMON}location")
    if checksum is None or size is None or location is None:
        raise GenerationRefused("primary: a fresh entry lacks checksum, size or location")
    return Shown(location.get("href", ""), int(size.get("package", "-1")), checksum.text or "")
