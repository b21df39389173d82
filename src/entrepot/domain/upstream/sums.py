"""SHA256SUMS of a Debian installer: the images that lie beside it."""

from __future__ import annotations

import re

from entrepot.domain.upstream.listed import check_path
from entrepot.errors import UpstreamParse

MAX_BYTES = 4 << 20
MAX_FILES = 5000
_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:\./)?(\S+)")


def read_sums(data: bytes, label: str) -> dict[str, str]:
    """SHA-256 by path, below the folder of the list.

    Raises:
        UpstreamParse, UpstreamPath: it is none, or leads elsewhere.
    """
    lines = data.decode("ascii", "replace").splitlines()
    if len(lines) > MAX_FILES:
        raise UpstreamParse(f"{label}: it lists more than {MAX_FILES} files")
    found = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise UpstreamParse(f"{label}: a line is not a digest and a path")
        found[check_path(label, match[2])] = match[1]
    return found
