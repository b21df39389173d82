"""Rpm packages that step into the place of the base system."""

from __future__ import annotations

from collections.abc import Iterable

from entrepot.domain.formats.concerns import ConcernLog
from entrepot.domain.formats.quoting import quote
from entrepot.domain.formats.rpm.dependencies import Dependency

_BASE_NAMES = (
    "almalinux-release bash basesystem centos-release coreutils dbus dnf fedora-release filesystem glib2 glibc "
    "glibc-common gnupg2 grep kernel kernel-core krb5-libs libdnf libgcc libselinux libstdc++ libzypp ncurses-libs "
    "openssh openssh-server openssl openssl-libs openSUSE-release pam passwd polkit python3 redhat-release "
    "rocky-release rpm rpm-libs sed selinux-policy setup shadow-utils sles-release sudo system-release systemd "
    "systemd-libs tar util-linux yum zlib zypper"
)
_BASE_SYSTEM = frozenset(_BASE_NAMES.split())


def note_takeover(name: str, relation: str, dependencies: Iterable[Dependency], log: ConcernLog) -> None:
    """Note a package that provides or obsoletes a part of the base system that is not itself."""
    for each in dependencies:
        # Whatever bears the name of a part may split off it: glibc-langpack obsoletes parts of glibc.
        if each.name in _BASE_SYSTEM and not name.startswith(each.name):
            log.add("header.takeover", f"main header: it {relation} {quote(each.text())}, part of the base system")
