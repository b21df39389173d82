"""Where a package file lies in the pool, and what it is called there.  Nothing comes from the uploaded name."""

from __future__ import annotations


def pool_path(component: str, source: str, filename: str) -> str:
    """``pool/<component>/<prefix>/<source>/<filename>``; libraries get a prefix of four letters, others of one."""
    prefix = source[:4] if source.startswith("lib") and len(source) > 3 else source[:1]
    return f"pool/{component}/{prefix}/{source}/{filename}"


def deb_filename(name: str, version: str, architecture: str) -> str:
    """``name_version_architecture.deb``, the epoch left out as dpkg-name does."""
    epoch, colon, rest = version.partition(":")
    return f"{name}_{rest if colon else epoch}_{architecture}.deb"
