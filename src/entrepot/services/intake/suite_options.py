"""Options of a suite as people give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from entrepot.domain.advisories.contexts import ATTRIBUTE, NO_CONTEXT, format_of
from entrepot.domain.formats.deb.release import ReleaseFields, write_release
from entrepot.domain.model.suite import SuiteOptions
from entrepot.errors import BadIndexField, InvalidRequest

_COMPONENT = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.+_-]{0,31}(/[a-zA-Z0-9][a-zA-Z0-9.+_-]{0,31}){0,3}\Z")
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
_CODECS = ("gz", "xz", "zst")
_DIGESTS = ("sha256", "sha512")


def with_options(base: SuiteOptions, changes: Mapping[str, object]) -> SuiteOptions:
    """Options with some replaced, each checked.

    Raises:
        InvalidRequest: naming the option and the rule.
    """
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
    if ATTRIBUTE in values:
        values["attributes"] = _with_ecosystem(base.attributes, str(values.pop(ATTRIBUTE)))
    for name, pattern in (("components", _COMPONENT), ("architectures", _ARCHITECTURE)):
        for word in values.get(name, ()):  # type: ignore[attr-defined]
            if not pattern.match(word):
                raise InvalidRequest(f"{word[:80]!r} cannot be one of the {name}")
    if "components" in values and not values["components"]:
        raise InvalidRequest("a suite needs a component")
    unknown = set(values) - set(SuiteOptions.__dataclass_fields__)
    if unknown:
        raise InvalidRequest(f"unknown option {min(unknown)[:80]!r}")
    for name, known in (("codecs", _CODECS), ("digests", _DIGESTS)):
        for word in values.get(name, ()):  # type: ignore[attr-defined]
            if word not in known:
                raise InvalidRequest(f"{name} must be among {', '.join(known)}")
    _check_lists(values)
    changed = replace(base, **values)  # type: ignore[arg-type]
    _check_release(changed)
    return changed


def _check_lists(values: Mapping[str, object]) -> None:
    """A suite with a file twice in its index, or without a digest that clients verify, could not be published."""
    for name in ("components", "architectures", "codecs", "digests"):
        words = values.get(name, ())
        if isinstance(words, tuple) and (twice := [word for word in words if words.count(word) > 1]):
            raise InvalidRequest(f"{name}: {twice[0]} is named twice")
    digests = values.get("digests")
    if digests is not None and "sha256" not in cast("tuple[str, ...]", digests):
        raise InvalidRequest("digests: sha256 has to be among them; clients verify by it")


def _with_ecosystem(attributes: Mapping[str, str], said: str) -> dict[str, str]:
    """Which distribution's advisories speak of the packages; nothing leaves it to the names."""
    rest = {name: value for name, value in attributes.items() if name != ATTRIBUTE}
    if not said:
        return rest
    if not said.isprintable() or len(said) > 100 or (said != NO_CONTEXT and format_of(said) is None):
        raise InvalidRequest(f"ecosystem must be {NO_CONTEXT}, or as advisories have it, such as Debian:12")
    return {**rest, ATTRIBUTE: said}


def _check_release(options: SuiteOptions) -> None:
    """What cannot be written into a signed file must not get as far as a publication."""
    fields = ReleaseFields(
        origin=options.origin,
        label=options.label,
        suite=options.suite,
        codename="any",
        version=options.version,
        date=datetime(2000, 1, 1, tzinfo=UTC),
        architectures=options.architectures,
        components=options.components,
        description=options.description,
        not_automatic=options.not_automatic,
        but_automatic_upgrades=options.but_automatic_upgrades,
    )
    try:
        write_release(fields, [])
    except BadIndexField as error:
        raise InvalidRequest(error.detail) from error
