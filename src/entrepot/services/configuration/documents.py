"""Partial documents: flat names put in their places, secrets sealed and masked, one laid over another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import cast

from pydantic import ValidationError

from entrepot.adapters.catalog.records import JsonValue
from entrepot.domain.model.configuration import ALIASES, MASK, Configuration, is_mask, is_secret
from entrepot.errors import InvalidRequest, MistypedSetting

Document = dict[str, JsonValue]
_TOP = frozenset(Configuration.model_fields)
_MOST_DEPTH = 6
_HINT = "GET /settings shows all that there are"


def nested(given: Mapping[str, JsonValue]) -> Document:
    """A request in the nested form only.

    Raises:
        InvalidRequest: a key is unknown, or given twice with different values.
    """
    found: Document = {}
    for key, value in given.items():
        if key in ALIASES:
            for target in ALIASES[key]:
                section, _, name = target.partition(".")
                _put(found, section, {name: value}, key)
        elif key in _TOP:
            _put(found, key, value, key)
        else:
            raise InvalidRequest(f"unknown setting {key[:100]!r}; {_HINT}", setting=key[:100])
    return found


def _put(found: Document, section: str, value: JsonValue, key: str) -> None:
    there = found.get(section)
    if there is None:
        found[section] = value
        return
    if not isinstance(there, dict) or not isinstance(value, dict):
        raise InvalidRequest(f"setting {key!r} is given twice", setting=key)
    for name, inner in value.items():
        if name in there and there[name] != inner:
            raise InvalidRequest(f"setting {section}.{name} is given twice with different values", setting=key)
    found[section] = {**there, **value}


def overlaid(base: Mapping[str, JsonValue], change: Mapping[str, JsonValue], depth: int = 0) -> Document:
    """``base`` with everything that ``change`` says; null takes a key out, which brings its default back."""
    if depth > _MOST_DEPTH:
        raise InvalidRequest("the settings are nested too deeply")
    found = dict(base)
    for key, value in change.items():
        there = found.get(key)
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict):
            found[key] = overlaid(there if isinstance(there, dict) else {}, value, depth + 1)
        else:
            found[key] = value
    return found


def without_masks(given: Mapping[str, JsonValue]) -> Document:
    """Without the secrets that stay as they were."""
    return {
        key: without_masks(value) if isinstance(value, dict) else value
        for key, value in given.items()
        if not (is_secret(key) and is_mask(value))
    }


def with_secrets(document: Mapping[str, JsonValue], change: Callable[[str], str]) -> Document:
    """With every secret replaced by what ``change`` makes of it; empty ones stay empty."""
    found: Document = {}
    for key, value in document.items():
        if isinstance(value, dict):
            found[key] = with_secrets(value, change)
        elif isinstance(value, str) and value and is_secret(key):
            found[key] = change(value)
        else:
            found[key] = value
    return found


def checked(document: Mapping[str, JsonValue]) -> Configuration:
    """The whole document, defaults filled in.

    Raises:
        InvalidRequest: an unknown key, or a value against its rule.
        MistypedSetting: a value of another type.
    """
    try:
        return Configuration.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])[:200]
        if first["type"] == "extra_forbidden":
            raise InvalidRequest(f"unknown setting {name!r}; {_HINT}", setting=name) from None
        if first["type"].endswith(("_type", "_parsing")) or first["type"] == "missing":
            raise MistypedSetting(f"setting {name}: {first['msg']}", setting=name) from None
        raise InvalidRequest(f"setting {name}: {first['msg'].removeprefix('Value error, ')}", setting=name) from None


def shown(configuration: Configuration) -> Document:
    """Nested and flat, secrets masked."""
    document = cast("Document", configuration.model_dump(mode="json"))
    masked = with_secrets(document, lambda _: MASK)
    for alias, targets in ALIASES.items():
        section, _, name = targets[0].partition(".")
        inner = masked[section]
        masked[alias] = inner[name] if isinstance(inner, dict) else None
    return masked


def names(change: Mapping[str, JsonValue], prefix: str = "") -> list[str]:
    """Dotted names of everything that a partial document sets."""
    found: list[str] = []
    for key, value in sorted(change.items()):
        found += names(value, f"{prefix}{key}.") if isinstance(value, dict) and value else [f"{prefix}{key}"]
    return found


def policy_changes(before: Configuration, after: Configuration) -> dict[str, JsonValue]:
    """What differs between two policies on packages, everywhere and by suite; nothing where nothing does."""
    old, new = _policy_document(before), _policy_document(after)
    changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    if not changed:
        return {}
    return {"before": {key: old.get(key) for key in changed}, "after": {key: new.get(key) for key in changed}}


def _policy_document(configuration: Configuration) -> Document:
    everywhere = cast("Document", configuration.policy().model_dump(mode="json"))
    return everywhere | {f"distributions.{name}": dict(part) for name, part in configuration.gate.suites.items()}
