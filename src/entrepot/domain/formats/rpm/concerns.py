"""Legal but dangerous things, collected for a person to look at; bounded, however many there are."""

from __future__ import annotations

from collections.abc import Iterable

from entrepot.domain.formats.rpm.dependencies import Dependency
from entrepot.domain.formats.rpm.quoting import quote
from entrepot.domain.model.package import Concern

SHOWN_PER_CODE = 20

_BASE_NAMES = (
    "almalinux-release bash basesystem centos-release coreutils dbus dnf fedora-release filesystem glib2 glibc "
    "glibc-common gnupg2 grep kernel kernel-core krb5-libs libdnf libgcc libselinux libstdc++ libzypp ncurses-libs "
    "openssh openssh-server openssl openssl-libs openSUSE-release pam passwd polkit python3 redhat-release "
    "rocky-release rpm rpm-libs sed selinux-policy setup shadow-utils sles-release sudo system-release systemd "
    "systemd-libs tar util-linux yum zlib zypper"
)
_BASE_SYSTEM = frozenset(_BASE_NAMES.split())


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


def note_takeover(name: str, relation: str, dependencies: Iterable[Dependency], log: ConcernLog) -> None:
    """Note a package that provides or obsoletes a part of the base system that is not itself."""
    for each in dependencies:
        # Whatever bears the name of a part may split off it: glibc-langpack obsoletes parts of glibc.
        if each.name in _BASE_SYSTEM and not name.startswith(each.name):
            log.add("header.takeover", f"main header: it {relation} {quote(each.text())}, part of the base system")
