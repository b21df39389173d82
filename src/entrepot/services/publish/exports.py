"""Any published state as a plain tree of files, for nginx, rsync or a disk that is carried away.

The order keeps readers whole: packages, then indexes under names that tell their content, then the other indexes, then
the signed files at the top.  What nothing names any more goes last, and only after a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.adapters.exports.base import ExportFolder, OpenFolder, Placed
from entrepot.adapters.signing.base import Keyring
from entrepot.adapters.storage.base import BlobStore
from entrepot.domain.formats.manifest import Manifest
from entrepot.domain.model.actor import Actor
from entrepot.domain.model.digest import Digest, digest_of
from entrepot.domain.model.generation import Generation, PublishedFile
from entrepot.domain.model.package import Format
from entrepot.domain.model.snapshot import PackageFile
from entrepot.domain.model.suite import Suite
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.services.publish.client_files import static_mirror_file, static_repo_file, static_sources_file
from entrepot.services.publish.exported import Exported, ExportWish, Ledger, Shown, check_site, read_ledger
from entrepot.services.publish.foreign import ForeignState, foreign_state
from entrepot.services.publish.layouts import Layout, layout_of, layout_of_mirror
from entrepot.services.publish.manifests import Manifests
from entrepot.services.publish.packs import stream_file
from entrepot.services.publish.trees import TreeWriter
from entrepot.services.publish.views import Shown as Viewed
from entrepot.services.publish.views import Views

_CHUNK_BYTES = 1 << 20
_MOST_NAMED = 20


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


Find = Callable[[Reading, str], State]


Asked = tuple[str, datetime | None]
"""The reference of a state, and its date where that is not its own."""

Told = Callable[[str, int, int], None]
"""Hears the stage, how far it is, and of how much; may raise to end the export."""


def unheard(_stage: str, _done: int, _total: int) -> None:
    """For nobody."""


@dataclass(frozen=True, slots=True)
class ExportParts:
    """What an export reads from."""

    blobs: BlobStore
    manifests: Manifests
    views: Views
    keyring: Keyring
    trees: dict[Format, TreeWriter]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Everything that the tree consists of, by its path; packages in the order of their paths."""

    packages: Sequence[tuple[str, PackageFile]]
    layout: Layout
    small: Sequence[tuple[str, bytes]]
    roots: Sequence[tuple[str, bytes]]

    def paths(self) -> set[str]:
        found = {path for path, _ in self.packages} | {path for path, _ in (*self.small, *self.roots)}
        return found | {path for path, _ in self.layout.hashed} | {path for path, _ in self.layout.plain}


