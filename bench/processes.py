"""Memory and time of processes as the kernel counts them (proc(5))."""

from __future__ import annotations

import os
import re
from pathlib import Path


def resident_mib(process: int | str = "self") -> float:
    """Resident now."""
    return _field(process, "VmRSS")


def peak_mib(process: int | str = "self") -> float:
    """Most that was resident at once, since the start or since ``forget_peak``."""
    return _field(process, "VmHWM")


def forget_peak(process: int | str = "self") -> None:
    """Count the peak anew from here."""
    Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")


def cpu_seconds(process: int | str = "self") -> float:
    """User and system time since the start."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _field(process: int | str, name: str) -> float:
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
