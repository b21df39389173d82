"""Debian binary packages (deb(5)) and the indexes of an apt archive.

Called by services through ``DebFormat`` and the index writers.  A file that dpkg, apt and we could read in two ways
is refused.  Versions are ordered in ``domain/versions``; nothing here signs, stores or fetches.
"""

from entrepot.domain.formats.deb.package import DebFormat

__all__ = ["DebFormat"]
