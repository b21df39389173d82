"""Legal but dangerous things, collected for a person to look at; bounded, however many there are."""

from __future__ import annotations

import re

from entrepot.domain.formats.deb.control import Stanza
from entrepot.domain.formats.deb.quoting import quote
from entrepot.domain.model.package import Concern

SHOWN_PER_CODE = 20

_BASE_NAMES = (
    "apt base-files base-passwd bash bsdutils coreutils dash debian-archive-keyring debianutils diffutils dpkg "
    "findutils gpgv grep gzip hostname init init-system-helpers libc-bin libc6 libpam-modules libpam-runtime login "
    "mount ncurses-base ncurses-bin openssh-server openssl passwd perl-base sed sudo systemd systemd-sysv "
    "sysvinit-utils tar ubuntu-keyring udev util-linux"
)
_BASE_SYSTEM = frozenset(_BASE_NAMES.split())
_NAME = re.compile(r"[A-Za-z0-9+._-]+")


class ConcernLog:
    """Concerns in the order seen; after ``SHOWN_PER_CODE`` of one code only their number is kept."""

    __slots__ = ("_counts", "_seen")

    def __init__(self) -> None:
        self._seen: list[Concern] = []
        self._counts: dict[str, int] = {}

    def add(self, code: str, detail: str) -> None:
        """Note one concern; ``detail`` is one sentence, raw names in it quoted."""
        count = self._counts[code] = self._counts.get(code, 0) + 1
        if count <= SHOWN_PER_CODE:
            self._seen.append(Concern(code, detail))

    def concerns(self) -> tuple[Concern, ...]:
        """All that was noted."""
        hidden = [
            Concern(code, f"{count - SHOWN_PER_CODE} more of these are not listed")
            for code, count in self._counts.items()
            if count > SHOWN_PER_CODE
        ]
        return tuple(self._seen + hidden)


def note_takeover(stanza: Stanza, name: str, relations: dict[str, tuple[str, ...]], log: ConcernLog) -> None:
    """Note a package that makes itself essential, or steps into the place of a part of the base system.

    A versioned Replaces or Conflicts is how files move between packages and says nothing.
    """
    for field in ("Essential", "Protected", "Important"):
        if stanza.get(field.lower()).lower() == "yes":
            log.add("control.essential", f"control: {field} is yes, so the package resists removal")
    for relation in ("provides", "replaces", "conflicts"):
        for entry in relations.get(relation, ()):
            match = _NAME.match(entry)
            target = match[0] if match else ""
            if target in _BASE_SYSTEM and target != name and (relation == "provides" or "(" not in entry):
                log.add(
                    "control.takeover", f"control: {relation.title()} names {quote(entry)}, part of the base system"
                )
