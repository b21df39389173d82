"""From single answers to what is added to the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date

from entrepot.adapters.catalog.base import Writing
from entrepot.adapters.catalog.downloads import Counted, Seen
from entrepot.domain.model.digest import Digest
from entrepot.domain.model.download import USER_AGENT_CHARACTERS, Fetch, Item, Tally, client_type_of
from entrepot.services.downloads.pseudonyms import Pseudonyms

COUNTED_UNTIL = "downloads/counted_until"  # by the requests that this program answered
DAYS_KEPT = 400
RECENT_KEPT = 200
_PATH_CHARACTERS = 1200


def count(unit: Writing, fetches: Sequence[Fetch], items: Mapping[Digest, Item], pseudonyms: Pseudonyms) -> int:
    """Add answers to the counts; those for unknown packages are left out.  The number of downloads among them."""
    known = [(fetch, items[fetch.digest]) for fetch in fetches if fetch.digest in items]
    pseudonyms.prepare(unit, {fetch.at.astimezone(UTC).date() for fetch, _ in known})
    clients: set[tuple[date, str, str]] = set()
    tallies, recent = [], []
    for fetch, item in known:
        day, kind = fetch.at.astimezone(UTC).date(), client_type_of(fetch.user_agent)
        tallies.append(Tally(day, item, kind, int(fetch.complete), fetch.sent_bytes))
        if not fetch.complete:
            continue
        client = pseudonyms.of(day, fetch.address)
        clients.update(((day, "", client), (day, f"{item.format.value}/{item.name}", client)))
        recent.append(
            Seen(
                at=fetch.at,
                item=item,
                client=client,
                client_type=kind,
                sent_bytes=fetch.sent_bytes,
                user_agent=_shown(fetch.user_agent, USER_AGENT_CHARACTERS),
                status=fetch.status,
                path=_shown(fetch.path, _PATH_CHARACTERS),
            )
        )
    unit.count_downloads(Counted(tallies, clients, recent), RECENT_KEPT)
    return len(recent)


def _shown(text: str, most: int) -> str:
    """One printable line: it comes from strangers, and is shown to people."""
    return "".join(char if char.isprintable() else "?" for char in text[:most])
