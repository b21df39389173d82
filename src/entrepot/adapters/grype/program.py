"""Grype itself: ``grype sbom:FILE -o json``, ``grype db status -o json``, ``grype db update``."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from entrepot.adapters.grype.base import Answer, EngineFailed, Knowledge
from entrepot.adapters.grype.running import Bounds, Ended, run

_MOST_BYTES = 64 << 20
_STATUS = Bounds(60.0, 1 << 20)
_UPDATE = Bounds(900.0, 1 << 20)
_SHOWN_CHARACTERS = 4000
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Grype:
    """Implements ``Engine``.  Its data are in a folder of ours; it never fetches any unless ``update`` asks for it.

    It is told nothing of our settings, and reads no configuration but this.  How old its data may be is judged here,
    so that it is not refused there.
    """

    def __init__(self, program: str, database: Path, seconds: float, output_bytes: int = _MOST_BYTES) -> None:
        self._program = program
        self._database = database
        self._bounds = Bounds(seconds, output_bytes)

    def knowledge(self) -> Knowledge:
        """An exit code of its own says only what the document says, too."""
        with self._scratch() as folder:
            ended = self._run(folder, _STATUS, "db", "status", "-o", "json")
        try:
            found = json.loads(ended.output)
        except (ValueError, RecursionError):
            raise EngineFailed(f"grype says nothing readable about its data{_because(ended)}") from None
        if not isinstance(found, dict):
            raise EngineFailed("grype says nothing readable about its data: no object")
        fault = str(found.get("error") or "")[:_SHOWN_CHARACTERS]
        if not fault and (found.get("valid") is False or ended.code != 0):
            fault = f"they are not valid{_because(ended)}"
        return Knowledge(str(found.get("schemaVersion") or "")[:40], _moment(found.get("built")), fault)

    def compare(self, document: bytes) -> Answer:
        """In a folder that goes afterwards."""
        with self._scratch() as folder:
            path = folder / "document.cdx.json"
            path.write_bytes(document)
            ended = self._run(folder, self._bounds, f"sbom:{path}", "-o", "json")
        return Answer(ended.output, "" if ended.code == 0 else f"grype ended with {_code(ended)}{_because(ended)}")

    def update(self) -> tuple[bool, str]:
        """Over the network, from where Grype publishes them."""
        try:
            with self._scratch() as folder:
                ended = self._run(folder, _UPDATE, "db", "update")
        except EngineFailed as error:
            return False, str(error)
        text = "\n".join(part for part in (ended.output.decode("utf-8", "replace").strip(), ended.told) if part)
        return ended.code == 0, text[-_SHOWN_CHARACTERS:]

    def _run(self, folder: Path, bounds: Bounds, *words: str) -> Ended:
        environment = {
            "PATH": _PATH,
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "GRYPE_DB_CACHE_DIR": str(self._database.absolute()),
            "GRYPE_DB_AUTO_UPDATE": "false",
            "GRYPE_DB_VALIDATE_AGE": "false",
            "GRYPE_CHECK_FOR_APP_UPDATE": "false",
        }
        return run([self._program, *words], environment, folder, bounds)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        try:
            with tempfile.TemporaryDirectory(prefix="entrepot-grype-", ignore_cleanup_errors=True) as name:
                yield Path(name)
        except OSError as error:
            raise EngineFailed(f"there is no room for grype to work in: {error.strerror}") from error


def _code(ended: Ended) -> str:
    return f"code {ended.code}" if ended.code >= 0 else f"signal {-ended.code}"


def _because(ended: Ended) -> str:
    return f": {ended.told}" if ended.told else ""


def _moment(value: object) -> datetime | None:
    """Go writes nine digits of a second, and the year 1 for none."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found if found.year > 1980 else None
