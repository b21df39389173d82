"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[1]


def machine_facts(command: str) -> dict[str, str]:
    """Date, command, hardware, versions."""
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "command": command,
        "commit": _said("git", "-C", str(_PROJECT), "describe", "--always", "--dirty") or "not a checkout",
        "machine": f"{os.cpu_count()} cores, {cpu[1].strip() if cpu else platform.machine()}, {memory:.0f} GiB",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.2f} (1 min), {os.getloadavg()[1]:.2f} (5 min)",
        "aptly": _first(r"version: (\S+)", _said("aptly", "version")),
        "reprepro": _first(r"version (\S+)", _said("reprepro", "--version")),
        "apt-ftparchive": _first(r"apt (\S+)", _said("apt-ftparchive", "--version")),
        "createrepo_c": _first(r"Version: (\S+)", _said("createrepo_c", "--version")),
        "nginx": _first(r"nginx/(\S+)", _said("nginx", "-v")),
    }


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip() if done.returncode in (0, 255) else ""


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else "absent"
