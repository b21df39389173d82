"""What goes out: mail and webhooks, from events to receivers.

Called by the API, the keeper and workers; other services are given ``Outbox.post`` by ``main``.  A message is a row
that is written with the change it tells of, and is delivered at least once.
"""

from entrepot.services.notify.delivery import Delivery
from entrepot.services.notify.expiry import KeyExpiry, UpstreamExpiry
from entrepot.services.notify.gathering import Gatherer
from entrepot.services.notify.outbox import Outbox
from entrepot.services.notify.service import Notifications
from entrepot.services.notify.templates import Templates

__all__ = ["Delivery", "Gatherer", "KeyExpiry", "Notifications", "Outbox", "Templates", "UpstreamExpiry"]
