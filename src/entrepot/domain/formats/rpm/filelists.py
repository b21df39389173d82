"""The element of a package in filelists.xml: every path it owns."""

from __future__ import annotations

from entrepot.domain.formats.rpm.content import Content
from entrepot.domain.formats.rpm.documents import DIGEST_MARK
from entrepot.domain.formats.rpm.files import ListedFile
from entrepot.domain.formats.rpm.markup import attribute, decoded, text
from entrepot.domain.model.package import PackageKey
from entrepot.domain.versions import rpm as versions


def filelists_fragment(content: Content) -> bytes:
    """``<package pkgid=...>...</package>`` with the mark of the digest in it."""
    lines = [
        package_tag(content.key),
        f"  {version_element(content.key)}",
        *(f"  {file_element(each)}" for each in content.files),
        "</package>",
    ]
    return ("\n".join(lines) + "\n").encode()


def package_tag(key: PackageKey) -> str:
    """How a package begins in filelists.xml and other.xml."""
    name, architecture = attribute(key.name), attribute(key.architecture)
    return f'<package pkgid="{DIGEST_MARK.decode()}" name="{name}" arch="{architecture}">'


def version_element(key: PackageKey) -> str:
    """Epoch, version and release in three attributes."""
    epoch, version, release = versions.parse(key.version)
    return f'<version epoch="{epoch}" ver="{attribute(version)}" rel="{attribute(release)}"/>'


def file_element(file: ListedFile) -> str:
    """One path; directories and ghosts say so."""
    kind = ' type="dir"' if file.is_directory else ' type="ghost"' if file.is_ghost else ""
    return f"<file{kind}>{text(decoded(file.path))}</file>"
