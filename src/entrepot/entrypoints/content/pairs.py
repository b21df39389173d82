"""``repomd.xml`` and its signature are two requests; a publication in between must not part them.

Clients ask for both over new connections and give up at the first mismatch.  So the half that a client asks for second
is, for a short while and once, taken from the generation that it got the first half of.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from entrepot.domain.model.generation import PublishedFile
from entrepot.services.publish.reading import Found

_SECONDS = 5.0  # clients ask for the second half at once; one that never does must not puzzle its neighbour for long
_MOST_CLIENTS = 4096
_MOST_OPEN = 64

Client = tuple[str, str, str]


class Pairs:
    """Second halves that clients are about to ask for.  Used by one event loop, so it takes no lock.

    Clients that share address and program are served in the order in which they asked.  The first half is always the
    one in force: a client that starts after a publication sees it.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._open: OrderedDict[tuple[Client, str], deque[tuple[float, PublishedFile]]] = OrderedDict()

    def match(self, client: Client, path: str, found: Found) -> Found:
        """``found`` itself, or the file at the same path that fits what this client got before."""
        if found.partner is None:
            return found
        now = self._monotonic()
        if _is_first(client, path):
            other = path.removesuffix(".asc") if path.endswith(".asc") else f"{path}.asc"
            self._expect((client, other), now + _SECONDS, found.partner)
            return found
        expected = self._open.get((client, path), deque())
        while expected:
            until, file = expected.popleft()
            if until >= now:
                return replace(found, file=file)
        return found

    def _expect(self, key: tuple[Client, str], until: float, file: PublishedFile) -> None:
        expected = self._open.setdefault(key, deque(maxlen=_MOST_OPEN))
        expected.append((until, file))
        self._open.move_to_end(key)
        while len(self._open) > _MOST_CLIENTS:
            self._open.popitem(last=False)


def client_of(peer: tuple[str, int] | None, headers: Mapping[str, str]) -> Client:
    """As much as tells clients apart; a front server puts the address of the client into a header."""
    return (
        peer[0] if peer else "",
        headers.get("x-forwarded-for", "")[:200],
        headers.get("user-agent", "")[:200],
    )


def _is_first(client: Client, path: str) -> bool:
    """Libzypp asks for the signature first, everybody else for what is signed."""
    return path.endswith(".asc") is ("zypp" in client[2].lower())
