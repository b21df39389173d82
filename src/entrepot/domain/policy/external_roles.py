"""From what others say about somebody to a role here: groups of a directory, groups of a provider, claims of a job."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from entrepot.domain.model.actor import ROLE_ALIASES, Role

_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)")
_MOST_CHARACTERS = 2000


def role_of(word: str) -> Role | None:
    """By name or alias; none for a word that is no role."""
    found = ROLE_ALIASES.get(word)
    return found if found is not None else (Role(word) if word in set(Role) else None)


def roles_of_names(names: Iterable[str], roles: Mapping[str, str]) -> frozenset[Role]:
    """Of groups by their exact names."""
    return _roles(roles[name] for name in names if name in roles)


def roles_of_groups(dns: Iterable[str], roles: Mapping[str, str]) -> frozenset[Role]:
    """Of groups by their whole DN, or by the ``cn`` it begins with; case and blanks do not count."""
    by_key = {_group_key(key): word for key, word in roles.items()}
    keys = {key for dn in dns for key in _keys(dn)}
    return _roles(by_key[key] for key in keys if key in by_key)


def _roles(words: Iterable[str]) -> frozenset[Role]:
    return frozenset(role for word in words if (role := role_of(word)) is not None)


def _keys(dn: str) -> list[str]:
    parts = _parts(dn)
    name = [parts[0].removeprefix("cn=")] if parts and parts[0].startswith("cn=") else []
    # What begins with a cn alone cannot be taken for a DN: that has a "," between its parts.
    return [",".join(parts), *(f"cn only {one}" for one in name)]


def _group_key(key: str) -> str:
    return ",".join(_parts(key)) if "=" in key else f"cn only {_plain(key)}"


def _parts(dn: str) -> list[str]:
    """Of a DN (RFC 4514): types and values in one form, separators within values escaped."""
    found = []
    for part in re.split(r"(?<!\\),", dn[:_MOST_CHARACTERS]):
        kind, _, value = part.partition("=")
        found.append(f"{kind.strip().casefold()}={_plain(_ESCAPED.sub(_unescaped, value))}")
    return found


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2]
    return bytes.fromhex(match[1].replace("\\", "")).decode("utf-8", "replace")


def _plain(text: str) -> str:
    return " ".join(text.replace(",", "\\,").split()).casefold()


def claims_match(claims: Mapping[str, object], patterns: Mapping[str, str]) -> bool:
    """Whether every pattern fits its claim; of a list, one element has to."""
    return all(_fits(claims.get(name), pattern) for name, pattern in patterns.items())


def _fits(value: object, pattern: str) -> bool:
    if isinstance(value, list):
        return any(_fits(one, pattern) for one in value[:1000] if not isinstance(one, list))
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int):
        value = str(value)
    return isinstance(value, str) and matches(value, pattern)


def matches(text: str, pattern: str) -> bool:
    """``*`` is any characters.  In one pass: a regular expression with many stars could take for ever."""
    first, *inner = pattern.split("*")
    if not inner:
        return text == pattern
    last = inner.pop()
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in inner:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
