"""What an export is asked for, what it has done, and the note that it leaves in its folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from entrepot.errors import InvalidRequest

_VERSION = 1
_MOST_SITE = 500
_SITE = re.compile(r"[a-z][a-z0-9+.-]*:/[^\s\\\"'<>\[\]]+")
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class ExportWish:
    """``delete_after_seconds``: so long files stay that the indexes name no longer, for clients that read older ones.

    ``url`` is where the folder will be found; with it, ready-made files for clients are written.
    """

    delete_after_seconds: int = DAY_SECONDS
    url: str = ""


def check_site(url: str) -> None:
    """It becomes a line in the files of clients.

    Raises:
        InvalidRequest: it cannot.
    """
    if url and (len(url) > _MOST_SITE or not url.isprintable() or not _SITE.fullmatch(url)):
        raise InvalidRequest(
            "site: the URL of the folder is wanted, such as https://packages.example.org/repo or file:/srv/repo",
            field="site",
        )


@dataclass(slots=True)
class Exported:
    """What a run has done; ``withheld`` are packages that nobody gets at the moment."""

    reference: str
    generation: int
    packages: int = 0
    linked: int = 0
    written: int = 0
    there: int = 0
    removed: int = 0
    waiting: int = 0
    withheld: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything was not as it should be."""
        return bool(self.linked or self.written or self.removed)


@dataclass(slots=True)
class Shown:
    """What the folder has of a suite: the state, and the files that it needs."""

    reference: str
    generation: int
    files: set[str]


@dataclass(slots=True)
class Ledger:
    """Everything in a folder that an export has put there.

    ``stale`` says since when nothing names a file any more.
    """

    archive: str
    suites: dict[str, Shown] = field(default_factory=dict)
    stale: dict[str, int] = field(default_factory=dict)

    def plan(self, codename: str, shown: Shown) -> None:
        """What is to be written counts as written: an export that breaks off leaves nothing that nobody knows."""
        before = self.suites.get(codename)
        self.suites[codename] = Shown(
            shown.reference, shown.generation, shown.files | (before.files if before else set())
        )
        self._forget_stale()

    def settle(self, codename: str, shown: Shown, now: int, delete_after_seconds: int) -> list[str]:
        """It is written; which files may go now."""
        before = self.suites[codename]
        self.suites[codename] = shown
        for path in before.files - shown.files:
            self.stale.setdefault(path, now)
        self._forget_stale()
        return sorted(path for path, since in self.stale.items() if since + delete_after_seconds <= now)

    def _forget_stale(self) -> None:
        for one in self.suites.values():
            for path in one.files & self.stale.keys():
                del self.stale[path]

    def words(self) -> bytes:
        """As it is kept."""
        suites = {
            name: {"state": one.reference, "generation": one.generation, "files": sorted(one.files)}
            for name, one in self.suites.items()
        }
        body = {"export": _VERSION, "archive": self.archive, "suites": suites, "stale": self.stale}
        return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def read_ledger(data: bytes | None, archive: str) -> Ledger:
    """What was kept, or the one of a new folder.

    Raises:
        InvalidRequest: the folder is of another archive, or of another version of this program.
    """
    if data is None:
        return Ledger(archive)
    try:
        found = json.loads(data)
        known = found["export"] == _VERSION
        ledger = Ledger(
            str(found["archive"]),
            {name: _shown(row) for name, row in found["suites"].items()},
            {str(path): int(since) for path, since in found["stale"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise InvalidRequest("what is in this folder was exported by another version of this program; name a new one")
    if ledger.archive != archive:
        raise InvalidRequest(f"this folder has archive {ledger.archive[:200]}, not {archive}; each needs its own")
    return ledger


def _shown(row: Mapping[str, Any]) -> Shown:
    return Shown(str(row["state"]), int(row["generation"]), {str(path) for path in row["files"]})
