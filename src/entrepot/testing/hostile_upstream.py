"""The server of hostile repositories among the shared generators, running on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrepot.adapters.outbound.targets import Inside
from entrepot.testing.corpora import require_shared

_START_SECONDS = 90


@dataclass(frozen=True, slots=True)
class HostileUpstream:
    """A running one.  ``inside`` allows its address, and nothing else of this machine."""

    url: str

    @property
    def inside(self) -> Inside:
        return Inside.parse(self.url.partition("//")[2])

    def get(self, path: str) -> bytes:
        """One file, by a client that believes everything."""
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=30) as answer:
            found: bytes = answer.read()
            return found

    def key(self, name: str = "good") -> str:
        """Armored."""
        return self.get(f"key/{name}.asc").decode()

    def phase(self, number: int) -> None:
        """The second act begins."""
        self.get(f"_ctl/phase?n={number}")

    def reset(self) -> None:
        """Forget what was asked."""
        self.get("_ctl/reset")

    def asked(self) -> list[str]:
        """Paths in the order in which they were asked for."""
        found: list[dict[str, Any]] = json.loads(self.get("_ctl/log"))
        return [each["path"] for each in found if not each["path"].startswith(("/_ctl", "/key"))]

    def canary(self) -> list[object]:
        """Requests that reached what stands for an internal service."""
        found: list[object] = json.loads(self.get("_ctl/canary"))
        return found


@contextmanager
def running_hostile_upstream(folder: Path, *options: str) -> Iterator[HostileUpstream]:
    """Until the block ends; skips the test where the generators are absent."""
    script = require_shared("hostile", "evil_upstream.py")
    ready = folder / "hostile-upstream.json"
    command: Sequence[str] = [sys.executable, str(script), "--ready", str(ready), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        try:
            until = time.monotonic() + _START_SECONDS
            while not ready.exists():
                if child.poll() is not None or time.monotonic() > until:
                    said = child.stderr.read().decode() if child.stderr else ""
                    raise RuntimeError(f"the hostile upstream did not start: {said[-500:]}")
                time.sleep(0.02)
            yield HostileUpstream(json.loads(ready.read_text())["url"])
        finally:
            child.terminate()
