""".treeinfo of an rpm repository: what an installer boots, with digests.  Nobody signs it."""

from __future__ import annotations

import configparser
import re

from entrepot.domain.upstream.listed import check_path
from entrepot.errors import UpstreamParse, UpstreamPath

NAMES = (".treeinfo", "treeinfo")
MAX_BYTES = 1 << 20
MAX_FILES = 200
MAX_FILE_BYTES = 16 << 30
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def read_treeinfo(data: bytes, label: str) -> tuple[dict[str, str], list[str]]:
    """SHA-256 by path, and what is passed over and why.

    Raises:
        UpstreamParse: it is none.
    """
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(data.decode())
        listed = parser.items("checksums") if parser.has_section("checksums") else []
    except (UnicodeDecodeError, configparser.Error):
        raise UpstreamParse(f"{label}: it is no list of an installer's files") from None
    if len(listed) > MAX_FILES:
        raise UpstreamParse(f"{label}: it lists more than {MAX_FILES} files")
    found: dict[str, str] = {}
    notes = []
    for path, value in listed:
        match = _DIGEST.fullmatch(value)
        try:
            check_path(label, path)
        except UpstreamPath as error:
            notes.append(error.detail)
            continue
        if path.startswith("repodata/"):
            continue
        if match is None:
            notes.append(f"{label}: {path} has no SHA-256 and is not fetched")
            continue
        found[path] = match[1]
    return found, notes
