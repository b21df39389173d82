"""Where the files of a generation lie in a plain tree: what content answers by rules stands there as a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from entrepot.domain.formats.manifest import Manifest
from entrepot.domain.model.generation import PublishedFile
from entrepot.domain.model.package import Format
from entrepot.domain.model.snapshot import PackageFile
from entrepot.domain.model.suite import ALL, Suite
from entrepot.services.publish.trees import DocumentPlan

_DEB_ROOTS = ("Release", "Release.gpg", "InRelease")
_RPM_ROOTS = ("repomd.xml.key", "repomd.xml.asc", "repomd.xml")
_FOREIGN_NAMED = re.compile(r"repodata/[0-9a-f]{64}-[^/]+\Z")
_CHECKSUM_NAMED = re.compile(r"[^/]+/repodata/[0-9a-f]{64}-[^/]+\Z")


@dataclass(frozen=True, slots=True)
class Layout:
    """``hashed`` are files under names that tell their content, ``plain`` the others, ``same`` what is in both.

    ``roots`` are paths of the generation, below ``top``, in the order in which they are replaced.
    """

    top: str
    hashed: Sequence[tuple[str, PublishedFile]]
    plain: Sequence[tuple[str, PublishedFile]]
    same: Mapping[str, str]
    roots: Sequence[str]
    places: Callable[[PackageFile], Sequence[str]]


def layout_of(suite: Suite, manifest: Manifest, plans: Sequence[DocumentPlan]) -> Layout:
    """By the format of the suite."""
    if suite.format is Format.DEB:
        return _deb(f"dists/{suite.codename}/", manifest)
    return _rpm(suite, manifest, plans)


def layout_of_mirror(suite: Suite, folder: str, manifest: Manifest) -> Layout:
    """Of what an upstream has signed: its index lies in ``folder``, as it does there."""
    if suite.format is Format.DEB:
        return _deb(folder, manifest)
    top = f"{suite.codename}/"
    indexes = {path: file for path, file in manifest.files.items() if path.rpartition("/")[2] not in _RPM_ROOTS}
    hashed = [(top + path, file) for path, file in indexes.items() if _FOREIGN_NAMED.match(path)]
    plain = [(top + path, file) for path, file in indexes.items() if not _FOREIGN_NAMED.match(path)]
    roots = [f"repodata/{name}" for name in _RPM_ROOTS if f"repodata/{name}" in manifest.files]
    return Layout(top, hashed, plain, {}, roots, lambda file: [file.path])


def _deb(top: str, manifest: Manifest) -> Layout:
    sha512 = {manifest.files[path].digest: digest for digest, path in manifest.hashed.items() if len(digest) == 128}
    hashed: dict[str, PublishedFile] = {}
    plain: list[tuple[str, PublishedFile]] = []
    same: dict[str, str] = {}
    for path, file in manifest.files.items():
        if path in _DEB_ROOTS:
            continue
        folder = top + path.rpartition("/")[0] + ("/" if "/" in path else "")
        named = f"{folder}by-hash/SHA256/{file.digest}"
        hashed[named] = file
        if file.digest in sha512:
            hashed[f"{folder}by-hash/SHA512/{sha512[file.digest]}"] = file
        plain.append((top + path, file))
        same[top + path] = named
    roots = [name for name in _DEB_ROOTS if name in manifest.files]
    return Layout(top, list(hashed.items()), plain, same, roots, lambda package: [package.path])


def _rpm(suite: Suite, manifest: Manifest, plans: Sequence[DocumentPlan]) -> Layout:
    top = f"{suite.codename}/"
    hashed: list[tuple[str, PublishedFile]] = []
    plain: list[tuple[str, PublishedFile]] = []
    roots: list[str] = []
    for path, file in manifest.files.items():
        if path.rpartition("/")[2] in _RPM_ROOTS:
            continue
        (hashed if _CHECKSUM_NAMED.match(path) else plain).append((top + path, file))
    bases = sorted(path.partition("/")[0] for path in manifest.files if path.endswith("/repodata/repomd.xml"))
    for base in bases:
        roots += [f"{base}/repodata/{name}" for name in _RPM_ROOTS if f"{base}/repodata/{name}" in manifest.files]
    planned = {plan.name.split("/")[1]: plan.trees for plan in plans}
    listed = {base: planned.get(base, (base, ALL[Format.RPM])) for base in bases}

    def places(package: PackageFile) -> Sequence[str]:
        return [f"{top}{base}/{package.path}" for base, trees in listed.items() if package.tree in trees]

    return Layout(top, hashed, plain, {}, roots, places)
