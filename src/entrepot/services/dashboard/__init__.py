"""What is going on, at a glance: one snapshot of sums, audit entries as they are written, the last log records.

Asked by everybody who may sign in.  What nobody measures here, such as scans, is zero and said to be absent.
"""

from entrepot.services.dashboard.events import Events
from entrepot.services.dashboard.logs import Logs
from entrepot.services.dashboard.service import Dashboard
from entrepot.services.dashboard.watching import Watching

__all__ = ["Dashboard", "Events", "Logs", "Watching"]
