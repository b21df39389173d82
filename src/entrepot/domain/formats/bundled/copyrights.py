"""The copyright file of a .deb, where it is one that programs can read (Debian, copyright format 1.0)."""

from __future__ import annotations

import re

from entrepot.domain.sbom.licences import joined, valid_expression

_FORMAT = re.compile(
    rb"Format:\s*https?://(?:www\.)?debian\.org/doc/packaging-manuals/copyright-format/1\.0", re.IGNORECASE
)
_LICENCE = re.compile(r"^License:[ \t]*([^\n]*)", re.MULTILINE | re.IGNORECASE)
_FILES = re.compile(r"^Files:", re.MULTILINE | re.IGNORECASE)
_MOST = 40
_MOST_CHARACTERS = 1500


def read_copyright(data: bytes) -> str:
    """The licences of all files, as one expression; in the file's own words where SPDX has none, empty if unknown."""
    if not _FORMAT.match(data):
        return ""
    names: dict[str, None] = {}
    for paragraph in re.split(r"\n[ \t]*\n", data.decode("utf-8", "replace").replace("\r\n", "\n")):
        match = _LICENCE.search(paragraph) if _FILES.search(paragraph) else None
        if match and match[1].strip():
            names[" ".join(match[1].split())] = None
    if not names or len(names) > _MOST:
        return ""
    if (whole := joined(list(names))) is None:
        known = [valid_expression(name) or name for name in names]
        whole = " AND ".join(f"({name})" if " " in name and len(known) > 1 else name for name in known)
    return whole if len(whole) <= _MOST_CHARACTERS else ""
