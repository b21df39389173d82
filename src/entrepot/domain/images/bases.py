"""What a base image is made of, as far as its name tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DEBIAN = {
    "10": "buster",
    "11": "bullseye",
    "12": "bookworm",
    "13": "trixie",
}
_UBUNTU = {"18.04": "bionic", "20.04": "focal", "22.04": "jammy", "24.04": "noble", "26.04": "resolute"}
_CODENAMES = (*_DEBIAN.values(), *_UBUNTU.values(), "sid", "stretch", "xenial")
_ENTERPRISE = {
    "almalinux": "almalinux",
    "rockylinux": "rocky",
    "centos": "centos",
    "oraclelinux": "oracle",
    "rhel": "rhel",
    "ubi": "rhel",
}


@dataclass(frozen=True, slots=True)
class Base:
    """``manager`` is ``apt``, ``rpm``, ``apk`` or nothing; ``distributions`` are names for it, the usual one first."""

    image: str
    manager: str = ""
    distributions: tuple[str, ...] = ()


def base_of(image: str) -> Base:
    """By the reference of an image: ``[registry/]path[:tag][@digest]``."""
    place = image.partition("@")[0].lower()
    path, _, tag = place.partition(":") if ":" not in place.partition("/")[0] else _after_port(place)
    name, words = path.rpartition("/")[2], set(re.split(r"[-_/:]", f"{path}:{tag}"))
    if (alpine := re.search(r"alpine[-:]?v?([0-9]+\.[0-9]+)", f"{name}:{tag}")) or "alpine" in words:
        return Base(image, "apk", (f"alpine-{alpine[1]}", f"alpine{alpine[1]}") if alpine else ())
    codename = next((each for each in _CODENAMES if each in words), "")
    if codename:
        return Base(image, "apt", (codename,))
    version = re.match(r"v?([0-9]+(?:\.[0-9]+)?)", tag)
    number = version[1] if version is not None else ""
    if name == "ubuntu":
        return Base(image, "apt", tuple(filter(None, (_UBUNTU.get(number, ""),))))
    if name == "debian" or "debian" in words:
        return Base(image, "apt", tuple(filter(None, (_DEBIAN.get(number.partition(".")[0], ""),))))
    return _rpm(image, path, name, tag, number)


def _after_port(place: str) -> tuple[str, str, str]:
    """A colon in the first part is one of a port, unless there is no other part."""
    host, slash, rest = place.partition("/")
    if not slash:
        return host.partition(":")
    path, colon, tag = rest.partition(":")
    return f"{host}/{path}", colon, tag


def _rpm(image: str, path: str, name: str, tag: str, number: str) -> Base:
    major = number.partition(".")[0]
    whole = f"{path}:{tag}"
    if "fedora" in name:
        return Base(image, "rpm", (f"fc{major}", f"fedora{major}") if major else ())
    if "opensuse" in path or "/bci" in f"/{path}" or name in ("leap", "tumbleweed"):
        names = ("tumbleweed",) if "tumbleweed" in whole else (f"leap{number}", f"opensuse-leap-{number}")
        return Base(image, "rpm", names if number or "tumbleweed" in whole else ())
    if "amazonlinux" in name:
        return Base(image, "rpm", (f"amzn{major}", f"amazonlinux{major}") if major else ())
    for word, own in _ENTERPRISE.items():
        found = re.search(rf"\b{word}([0-9]+)?\b|\b{word}([0-9]+)[-/]", whole)
        if found is not None:
            stream = re.match(r"stream([0-9]+)", tag)
            major = found[1] or found[2] or (stream[1] if stream is not None else major)
            same = [f"{each}{major}" for each in dict.fromkeys((own, "almalinux", "rocky", "rhel"))]
            return Base(image, "rpm", (f"el{major}", *same) if major else ())
    return Base(image)
