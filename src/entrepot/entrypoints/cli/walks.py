"""Paginated lists of the API, walked as far as somebody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_MOST_PAGES = 5000


def pages(fetch: Callable[[int], Mapping[str, Any]]) -> Iterator[Any]:
    """Rows of a list, page by page as they are asked for."""
    for number in range(1, _MOST_PAGES + 1):
        page = fetch(number)
        yield from page["items"]
        if number >= int(page["pages"]) or not page["items"]:
            return
