"""Where a package file lies in a repository, and what it is called there.  Nothing comes from the uploaded name."""

from __future__ import annotations

from entrepot.domain.model.package import PackageKey
from entrepot.domain.versions import rpm as versions


def rpm_filename(key: PackageKey) -> str:
    """``name-version-release.architecture.rpm`` without the epoch; raises BadVersion."""
    _, version, release = versions.parse(key.version)
    return f"{key.name}-{version}-{release}.{key.architecture}.rpm"


def repo_href(filename: str, *, apart: str = "") -> str:
    """``Packages/<first letter, lower case>/<filename>``; ``apart`` is a folder put before the file."""
    between = f"{apart}/" if apart else ""
    return f"Packages/{filename[:1].lower()}/{between}{filename}"
