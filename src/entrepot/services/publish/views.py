"""Paths below ``snapshot/`` and ``env/``: what was published once, or what a name points to, at its own address.

``snapshot/20261121T200000Z/`` shows every suite as it was then, ``snapshot/NAME/`` those that were frozen under that
name, ``env/NAME/`` what the environment points to.  Below, everything is as in the archive itself.  What is old was
signed with old keys and perhaps until a day that has passed: it is signed anew, without Valid-Until.  In an environment
its Date is the one of the move: apt keeps what it has when it is offered something older.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from entrepot.adapters.catalog.base import Catalog, Reading
from entrepot.adapters.signing.base import Keyring
from entrepot.domain.formats.deb.release import format_date
from entrepot.domain.formats.manifest import Manifest
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.generation import Generation
from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Archive, Suite
from entrepot.services.publish.manifests import Manifests
from entrepot.services.publish.recent import Recent

_VIEW = re.compile(r"(snapshot|env)/([A-Za-z0-9][A-Za-z0-9.+_~-]{0,127})/(.*)\Z", re.DOTALL)
_MOMENT = re.compile(r"[0-9]{8}T[0-9]{6}Z\Z")
_SECOND = timedelta(seconds=1, microseconds=-1)
_DATE = re.compile(rb"^Date: [^\n]*\n", re.MULTILINE)
_VALID_UNTIL = re.compile(rb"^Valid-Until: [^\n]*\n", re.MULTILINE)
_BEFORE = 8
"""So many earlier positions of an environment still answer for files by their digest: a client may be in between."""


@dataclass(frozen=True, slots=True)
class View:
    """A way to look at an archive, and the rest of the path."""

    kind: str
    name: str
    path: str

    @property
    def prefix(self) -> str:
        """What stands before the rest."""
        return f"{self.kind}/{self.name}"


def view_of(path: str) -> View | None:
    """None for paths of the archive itself."""
    found = _VIEW.match(path)
    return None if found is None else View(found[1], found[2], found[3])


def moment_of(name: str) -> datetime | None:
    """The end of the second that a name of a snapshot stands for; none where it is a real name."""
    if not _MOMENT.match(name):
        return None
    try:
        return datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + _SECOND
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view shows of a suite, and showed before, newest first; ``dated`` is when it began to, if that counts."""

    suite: Suite
    manifests: Sequence[Manifest]
    digest: Digest
    dated: datetime | None = None


class Views:
    """Which generations a view shows, and their roots signed with the keys of now."""

    def __init__(self, catalog: Catalog, manifests: Manifests, keyring: Keyring, now: Callable[[], datetime]) -> None:
        self._now = now
        self._catalog = catalog
        self._manifests = manifests
        self._keyring = keyring
        self._roots: Recent[tuple[Digest, str, bytes, datetime | None], bytes] = Recent(256)

    def shown(self, archive: Archive, view: View, codename: str) -> Shown | None:
        """Nothing where the view shows nothing of the suite."""
        with self._catalog.read() as reading:
            suite = reading.suite_named(archive.id, codename)
            if suite is None:
                return None
            found, dated = self._generations(reading, suite, view)
        if not found:
            return None
        return Shown(suite, [self._manifests.get(one.manifest) for one in found], found[0].manifest, dated)

    def root(self, archive: Archive, shown: Shown, path: str, body: Callable[[str], bytes]) -> bytes | None:
        """The text of a signed file, signed anew; none for other files.  ``body`` reads one of the same generation."""
        name = path.rpartition("/")[2]
        signer = self._keyring.signer(archive.key_name)
        key = (shown.digest, path, signer.certificate(), shown.dated)
        known = self._roots.get(key)
        if known is not None:
            return known
        made: bytes | None = None
        if archive.format is Format.DEB and path in ("InRelease", "Release", "Release.gpg"):
            text = _VALID_UNTIL.sub(b"", body("Release"))
            if shown.dated is not None:
                text = _DATE.sub(f"Date: {format_date('Date', shown.dated)}\n".encode(), text, count=1)
            made = text if path == "Release" else signer.detach(text)
            if path == "InRelease":
                made = signer.clearsign(text)
        elif archive.format is Format.RPM and name == "repomd.xml.asc":
            made = signer.detach(body(path.removesuffix(".asc")))
        elif archive.format is Format.RPM and name == "repomd.xml.key":
            made = signer.armored()
        if made is not None:
            self._roots.put(key, made)
        return made

    def _generations(self, reading: Reading, suite: Suite, view: View) -> tuple[Sequence[Generation], datetime | None]:
        if view.kind == "env":
            moves = reading.shown_generations(view.name, suite.id, _BEFORE)
            dated = max(moves[0][1], moves[0][0].published_at) if moves else None
            return [generation for generation, _ in moves], dated
        at = moment_of(view.name)
        if at is not None:
            # What is to come is nothing yet: an address of a state must not change what it shows.
            found = reading.generation_at(suite.id, at) if at <= self._now() + _SECOND else None
            return [] if found is None else [found], None
        snapshot = reading.snapshot_named(suite.id, view.name)
        return [] if snapshot is None else [snapshot.generation], None
