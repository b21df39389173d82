"""What was brought together: the packages of one import, by the name that it was given."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.adapters.catalog.base import Catalog
from entrepot.adapters.catalog.imports import GroupedPackage
from entrepot.adapters.catalog.records import AuditEntry, JsonValue
from entrepot.domain.model.actor import Actor
from entrepot.domain.policy.permissions import Permission, demand
from entrepot.errors import InvalidRequest, NotFound

_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,128}")
_MOST = 20_000


def check_group(name: str) -> str:
    """Raises InvalidRequest."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest("a group is named by letters, digits and _.+- , at most 128 of them", field="group")
    return name


@dataclass(frozen=True, slots=True)
class ImportGroup:
    """A name, a suite, and what came under it; the last import says when and by whom."""

    name: str
    codename: str
    packages: Sequence[GroupedPackage]

    @property
    def last(self) -> GroupedPackage:
        """Of the last import."""
        return max(self.packages, key=lambda each: each.imported_at)


class ImportGroups:
    """Lists and forgets them."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog = catalog
        self._now = now

    def all(self, actor: Actor) -> list[ImportGroup]:
        """By name and suite."""
        demand(actor, Permission.UPSTREAM_READ)
        with self._catalog.read() as reading:
            rows = reading.import_groups(_MOST)
        found: dict[tuple[str, str], list[GroupedPackage]] = {}
        for each in rows:
            found.setdefault((each.group, each.codename), []).append(each)
        return [ImportGroup(name, codename, packages) for (name, codename), packages in found.items()]

    def remove(self, actor: Actor, name: str) -> None:
        """The grouping; packages stay where they are.

        Raises:
            InvalidRequest: no group can be called so.
            NotFound: there is none.
        """
        demand(actor, Permission.IMPORT_GROUP_WRITE)
        check_group(name)
        with self._catalog.write() as unit:
            count = unit.forget_import_group(name)
            if not count:
                raise NotFound(f"there is no import group {name}")
            detail: dict[str, JsonValue] = {"group": name, "packages": count}
            unit.audit(AuditEntry("IMPORT_GROUP_DELETE", "SUCCESS", actor, self._now(), detail=detail))
