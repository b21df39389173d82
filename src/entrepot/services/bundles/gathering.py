"""What a state consists of, as a bundle lists it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from entrepot.adapters.catalog.base import Reading
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.bundles.lists import Entry
from entrepot.domain.bundles.manifest import Content
from entrepot.domain.formats.manifest import parse_manifest
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite
from entrepot.errors import BundleIncomplete, NotFound

_OPTIONS = (
    *("components", "architectures", "suite", "origin", "label", "description", "version", "valid_days"),
    *("not_automatic", "but_automatic_upgrades", "codecs", "contents", "digests"),
)


class State(Protocol):
    """What a reference means."""

    @property
    def suite(self) -> Suite:
        """Of which suite."""
        ...

    @property
    def generation(self) -> Generation:
        """Which state of it."""
        ...


@dataclass(frozen=True, slots=True)
class Gathered:
    """Entries in their order; ``roots`` are small files that have yet to be stored; ``withheld`` are left out."""

    content: Content
    entries: list[Entry]
    roots: dict[str, bytes]
    withheld: list[str]
    options: dict[str, Any]
    source: dict[str, Any]


def gather(reading: Reading, blobs: BlobStore, state: State) -> Gathered:
    """Of any suite."""
    suite = state.suite
    options: dict[str, Any] = {name: _plain(getattr(suite.options, name)) for name in _OPTIONS}
    if suite.verbatim:
        return _files(reading, blobs, state, options)
    entries, withheld = [], []
    for row in reading.bundled_at(suite.id, state.generation.revision):
        if row.quarantine:
            withheld.append(f"{row.name} {row.version} {row.architecture}")
            continue
        entries.append(
            Entry(
                row.pool_path,
                row.digest,
                row.size_bytes,
                row.name,
                row.version,
                row.architecture,
                row.component,
                row.filename,
                row.told,
            )
        )
    return Gathered(Content.PACKAGES, entries, {}, withheld, options, {})


def _files(reading: Reading, blobs: BlobStore, state: State, options: dict[str, Any]) -> Gathered:
    """Whole files at the paths of their upstream: the signed ones from the generation, all others as they came."""
    suite = state.suite
    mirror = reading.mirror_of(suite.id)
    if mirror is None:
        raise NotFound(f"{suite.full_name} is no mirror any more")
    source = reading.source(mirror.source_id)
    folder = source.folder
    entries = list(_brought(reading, state, folder))
    known = {entry.path for entry in entries}
    roots = {folder + path: body for path, body in _bodies(blobs, state.generation.manifest).items()}
    told = {
        "mirror": mirror.name,
        "name": source.name,
        "label": source.label,
        "url": source.url,
        "distribution": source.distribution,
        "components": list(source.components),
        "architectures": list(source.architectures),
        "gpg_key": source.keyring,
        "allow_unsigned": source.trust.allow_unsigned,
    }
    roots = {path: body for path, body in roots.items() if path not in known}
    return Gathered(Content.VERBATIM, entries, roots, [], options, told)


def _brought(reading: Reading, state: State, folder: str) -> Iterator[Entry]:
    above = f"{state.suite.codename}/" if state.suite.format is Format.RPM else ""
    for file in reading.mirrored_at(state.suite.id, state.generation.revision):
        if not file.digest:
            raise BundleIncomplete(
                f"{state.suite.full_name} fetches packages when they are asked for, and has not all of them; have it "
                "fetch the rest first: entrepot mirror change --immediate"
            )
        hidden, mark, rest = file.path.partition(":")
        path = file.path.removeprefix(above)
        if mark and hidden in ("dists", "repodata"):
            path = folder + rest
        yield Entry(path, file.digest, file.size_bytes)


def _bodies(blobs: BlobStore, digest: Digest) -> dict[str, bytes]:
    """Files that a manifest holds itself."""
    with blobs.open(digest) as blob:
        data = blob.read()
    found = {}
    for path, file in parse_manifest(data, digest).files.items():
        if all(extent.blob == digest for extent in file.extents):
            found[path] = b"".join(data[extent.offset : extent.offset + extent.length] for extent in file.extents)
    return found


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
