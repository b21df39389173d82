"""What was downloaded, by whom as far as counting needs it, and when.

Fed by the content entry point and by access logs of front servers; asked by maintainers.  An address is never stored
unless a setting says so.  Counts are additions, so any number of processes count together.
"""

from entrepot.services.downloads.recorder import Recorder
from entrepot.services.downloads.statistics import Downloads

__all__ = ["Downloads", "Recorder"]
