"""Components by their language: purls and names as each ecosystem spells them."""

from __future__ import annotations

import re

from entrepot.domain.model.component import Component
from entrepot.domain.sbom.purls import purl

_MOST_CHARACTERS = 256
_WORD = re.compile(r"[!-~]{1,256}\Z")
_PYTHON_SEPARATORS = re.compile(r"[-_.]+")


class Unnamed(ValueError):
    """It does not say what it is, or not in words that can be a name and a version."""


def _checked(*words: str) -> None:
    for word in words:
        if not _WORD.match(word):
            raise Unnamed(f"{word[:40]!r} is no name or version")


def _short(text: str) -> str:
    return " ".join(text.split())[:_MOST_CHARACTERS]


def python_component(name: str, version: str, path: str, licence: str = "") -> Component:
    """Of PyPI, by the normalised name."""
    _checked(name, version)
    plain = _PYTHON_SEPARATORS.sub("-", name).lower()
    url = purl("pypi", "", name.lower().replace("_", "-"), version)
    return Component(url, "PyPI", plain, version, path, _short(licence))


def node_component(name: str, version: str, path: str, licence: str = "") -> Component:
    """Of npm; a scope is a part of the name."""
    _checked(name, version)
    scope, slash, bare = name.rpartition("/")
    if "/" in scope or bool(slash) != name.startswith("@"):
        raise Unnamed(f"{name[:40]!r} is no name of npm")
    return Component(purl("npm", scope.lower(), bare.lower(), version), "npm", name, version, path, _short(licence))


def maven_component(group: str, artifact: str, version: str, path: str) -> Component:
    """Of Maven."""
    _checked(group, artifact, version)
    if "/" in group + artifact or "${" in version:
        raise Unnamed(f"{group[:40]}:{artifact[:40]} {version[:40]} is no artifact of Maven")
    return Component(purl("maven", group, artifact, version), "Maven", f"{group}:{artifact}", version, path)


def bare_jar(name: str, version: str, path: str, licence: str = "") -> Component:
    """A jar that says only its own name: of no ecosystem, as its group is not known."""
    _checked(name, version)
    return Component(purl("generic", "", name, version), "", name, version, path, _short(licence))


def go_component(module: str, version: str, path: str) -> Component:
    """A module of Go; advisories write versions without the letter v."""
    _checked(module, version)
    namespace, _, name = module.rpartition("/")
    url = purl("golang", namespace.lower(), name.lower(), version)
    return Component(url, "Go", module, version.removeprefix("v"), path)


def go_library(version: str, path: str) -> Component:
    """The standard library that a program of Go was built with."""
    _checked(version)
    return Component(purl("golang", "", "stdlib", version), "Go", "stdlib", version, path)


def rust_component(name: str, version: str, path: str) -> Component:
    """Of crates.io."""
    _checked(name, version)
    return Component(purl("cargo", "", name, version), "crates.io", name, version, path)