class Exports:
    """Writes trees.  A run that breaks off anywhere is simply begun again."""

    def __init__(
        self,
        catalog: Catalog,
        parts: ExportParts,
        find: Find,
        open_folder: OpenFolder,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._parts = parts
        self._find = find
        self._open = open_folder
        self._now = now

    def export(self, actor: Actor, reference: str, folder: str, wish: ExportWish, told: Told = unheard) -> Exported:
        """Make the folder show a state; what is there already is left alone.

        Raises:
            UnknownDistribution, NotFound, InvalidRequest: there is no such state, or the folder is not for it.
            VerbatimSuite: it is a mirror that has not fetched all of its packages.
            AlreadyRunning: another export writes there.
            ExportFolderUnusable, StoreFull: the folder cannot be written to.
        """
        demand(actor, Permission.TREE_EXPORT)
        check_site(wish.url)
        with self._catalog.read() as reading:
            state = self._find(reading, reference)
            foreign = foreign_state(reading, state.suite, state.generation)
            files = list(foreign.files if foreign else reading.files_at(state.suite.id, state.generation.revision))
            dated = _moved_at(reading, state, reference)
        suite, generation = state.suite, state.generation
        done = Exported(reference, generation.number, withheld=[one.path for one in files if one.quarantine])
        with self._open(folder) as tree:
            ledger = read_ledger(tree.ledger(), f"{suite.format.value}/{suite.archive.name}")
            if foreign is None:
                wanted = self._wanted(state, files, (reference, dated), wish)
            else:
                wanted = self._wanted_of_mirror(state, foreign, wish)
            shown = Shown(reference, generation.number, wanted.paths())
            ledger.plan(suite.codename, shown)
            tree.note(ledger.words())
            self._place(tree, wanted, done, told)
            self._clean(tree, ledger, suite, shown, wish, done)
        self._record(actor, suite, folder, done)
        return done

    def _wanted(self, state: State, files: Sequence[PackageFile], asked: Asked, wish: ExportWish) -> _Wanted:
        suite, parts = state.suite, self._parts
        manifest = parts.manifests.get(state.generation.manifest)
        layout = layout_of(suite, manifest, parts.trees[suite.format].plan(suite))
        signer = parts.keyring.signer(suite.archive.key_name)
        small = [("key.asc", signer.armored()), ("key.gpg", signer.certificate())]
        if wish.url:
            url = wish.url.rstrip("/")
            if suite.format is Format.DEB:
                small.append((f"{suite.codename}.sources", static_sources_file(suite, url, signer.armored())))
            else:
                small.append((f"{suite.codename}.repo", static_repo_file(suite, url)))
        roots = [(layout.top + path, self._root(state, manifest, path, asked)) for path in layout.roots]
        packages = [(path, one) for one in files if not one.quarantine for path in layout.places(one)]
        return _Wanted(packages, layout, small, roots)

    def _wanted_of_mirror(self, state: State, foreign: ForeignState, wish: ExportWish) -> _Wanted:
        """With the signatures of the upstream, and its keys."""
        suite = state.suite
        manifest = self._parts.manifests.get(state.generation.manifest)
        layout = layout_of_mirror(suite, foreign.folder, manifest)
        small = [("key.asc", foreign.told.armored_keys)] if foreign.told.armored_keys else []
        if wish.url:
            suffix = "sources" if suite.format is Format.DEB else "repo"
            text = static_mirror_file(suite, wish.url.rstrip("/"), foreign.told)
            small.append((f"{suite.codename}.{suffix}", text))
        roots = [(layout.top + path, self._body(manifest, path)) for path in layout.roots]
        packages = [(one.path, one) for one in foreign.files if not one.quarantine]
        return _Wanted(packages, layout, small, roots)

    def _root(self, state: State, manifest: Manifest, path: str, asked: Asked) -> bytes:
        """As it was published; of anything but what is in force signed anew, without an end of validity."""
        suite, (reference, dated) = state.suite, asked
        viewed = Viewed(suite, [manifest], state.generation.manifest, dated)
        body = partial(self._body, manifest)
        signed = self._parts.views.root(suite.archive, viewed, path, body) if "@" in reference else None
        return body(path) if signed is None else signed

    def _body(self, manifest: Manifest, path: str) -> bytes:
        return b"".join(stream_file(self._parts.blobs, manifest.files[path]))

    def _place(self, tree: ExportFolder, wanted: _Wanted, done: Exported, told: Told) -> None:
        total = len(wanted.packages)
        for number, (path, package) in enumerate(wanted.packages):
            if number % 200 == 0:
                told("packages", number, total)
            self._count(done, self._package(tree, path, package))
            done.packages += 1
        told("indexes", total, total)
        for path, file in wanted.layout.hashed:
            if tree.has(path, file.size_bytes):
                done.there += 1
            else:
                self._count(done, tree.write(path, stream_file(self._parts.blobs, file), file.digest))
        for path, file in wanted.layout.plain:
            self._index(tree, wanted.layout, path, file, done)
        for path, body in (*wanted.small, *wanted.roots):
            digest = digest_of(body)
            there = tree.holds(path, len(body), digest)
            self._count(done, Placed.THERE if there else tree.write(path, [body], digest))

    def _package(self, tree: ExportFolder, path: str, package: PackageFile) -> Placed:
        blobs = self._parts.blobs
        source = blobs.local_path(package.digest)
        placed = None if source is None else tree.link(path, source)
        if placed is not None:
            return placed
        if tree.has(path, package.size_bytes):
            return Placed.THERE
        return tree.write(path, _chunks(blobs, package.digest), package.digest)

    def _index(self, tree: ExportFolder, layout: Layout, path: str, file: PublishedFile, done: Exported) -> None:
        other = layout.same.get(path)
        if tree.holds(path, file.size_bytes, file.digest):
            done.there += 1
        elif other is not None:
            tree.link_within(path, other)
            done.linked += 1
        else:
            self._count(done, tree.write(path, stream_file(self._parts.blobs, file), file.digest))

    def _clean(
        self, tree: ExportFolder, ledger: Ledger, suite: Suite, shown: Shown, wish: ExportWish, done: Exported
    ) -> None:
        """Note what nobody needs any more, then remove what nobody has needed for long enough, or nobody may have."""
        over = ledger.settle(suite.codename, shown, int(self._now().timestamp()), wish.delete_after_seconds)
        with self._catalog.read() as reading:
            apart = reading.quarantined_paths(suite.archive.id)
        over += [path for path in ledger.stale if path not in over and not apart.isdisjoint(_names_of(path))]
        tree.note(ledger.words())
        for path in over:
            tree.remove(path)
            del ledger.stale[path]
        if over:
            tree.note(ledger.words())
        done.removed, done.waiting = len(over), len(ledger.stale)

    def _record(self, actor: Actor, suite: Suite, folder: str, done: Exported) -> None:
        withheld: list[JsonValue] = list(done.withheld[:_MOST_NAMED])
        detail: dict[str, JsonValue] = {
            "state": done.reference[:200],
            "generation": done.generation,
            "folder": folder[:500],
            "packages": done.packages,
            "linked": done.linked,
            "written": done.written,
            "removed": done.removed,
            "withheld": withheld,
        }
        with self._catalog.write() as unit:
            unit.audit(AuditEntry("EXPORT", "SUCCESS", actor, self._now(), suite=suite.codename, detail=detail))

    @staticmethod
    def _count(done: Exported, placed: Placed) -> None:
        setattr(done, placed.value, getattr(done, placed.value) + 1)


def _names_of(path: str) -> tuple[str, str]:
    """A path of a tree, and of the pool: packages of rpm lie below their distribution and architecture."""
    return path, "/".join(path.split("/")[2:])


def _moved_at(reading: Reading, state: State, reference: str) -> datetime | None:
    """Since when an environment shows the state: that is its date, so that apt follows a move back as well."""
    _, mark, name = reference.partition("@env:")
    moves = reading.shown_generations(name, state.suite.id, 1) if mark else []
    return max(moves[0][1], moves[0][0].published_at) if moves else None


def _chunks(blobs: BlobStore, digest: Digest) -> Iterator[bytes]:
    with blobs.open(digest) as blob:
        while data := blob.read(_CHUNK_BYTES):
            yield data
