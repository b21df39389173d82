"""The published tree of an apt suite: Packages per component and architecture, Release files, signatures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from entrepot.adapters.signing.base import Signer, Verification
from entrepot.domain.formats.deb.contents_index import contents_entries, owner_word, parse_contents
from entrepot.domain.formats.deb.errata_feed import write_errata
from entrepot.domain.formats.deb.packages_index import parse_entries, stanza
from entrepot.domain.formats.deb.release import ReleaseFields, ReleaseFile, write_component_release, write_release
from entrepot.domain.formats.deb.release_reader import parse_release
from entrepot.domain.formats.segments.codecs import CODECS
from entrepot.domain.formats.segments.cut import Entry
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import ALL, Listing, Suite
from entrepot.errors import EntrepotError, GenerationRefused
from entrepot.services.publish.trees import NO_EXTRAS, DocumentPlan, Extras, Measured, Shown, Tree

_SIGNED = ("InRelease", "Release", "Release.gpg")


class DebTree:
    """Implements ``TreeWriter`` for apt (DebianRepository format)."""

    format = Format.DEB

    def plan(self, suite: Suite) -> Sequence[DocumentPlan]:
        """Packages and Contents for each component and architecture; what is for all architectures stands in each."""
        contents = [
            DocumentPlan(
                name=f"{component}/Contents-{architecture}",
                component=component,
                trees=(architecture, ALL[Format.DEB]),
                kind="paths",
                recipe="contents-1",
                codecs=("plain", "gz"),
                render=_nothing,
                shown=_shown,
                parse=_parse_contents,
                later=_gather_contents,
            )
            for component in suite.options.components
            for architecture in suite.options.architectures
            if suite.options.contents
        ]
        return contents + [
            DocumentPlan(
                name=f"{component}/binary-{architecture}/Packages",
                component=component,
                trees=(architecture, ALL[Format.DEB]),
                kind="control",
                recipe=f"packages-1 {','.join(suite.options.digests)}",
                codecs=("plain", *suite.options.codecs),
                render=_with_sha512 if "sha512" in suite.options.digests else _with_sha256,
                shown=_shown,
                parse=_parse,
            )
            for component in suite.options.components
            for architecture in suite.options.architectures
        ]

    def write(
        self,
        suite: Suite,
        now: datetime,
        measured: Mapping[str, Measured],
        signer: Signer,
        extras: Extras = NO_EXTRAS,
    ) -> Tree:
        """Name every form of every Packages, list them in Release, sign it."""
        fields, refresh_at = _fields(suite, now, extras.snapshots)
        forms: dict[str, tuple[str, str]] = {}
        bodies: dict[str, bytes] = {}
        listed: list[ReleaseFile] = []
        for name, one in measured.items():
            for codec, form in one.forms.items():
                path = name + CODECS[codec].suffix
                forms[path] = (name, codec)
                listed.append(ReleaseFile(path, form.size_bytes, form.digests))
        for plan in self.plan(suite):
            if plan.later is not None:
                continue
            folder = plan.name.removesuffix("/Packages")
            body = write_component_release(fields, plan.component, plan.trees[0])
            bodies[f"{folder}/Release"] = body
            listed.append(ReleaseFile(f"{folder}/Release", len(body), _digests(body, suite.options.digests)))
        if feed := write_errata(extras.errata, ecosystem=suite.options.origin, origin=suite.options.origin):
            bodies["errata.json"] = feed
            listed.append(ReleaseFile("errata.json", len(feed), _digests(feed, suite.options.digests)))
        release = write_release(fields, listed)
        bodies |= {"Release": release, "InRelease": signer.clearsign(release), "Release.gpg": signer.detach(release)}
        return Tree(forms, bodies, refresh_at)

    def check(
        self,
        tree: Tree,
        sizes: Mapping[str, tuple[int, str]],
        certificate: bytes,
        verification: Verification,
    ) -> None:
        """Verify both signatures, then look up every file that Release lists."""
        try:
            text = verification.verify_clearsigned(certificate, tree.bodies["InRelease"])
            verification.verify_detached(certificate, tree.bodies["Release"], tree.bodies["Release.gpg"])
            release = parse_release(text)
        except (EntrepotError, KeyError) as error:
            raise GenerationRefused(f"Release: {error}") from error
        if text != tree.bodies["Release"]:
            raise GenerationRefused("InRelease: it signs another text than Release")
        listed = {file.path: (file.size_bytes, file.digests["sha256"]) for file in release.files}
        for path in sorted(set(sizes) - set(_SIGNED) ^ set(listed)):
            raise GenerationRefused(f"{path}: it is served but not listed in Release, or the reverse")
        for path, wanted in listed.items():
            if sizes[path] != wanted:
                raise GenerationRefused(f"{path}: size or digest differ from Release")


def _fields(suite: Suite, now: datetime, snapshots: str) -> tuple[ReleaseFields, datetime | None]:
    options = suite.options
    valid_until = refresh_at = None
    if options.valid_days is not None:
        valid_until = now + timedelta(days=options.valid_days)
        refresh_at = now + timedelta(days=options.valid_days) / 2
    fields = ReleaseFields(
        origin=options.origin,
        label=options.label,
        suite=options.suite or suite.codename,
        codename=suite.codename,
        version=options.version,
        date=now,
        valid_until=valid_until,
        architectures=options.architectures,
        components=options.components,
        description=options.description,
        not_automatic=options.not_automatic,
        but_automatic_upgrades=options.but_automatic_upgrades,
        snapshots=snapshots or None,
    )
    return fields, refresh_at


def _with_sha256(listing: Listing) -> bytes:
    return stanza(
        listing.fragments["control"],
        filename=listing.pool_path,
        size_bytes=listing.size_bytes,
        digests={"sha256": listing.digest},
        phase=listing.phase,
    )


def _with_sha512(listing: Listing) -> bytes:
    return stanza(
        listing.fragments["control"],
        filename=listing.pool_path,
        size_bytes=listing.size_bytes,
        digests={"sha256": listing.digest, "sha512": listing.sha512},
        phase=listing.phase,
    )


def _shown(listing: Listing) -> Shown:
    return Shown(listing.pool_path, listing.size_bytes, listing.digest)


def _parse(text: bytes) -> Iterator[Shown]:
    for entry in parse_entries([text]):
        yield Shown(entry.filename, entry.size_bytes, entry.sha256)


def _gather_contents(listings: Iterable[Listing]) -> Iterator[Entry]:
    """Every path with the packages that ship it, from all of them at once: paths of one package lie all over."""
    pairs: list[tuple[bytes, bytes]] = []
    for listing in listings:
        owner = owner_word(listing.section, listing.key.split(b"\0", 1)[0].decode())
        pairs.extend((path, owner) for path in listing.fragments["paths"].split(b"\n") if path)
    pairs.sort()
    return contents_entries(pairs)


def _parse_contents(text: bytes) -> Iterator[Shown]:
    for path, owners in parse_contents([text]):
        yield Shown(path.decode("latin-1"), 0, b",".join(owners).decode())


def _nothing(_listing: Listing) -> bytes:
    return b""


def _digests(body: bytes, algorithms: Iterable[str]) -> dict[str, str]:
    return {name: hashlib.new(name, body).hexdigest() for name in algorithms}
