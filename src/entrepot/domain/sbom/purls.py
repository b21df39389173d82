"""Package URLs (https://github.com/package-url/purl-spec): one name for a package in every tool."""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Suite

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:")
_VENDORS = {"oraclelinux": "ol"}
"""What a system calls itself in os-release, where our own name for it is another."""


def encoded(text: str) -> str:
    """Percent-encoded as the specification has it: a colon stays, everything else that is not unreserved goes."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))


def purl(type_: str, namespace: str, name: str, version: str = "", qualifiers: Mapping[str, str] | None = None) -> str:
    """``pkg:type/namespace/name@version?qualifiers``; empty parts are left out, qualifiers are sorted.

    The rules that single types have for letters are the caller's.
    """
    parts = [encoded(part) for part in (*namespace.split("/"), name) if part]
    text = f"pkg:{type_}/{'/'.join(parts)}"
    if version:
        text += f"@{encoded(version)}"
    given = sorted((key, value) for key, value in (qualifiers or {}).items() if value)
    return text + (f"?{'&'.join(f'{key}={encoded(value)}' for key, value in given)}" if given else "")


def vendor_of(suite: Suite) -> str:
    """Who makes the system that a suite is for, as os-release names it; nothing where nobody said."""
    name = suite.options.attributes.get("os", "").lower()
    return _VENDORS.get(name, name)


def distro_of(suite: Suite) -> str:
    """``ubuntu-22.04``; the codename where nobody said which system it is for."""
    vendor, version = vendor_of(suite), suite.options.version
    if vendor == "opensuse":
        return f"opensuse-leap-{version}" if version else "opensuse-tumbleweed"
    return "-".join(part for part in (vendor, version) if part) or suite.codename


def package_purl(key: PackageKey, suite: Suite | None, source: str = "") -> str:
    """Of a .deb or .rpm in a suite.

    The epoch of a .deb is a part of its version, that of an .rpm a qualifier.  ``upstream`` names the source package
    where it has another name: advisories speak of that one.
    """
    qualifiers = {"arch": key.architecture, "distro": distro_of(suite) if suite else ""}
    vendor = vendor_of(suite) if suite else ""
    if key.format is Format.DEB:
        if source and source != key.name:
            qualifiers["upstream"] = source.lower()
        return purl("deb", vendor, key.name.lower(), key.version, qualifiers)
    epoch, colon, rest = key.version.partition(":")
    if colon:
        qualifiers["epoch"] = epoch
    if source and source != key.name:
        qualifiers["upstream"] = source
    return purl("rpm", vendor, key.name, rest if colon else key.version, qualifiers)
