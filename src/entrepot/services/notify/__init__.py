"""What goes out: mail and webhooks, from events to receivers.

Called by the API, the keeper and workers; other services are given ``Outbox.post`` by ``main``.  A message is a row
that is written with the change it tells of, and is delivered at least once.
"""
