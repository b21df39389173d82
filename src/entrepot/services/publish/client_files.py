"""Ready-made client configuration: deb822 ``.sources`` with the key inline, ``.repo`` for dnf and zypper."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.domain.model.package import Format
from entrepot.domain.model.suite import Suite


def sources_file(suite: Suite, base_url: str, armored_key: bytes, within: str = "") -> bytes:
    """deb822 source (sources.list(5)); the key stands inline, so that one download is the whole set-up.

    ``within`` is the path below the archive where a view of it begins.
    """
    return static_sources_file(suite, f"{base_url}/apt/{suite.archive.name}{within}", armored_key)


def static_sources_file(suite: Suite, url: str, armored_key: bytes) -> bytes:
    """The same for an archive that lies at ``url`` itself."""
    lines = armored_key.decode("utf-8").rstrip("\n").split("\n")
    key = "\n".join(f" {line.strip() or '.'}" for line in lines)
    text = (
        f"# {suite.options.description or suite.codename}\n"
        f"Types: deb\n"
        f"URIs: {url}\n"
        f"Suites: {suite.codename}\n"
        f"Components: {' '.join(suite.options.components)}\n"
        f"Signed-By:\n{key}\n"
    )
    return text.encode()


def repo_file(suite: Suite, base_url: str, within: str = "") -> bytes:
    """dnf.conf(5) repository section; metadata is signed, packages keep whatever signature they came with.

    ``gpgcheck=0`` because packages are not signed by this archive: ``repo_gpgcheck=1`` covers them through their
    digests in the signed metadata.
    """
    return static_repo_file(suite, f"{base_url}/rpm/{suite.archive.name}", within)


def static_repo_file(suite: Suite, url: str, within: str = "") -> bytes:
    """The same for an archive that lies at ``url`` itself."""
    text = (
        f"[{suite.archive.name}-{suite.codename}]\n"
        f"name={suite.options.description or suite.codename}\n"
        f"baseurl={url}{within}/{suite.codename}/$basearch/\n"
        f"enabled=1\n"
        f"gpgcheck=0\n"
        f"repo_gpgcheck=1\n"
        f"gpgkey={url}/key.asc\n"
        f"metadata_expire=60\n"
        f"autorefresh=1\n"
        f"type=rpm-md\n"
    )
    return text.encode()


@dataclass(frozen=True, slots=True)
class Foreign:
    """What clients are told of a mirror: the upstream's keys, its name of the distribution, and kinds of packages."""

    armored_keys: bytes
    distribution: str
    types: str


def mirror_file(suite: Suite, base_url: str, foreign: Foreign, within: str = "") -> bytes:
    """The same for a suite that an upstream has signed."""
    top = "apt" if suite.format is Format.DEB else "rpm"
    return static_mirror_file(suite, f"{base_url}/{top}/{suite.archive.name}", foreign, within)


def static_mirror_file(suite: Suite, url: str, foreign: Foreign, within: str = "") -> bytes:
    """The same for an archive that lies at ``url`` itself.

    rpm: the repository is one folder, without a level for each architecture; packages keep the upstream's signatures.
    """
    armored_keys, distribution, types = foreign.armored_keys, foreign.distribution, foreign.types
    if suite.format is Format.DEB:
        text = static_sources_file(suite, f"{url}{within}", armored_keys)
        ours = f"Suites: {suite.codename}\nComponents: {' '.join(suite.options.components)}\n"
        theirs = f"Suites: {distribution}\n"
        if not distribution.endswith("/"):
            theirs += f"Components: {' '.join(suite.options.components)}\n"
        text = text.replace(ours.encode(), theirs.encode())
        text = text.replace(b"Types: deb\n", f"Types: {types}\n".encode())
        return text if armored_keys else text.partition(b"Signed-By:")[0] + b"Trusted: yes\n"
    plain = static_repo_file(suite, url, within).replace(b"/$basearch/\n", b"/\n")
    return plain if armored_keys else plain.replace(b"repo_gpgcheck=1", b"repo_gpgcheck=0")
