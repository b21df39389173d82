"""Scratch roots for the real package managers: own sources, caches and installed packages; the host is not touched.

Used by tests and ``make demo``.  Each client is the distribution's own program with its stock behaviour, signature and
date checks on, whatever the machine's configuration says.
"""

from entrepot.testing.clients.apt import AptRoot
from entrepot.testing.clients.dnf import DnfRoot
from entrepot.testing.clients.result import Result, missing_programs, run
from entrepot.testing.clients.serving import FolderServer, Hold
from entrepot.testing.clients.zypper import ZypperRoot

__all__ = ["AptRoot", "DnfRoot", "FolderServer", "Hold", "Result", "ZypperRoot", "missing_programs", "run"]
