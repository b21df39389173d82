"""Which distribution a suite belongs to, in the words of OSV: ``Debian:12``, ``Ubuntu:22.04:LTS``, ``AlmaLinux:9``."""

from __future__ import annotations

import re
from enum import StrEnum

from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite

ATTRIBUTE = "ecosystem"
"""The attribute of a suite that overrules what its name says."""
NO_CONTEXT = "none"
"""As that attribute: there are no advisories for the suite."""

_DEBIAN = {
    "jessie": "8",
    "stretch": "9",
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
}
_UBUNTU = {
    "trusty": "14.04",
    "xenial": "16.04",
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "kinetic": "22.10",
    "lunar": "23.04",
    "mantic": "23.10",
    "noble": "24.04",
    "oracular": "24.10",
    "plucky": "25.04",
    "questing": "25.10",
    "resolute": "26.04",
}
_CODENAMES = {
    Format.DEB: {
        **{name: ("debian", version) for name, version in _DEBIAN.items()},
        **{name: ("ubuntu", version) for name, version in _UBUNTU.items()},
    },
    Format.RPM: {},
}
_WORDS = {
    "debian": "debian",
    "ubuntu": "ubuntu",
    "alma": "almalinux",
    "almalinux": "almalinux",
    "rocky": "rocky",
    "rockylinux": "rocky",
    "opensuse": "opensuse",
    "opensuseleap": "opensuse",
    "leap": "opensuse",
    "opensusetumbleweed": "tumbleweed",
    "tumbleweed": "tumbleweed",
    "sles": "sles",
    "suselinuxenterpriseserver": "sles",
    "rhel": "rhel",
    "redhat": "rhel",
    "mageia": "mageia",
}
_NAMED = re.compile(r"([a-z][a-z. _-]*?)[. _-]*(\d+(?:\.\d+)?)?(?:[-_ ]?sp(\d))?\Z")
_SUFFIXES = re.compile(
    r"(?:[-_](?:security|updates|backports|proposed-updates|proposed|lts|release|baseos|appstream|extras))+\Z"
)
_RED_HAT_PARTS = ("baseos", "appstream", "crb", "highavailability", "resilientstorage", "realtime", "nfv", "sap")


def context_of(suite: Suite) -> str:
    """The distribution of a suite, empty where it cannot be told; then nothing can be said about its packages.

    The attribute ``ecosystem`` comes first, then the attribute ``os`` with the suite's version, then the codename,
    with endings such as ``-security`` taken off.
    """
    attributes = suite.options.attributes
    said = attributes.get(ATTRIBUTE, "").strip()
    if said:
        return "" if said == NO_CONTEXT else said
    codename = _SUFFIXES.sub("", suite.codename.lower())
    os = _WORDS.get(_squeezed(attributes.get("os", "")), "")
    if os == "opensuse" and "tumbleweed" in codename:
        return "openSUSE:Tumbleweed"
    version = suite.options.version.strip()
    if os and version:
        return _worded(os, version)
    known = _CODENAMES[suite.format].get(codename)
    if known is not None:
        return _worded(*known)
    return _from_name(codename) if suite.format is Format.RPM or codename.startswith(("debian", "ubuntu")) else ""


def contexts_of(context: str) -> tuple[str, ...]:
    """The contexts whose advisories speak of packages of this one, itself first.

    What a first context says of a package is believed; later ones are asked only where it says nothing.
    """
    if not context:
        return ()
    vendor, _, rest = context.partition(":")
    if vendor == "Ubuntu" and rest and not rest.startswith("Pro:"):
        bare = rest.removesuffix(":LTS")
        both = (f"Ubuntu:{bare}:LTS", f"Ubuntu:{bare}") if rest != bare else (context,)
        return (*both, f"Ubuntu:Pro:{rest}")
    if vendor == "Red Hat" and re.fullmatch(r"enterprise_linux:\d+", rest):
        return (context, *(f"{context}::{part}" for part in _RED_HAT_PARTS))
    return (context,)


class Language(StrEnum):
    """What is bundled in packages, in the words of advisories: each has one context, by its own name."""

    PYPI = "PyPI"
    NPM = "npm"
    MAVEN = "Maven"
    GO = "Go"
    CRATES = "crates.io"


Order = Format | Language
"""Whose versions are compared."""

LANGUAGES = frozenset(language.value for language in Language)


def order_of(context: str) -> Order | None:
    """Of distributions and of languages."""
    return Language(context) if context in LANGUAGES else format_of(context)


def format_of(context: str) -> Format | None:
    """Whose order of versions a context has; ``None`` for ecosystems that are neither deb nor rpm."""
    return _FORMATS.get(context.partition(":")[0])


_FORMATS = {
    "Debian": Format.DEB,
    "Ubuntu": Format.DEB,
    "Echo": Format.DEB,
    "AlmaLinux": Format.RPM,
    "Rocky Linux": Format.RPM,
    "Red Hat": Format.RPM,
    "openSUSE": Format.RPM,
    "SUSE": Format.RPM,
    "Mageia": Format.RPM,
    "openEuler": Format.RPM,
    "Azure Linux": Format.RPM,
    "Photon OS": Format.RPM,
}


def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


def _from_name(codename: str) -> str:
    """``almalinux9``, ``rocky-9``, ``opensuse-leap-15.6``, ``sles15-sp5``."""
    found = _NAMED.match(codename)
    os = _WORDS.get(_squeezed(found[1]), "") if found else ""
    if not found or not os:
        return ""
    version = found[2] or ""
    if os == "sles" and found[3]:
        version = f"{version}.{found[3]}"
    return _worded(os, version)


def _worded(os: str, version: str) -> str:
    major, _, minor = version.partition(".")
    if os == "tumbleweed":
        return "openSUSE:Tumbleweed"
    if not major.isdigit():
        return ""
    match os:
        case "debian":
            return f"Debian:{major}"
        case "ubuntu":
            return f"Ubuntu:{version}{':LTS' if minor == '04' and int(major) % 2 == 0 else ''}" if minor else ""
        case "almalinux":
            return f"AlmaLinux:{major}"
        case "rocky":
            return f"Rocky Linux:{major}"
        case "rhel":
            return f"Red Hat:enterprise_linux:{major}"
        case "opensuse":
            return f"openSUSE:Leap {version}" if minor else ""
        case "sles":
            return f"SUSE:Linux Enterprise Server {major}{f' SP{minor}' if minor else ''}"
        case "mageia":
            return f"Mageia:{major}"
    return ""
