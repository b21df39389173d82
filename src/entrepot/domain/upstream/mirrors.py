"""Lists of mirrors: plain ones, and metalinks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from entrepot.domain.upstream.markup import read_xml
from entrepot.errors import UpstreamPath

MAX_LIST_BYTES = 1 << 20
_MOST = 16
_URL = re.compile(r"https?://[^\s/@\\]+(?:/[^\s\\]*)?")


def read_mirrors(raw: bytes, label: str) -> list[str]:
    """Base URLs in the order of the list, at most so many as it makes sense to try.

    Raises:
        UpstreamPath: there is none that may be asked.
        UpstreamParse: it is a metalink and not well-formed.
    """
    if raw.lstrip()[:1] == b"<":
        reader = _Metalink()
        nothing: Iterable[None] = ()
        list(read_xml([raw], reader, label, lambda: nothing))
        found = [url.removesuffix("repodata/repomd.xml") for _, url in sorted(reader.urls, key=lambda one: -one[0])]
    else:
        found = [line.strip() for line in raw.decode("utf-8", "replace").splitlines()]
    good = [f"{url.rstrip('/')}/" for url in found if _URL.fullmatch(url)]
    if not good:
        raise UpstreamPath(f"{label}: it names no mirror with http:// or https://")
    return list(dict.fromkeys(good))[:_MOST]


class _Metalink:
    def __init__(self) -> None:
        self.urls: list[tuple[int, str]] = []
        self._preference = 0

    def start(self, path: list[str], attributes: dict[str, str]) -> None:
        if path[-1].rpartition(" ")[2] == "url":
            preference = attributes.get("preference", "0")
            self._preference = int(preference) if preference.isdigit() and len(preference) < 6 else 0

    def end(self, path: list[str], text: str) -> None:
        if path[-1].rpartition(" ")[2] == "url" and len(self.urls) < 10_000:
            self.urls.append((self._preference, text.strip()))
