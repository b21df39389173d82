"""Libraries of languages that are bundled in packages, found while a payload is read.

Called by the readers of .deb and .rpm with each file.  Nothing that is found, missing or broken here is ever a reason
to refuse a package; everything is bounded.  Only what names itself exactly is a component: nothing is guessed.
"""

from entrepot.domain.formats.bundled.collector import READERS, Collector

__all__ = ["READERS", "Collector"]
