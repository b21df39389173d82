"""Distributions in the words of os-release, where those of advisories are ``Debian:12``."""

from __future__ import annotations

import re

_PLAIN = {
    "Debian": "debian",
    "Ubuntu": "ubuntu",
    "AlmaLinux": "almalinux",
    "Rocky Linux": "rocky",
    "Azure Linux": "azurelinux",
    "Photon OS": "photon",
    "Mageia": "mageia",
    "openEuler": "openEuler",
}
_SUSE = re.compile(r"Linux Enterprise (?:Server|Desktop) (\d+)(?: SP(\d+))?")
_RED_HAT = re.compile(r"enterprise_linux:(\d+)")
_VERSION = re.compile(r"\d+(?:\.\d+)*")


def system_of(context: str) -> tuple[str, str] | None:
    """Name and version, as an operating system calls itself; none where that is not known."""
    vendor, _, rest = context.partition(":")
    if vendor == "openSUSE":
        leap = rest.removeprefix("Leap ")
        return ("opensuse-leap", leap) if leap != rest else ("opensuse-tumbleweed", "")
    if vendor == "SUSE":
        found = _SUSE.match(rest)
        return ("sles", f"{found[1]}.{found[2]}" if found[2] else found[1]) if found else None
    if vendor == "Red Hat":
        found = _RED_HAT.match(rest)
        return ("rhel", found[1]) if found else None
    version = _VERSION.match(rest.removeprefix("Pro:"))
    return (_PLAIN[vendor], version[0]) if vendor in _PLAIN and version else None
