"""Rpm packages (rpm file format, version 4) and the indexes of an rpm-md repository.

Called by services through ``RpmFormat`` and the index writers.  A file whose header and payload could be read in two
ways is refused, and whatever is rendered here parses as XML.  Versions are ordered in ``domain/versions``; nothing
here verifies whose signature a package carries, signs, stores or fetches.
"""

from entrepot.domain.formats.rpm.package import RpmFormat

__all__ = ["RpmFormat"]
