"""Debian packages that step into the place of the base system."""

from __future__ import annotations

import re

from entrepot.domain.formats.concerns import ConcernLog
from entrepot.domain.formats.deb.control import Stanza
from entrepot.domain.formats.quoting import quote

_BASE_NAMES = (
    "apt base-files base-passwd bash bsdutils coreutils dash debian-archive-keyring debianutils diffutils dpkg "
    "findutils gpgv grep gzip hostname init init-system-helpers libc-bin libc6 libpam-modules libpam-runtime login "
    "mount ncurses-base ncurses-bin openssh-server openssl passwd perl-base sed sudo systemd systemd-sysv "
    "sysvinit-utils tar ubuntu-keyring udev util-linux"
)
_BASE_SYSTEM = frozenset(_BASE_NAMES.split())
_NAME = re.compile(r"[A-Za-z0-9+._-]+")


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
