"""What somebody says about a source, made into one, or refused word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from entrepot.domain.formats.quoting import quote
from entrepot.domain.model.package import Format
from entrepot.domain.upstream.source import Reach, Source, SourceId, Trust
from entrepot.errors import BuiltInSource, InvalidRequest

FORMATS = {"apt": Format.DEB, "deb": Format.DEB, "rpm": Format.RPM}
_NAME = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}")
_URL = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[^\s/@\\?#\[\]:]+)(?::([0-9]{1,5}))?(?:/[^\s\\?#]*)?")
_PORTS = range(1, 65_536)
_DISTRIBUTION = re.compile(r"(?:\./|/|[A-Za-z0-9][A-Za-z0-9._+~-]*(?:/[A-Za-z0-9._+~-]+)*/?)")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}(?:/[A-Za-z0-9._+-]{1,63})*")
_MOST = 64
_MOST_KEY_CHARACTERS = 4 << 20


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be set; ``None`` stays as it is, or as it is when nobody says anything."""

    name: str | None = None
    type: str | None = None
    label: str | None = None
    url: str | None = None
    mirrorlist: str | None = None
    distribution: str | None = None
    components: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    keyring: str | None = None
    enabled: bool | None = None
    security: bool | None = None
    allow_unsigned: bool | None = None
    check_valid_until: bool | None = None
    authorities: str | None = None
    bytes_per_second: int | None = None
    connections: int | None = None


def new_source(draft: Draft) -> Source:
    """A source from nothing.

    Raises:
        InvalidRequest: naming what is wrong with it.
    """
    if draft.name is None or not _NAME.fullmatch(draft.name):
        raise InvalidRequest("name: 1 to 64 lower-case letters, digits and . _ + - are wanted", field="name")
    format_ = FORMATS.get(draft.type or "")
    if format_ is None:
        raise InvalidRequest(f"type: {quote(draft.type or '')} is not one of apt, rpm", field="type")
    plain = Source(SourceId(0), draft.name, draft.name, format_, "", "")
    if format_ is Format.DEB and draft.components is None and not (draft.distribution or "").endswith("/"):
        plain = replace(plain, components=("main",))
    return changed_source(plain, draft)


def changed_source(source: Source, draft: Draft) -> Source:
    """A source with what the draft says; name and type stay.

    Raises:
        InvalidRequest: naming what is wrong with it.
        BuiltInSource: it says something about a built-in one that cannot be said.
    """
    if source.builtin and any(value is not None for value in (draft.url, draft.distribution, draft.components)):
        raise BuiltInSource(f"{source.name} comes with the program; add a source of your own to say where it lies")
    if draft.type is not None and FORMATS.get(draft.type) is not source.format:
        raise InvalidRequest("type: a source keeps its type; add another source", field="type")
    given = {
        name: value
        for name in ("label", "url", "distribution", "components", "architectures", "keyring", "enabled", "security")
        if (value := getattr(draft, name)) is not None
    }
    found = replace(source, **given, trust=_trust(source.trust, draft), reach=_reach(source.reach, draft))
    found = replace(found, url=found.url.rstrip("/") if found.url else "")
    _check(found)
    return found


def _trust(trust: Trust, draft: Draft) -> Trust:
    given = {
        name: value for name in ("allow_unsigned", "check_valid_until") if (value := getattr(draft, name)) is not None
    }
    return replace(trust, **given)


def _reach(reach: Reach, draft: Draft) -> Reach:
    names = ("mirrorlist", "authorities", "bytes_per_second", "connections")
    return replace(reach, **{name: value for name in names if (value := getattr(draft, name)) is not None})


def _is_url(url: str) -> bool:
    found = _URL.fullmatch(url) if len(url) <= 500 and url.isprintable() else None
    return found is not None and int(found[1] or 80) in _PORTS


def _check(source: Source) -> None:
    if not source.url:
        raise InvalidRequest("url: it is missing", field="url")
    for field, url in (("url", source.url), ("mirrorlist", source.reach.mirrorlist.partition("?")[0])):
        if url and not _is_url(url):
            raise InvalidRequest(
                f"{field}: it must be http://host/... or https://host/..., without a user name", field=field
            )
    if source.format is Format.DEB and not source.distribution:
        raise InvalidRequest("distribution: the suite of an apt repository is missing", field="distribution")
    if source.distribution and (not _DISTRIBUTION.fullmatch(source.distribution) or ".." in source.distribution):
        raise InvalidRequest(f"distribution: {quote(source.distribution)} is none", field="distribution")
    for field, words in (("components", source.components), ("architectures", source.architectures)):
        if len(words) > _MOST or not all(_WORD.fullmatch(word) and ".." not in word for word in words):
            raise InvalidRequest(f"{field}: a word is none, or there are more than {_MOST}", field=field)
    if len(source.keyring) > _MOST_KEY_CHARACTERS or len(source.label) > 200:
        raise InvalidRequest("gpg_key or label: it is too long", field="gpg_key")
    if not 1 <= source.reach.connections <= 32 or not 0 <= source.reach.bytes_per_second <= 1 << 40:
        raise InvalidRequest("connections or bytes_per_second: it is out of range", field="connections")
