"""What a bundle is: ``bundle.json``.  Unknown members are ignored; what must be understood stands in ``requires``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from entrepot.domain.formats.quoting import quote
from entrepot.domain.model.package import Format
from entrepot.errors import BundleMalformed, BundleTooNew

FORMAT = "entrepot-bundle"
KNOWN = frozenset({"packages", "verbatim"})
"""What this version understands of ``requires``."""

MOST_STATES = 64
MOST_ENTRIES = 2_000_000
MOST_LIST_BYTES = 1 << 30
_ID = re.compile(r"[0-9a-f]{32}\Z")
_LIST = re.compile(r"lists/[0-9]{1,4}\.jsonl\.gz\Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~-]{0,63}\Z")
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_MOST_TEXT = 1000


class Content(StrEnum):
    """What a state consists of: packages that are published anew, or files with their own signature."""

    PACKAGES = "packages"
    VERBATIM = "verbatim"


@dataclass(frozen=True, slots=True)
class BundledState:
    """One state of one suite.  ``list_path`` names its list, which has so many entries and bytes unpacked."""

    content: Content
    reference: str
    format: Format
    archive: str
    codename: str
    list_path: str
    entry_count: int
    list_bytes: int
    generation: int
    content_id: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path_name(self) -> str:
        """``format/archive/codename`` on the server that made it."""
        return f"{self.format.value}/{self.archive}/{self.codename}"


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """A bundle.  ``number`` counts along a chain, from 0 of the full bundle that begins it; ``base`` is the one before.

    ``file_count`` and ``size_bytes`` are those of the files that it carries.
    """

    id: str
    chain: str
    number: int
    base: str
    created_at: datetime
    producer: str
    label: str
    file_count: int
    size_bytes: int
    states: Sequence[BundledState]
    requires: Sequence[str] = ()

    def to_bytes(self) -> bytes:
        """The text of ``bundle.json``."""
        row = {
            "format": FORMAT,
            "requires": list(self.requires),
            "id": self.id,
            "chain": self.chain,
            "number": self.number,
            "base": self.base or None,
            "created_at": self.created_at.strftime(_TIME),
            "producer": self.producer,
            "label": self.label,
            "file_count": self.file_count,
            "size_bytes": self.size_bytes,
            "states": [_state_row(state) for state in self.states],
        }
        return json.dumps(row, indent=1, sort_keys=False).encode() + b"\n"


def read_manifest(text: bytes) -> BundleManifest:
    """The reverse.

    Raises:
        BundleTooNew: it needs what this version does not know, by name.
        BundleMalformed: it is not of this form.
    """
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        raise BundleMalformed("bundle.json is not JSON") from None
    if not isinstance(row, dict) or row.get("format") != FORMAT:
        raise BundleMalformed("bundle.json does not describe a bundle")
    requires = row.get("requires")
    if not isinstance(requires, list) or not all(isinstance(one, str) for one in requires):
        raise BundleMalformed("bundle.json does not say what it requires")
    if unknown := sorted(set(requires) - KNOWN):
        names = ", ".join(quote(one) for one in unknown[:5])
        raise BundleTooNew(f"the bundle requires {names}, which this version does not know; upgrade this server first")
    try:
        return _manifest(row, requires)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleMalformed(f"bundle.json: {quote(str(error))} is missing or not as it should be") from None


def _manifest(row: dict[str, Any], requires: Sequence[str]) -> BundleManifest:
    states = row["states"]
    if not isinstance(states, list) or not 1 <= len(states) <= MOST_STATES:
        raise ValueError("states")
    base = row["base"] or ""
    number = _count(row, "number")
    if bool(base) is not bool(number):
        raise ValueError("base")
    found = BundleManifest(
        id=_id(row["id"], "id"),
        chain=_id(row["chain"], "chain"),
        number=number,
        base=_id(base, "base") if base else "",
        created_at=datetime.strptime(row["created_at"], _TIME).replace(tzinfo=UTC),
        producer=_text(row, "producer"),
        label=_text(row, "label"),
        file_count=_count(row, "file_count"),
        size_bytes=_count(row, "size_bytes"),
        states=[_state(one) for one in states],
        requires=requires,
    )
    if len({state.list_path for state in found.states}) < len(found.states):
        raise ValueError("list")
    return found


def _state_row(state: BundledState) -> dict[str, Any]:
    return {
        "content": state.content.value,
        "reference": state.reference,
        "format": state.format.value,
        "archive": state.archive,
        "codename": state.codename,
        "generation": state.generation,
        "content_id": state.content_id,
        "list": {"path": state.list_path, "entries": state.entry_count, "bytes": state.list_bytes},
        "options": dict(state.options),
        **({"source": dict(state.source)} if state.source else {}),
    }


def _state(row: dict[str, Any]) -> BundledState:
    listed = row["list"]
    path = listed["path"]
    if not isinstance(path, str) or not _LIST.match(path):
        raise ValueError("list")
    entries, size = _count(listed, "entries"), _count(listed, "bytes")
    if entries > MOST_ENTRIES or size > MOST_LIST_BYTES:
        raise ValueError("list")
    return BundledState(
        content=Content(row["content"]),
        reference=_text(row, "reference"),
        format=Format(row["format"]),
        archive=_word(row, "archive"),
        codename=_word(row, "codename"),
        list_path=path,
        entry_count=entries,
        list_bytes=size,
        generation=_count(row, "generation"),
        content_id=_text(row, "content_id"),
        options=_mapping(row.get("options")),
        source=_mapping(row.get("source")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _id(value: object, name: str) -> str:
    if not isinstance(value, str) or not _ID.match(value):
        raise ValueError(name)
    return value


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, str) or not _WORD.match(value):
        raise ValueError(name)
    return value


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError(name)
    return value


def _count(row: Mapping[str, Any], name: str) -> int:
    value = row[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 62:
        raise ValueError(name)
    return value
