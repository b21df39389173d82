"""Versions and dependencies of packages in the main API's words (contract 4.2, 4.3)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from entrepot.domain.dependencies.closure import Closure, Dependency
from entrepot.domain.model.package import Format, PackageKey
from entrepot.domain.model.suite import Suite
from entrepot.entrypoints.api.words import Body, stored_missing, version_detail, when
from entrepot.services.intake.listing import Version
from entrepot.services.resolution import Resolution


def version_row(version: Version, *, is_latest: bool) -> Body:
    """A row of ``GET /artifacts/{name}/versions``."""
    detail, package = version_detail(version, is_latest=is_latest), version.package
    kept = (
        *("version", "arch", "distribution", "distributions", "filename", "status", "cve_summary", "is_latest"),
        "pool_available",
    )
    return {name: detail[name] for name in kept} | {
        "sha256": package.digest,
        "size_bytes": package.size_bytes,
        "imported_at": when(package.received_at),
        "imported_by": package.received_by,
        "deps_missing": stored_missing(version),
    }


def comparison(name: str, first: Version, second: Version, *, latest: str) -> Body:
    """What changed from one version to another."""
    old = version_detail(first, is_latest=first.package.key.version == latest)
    new = version_detail(second, is_latest=second.package.key.version == latest)
    before, after = list(old["dependencies"]), list(new["dependencies"])
    return {
        "package": name,
        "arch": second.package.key.architecture,
        "v1": first.package.key.version,
        "v2": second.package.key.version,
        "v1_manifest": old,
        "v2_manifest": new,
        "diff": {
            "size_change_bytes": second.package.size_bytes - first.package.size_bytes,
            "description_changed": old["description"] != new["description"],
            "new_deps": [entry for entry in after if entry not in before],
            "removed_deps": [entry for entry in before if entry not in after],
            "sha256_changed": first.package.digest != second.package.digest,
            "status_change": _change(old["status"], new["status"]),
            "cve_change": _cve_change(old["cve_summary"], new["cve_summary"]),
        },
        "error": None,
    }


def _change(before: object, after: object) -> Body | None:
    return None if before == after else {"from": before, "to": after}


def _cve_change(before: Any, after: Any) -> Body:
    words = ("critical", "high", "medium", "low", "negligible")
    return {word: int(after.get(word) or 0) - int(before.get(word) or 0) for word in words}


def dependency_body(resolution: Resolution) -> Body:
    """``GET /artifacts/{name}/dependencies``."""
    key, closure = resolution.package.key, resolution.closure
    return {
        "package": key.name,
        "version": key.version,
        "arch": key.architecture,
        "architecture": resolution.home,
        "distribution": resolution.suite.codename,
        "format": key.format.value,
        "dependencies": [_dependency(each) for each in closure.dependencies],
        "all_satisfied": not closure.missing and not closure.gave_up,
        "missing": missing_names(closure),
        "install_blocked": not closure.installable,
        "conflicts": list(closure.conflicts),
        "reasons": reasons(closure),
        "gave_up": closure.gave_up,
    }


def _dependency(each: Dependency) -> Body:
    row: Body = {
        "name": each.need.label,
        "available_internally": each.satisfied,
        "depth": each.depth,
        "required_by": [str(key) for key in each.required_by],
        "relation": each.need.text,
    }
    if each.need.constraint:
        row["version_constraint"] = each.need.constraint
    if each.need.alternatives:
        row["alternatives"] = list(each.need.alternatives)
    if each.taken:
        row |= {"version": each.taken[0].version, "provided_by": [str(key) for key in each.taken]}
    if each.unfit:
        row["unfit"] = [str(key) for key in each.unfit]
    return row


def missing_names(closure: Closure) -> list[str]:
    """What no package of the suite offers, each once."""
    return list(dict.fromkeys(each.need.label for each in closure.missing))


def reasons(closure: Closure) -> list[str]:
    """Why it cannot be installed, a sentence each."""
    if closure.gave_up:
        return ["the dependencies are too entangled to be looked at in reasonable time"]
    found = [
        f"{' needs '.join(_chain(each.required_by))} needs {each.need.text}, {_lack(each)}" for each in closure.missing
    ]
    return [*found, *closure.conflicts]


def _lack(each: Dependency) -> str:
    if not each.unfit:
        return "which nothing here offers"
    return f"which is not met by what is here: {', '.join(str(key) for key in each.unfit)}"


def _chain(path: Sequence[PackageKey]) -> list[str]:
    return [f"{key.name} {key.version}" for key in path]


def install_body(resolution: Resolution, base_url: str) -> Body:
    """``GET /artifacts/{name}/install``: lines to paste into a root shell."""
    key, suite = resolution.package.key, resolution.suite
    commands = _commands(key, suite, resolution.home)
    return {
        "package": key.name,
        "version": key.version,
        "distribution": suite.codename,
        "format": key.format.value,
        "arch": key.architecture,
        "command": commands["apt" if key.format is Format.DEB else "dnf"],
        "commands": commands,
        "setup": _apt_setup(suite, base_url) if key.format is Format.DEB else _repo_setup(suite, base_url, "dnf"),
        "setups": {
            "apt": _apt_setup(suite, base_url) if key.format is Format.DEB else None,
            "dnf": _repo_setup(suite, base_url, "dnf") if key.format is Format.RPM else None,
            "zypper": _repo_setup(suite, base_url, "zypper") if key.format is Format.RPM else None,
            "apk": None,
        },
        "install_blocked": not resolution.closure.installable,
        "missing": missing_names(resolution.closure),
    }


def _commands(key: PackageKey, suite: Suite, home: str) -> dict[str, str | None]:
    if key.format is Format.DEB:
        native = next(iter(suite.options.architectures), home)
        name = key.name if key.architecture in ("all", native) else f"{key.name}:{key.architecture}"
        return {
            "apt": f"apt-get install {shlex.quote(f'{name}={key.version}')}",
            "dnf": None,
            "zypper": None,
            "apk": None,
        }
    exact = shlex.quote(f"{key.name}-{key.version}.{key.architecture}")
    zypper = shlex.quote(f"{key.name}.{key.architecture}={key.version}")
    return {"apt": None, "dnf": f"dnf install {exact}", "zypper": f"zypper install {zypper}", "apk": None}


def _label(suite: Suite) -> str:
    return f"entrepot-{suite.archive.name}-{suite.codename}"


def _apt_setup(suite: Suite, base_url: str) -> list[str]:
    """The key in a file, since apt before 2.4 reads no key that stands in the source itself."""
    archive = f"{base_url}/apt/{suite.archive.name}"
    key_file = f"/etc/apt/keyrings/entrepot-{suite.archive.name}.asc"
    fields = {
        "Types": "deb",
        "URIs": archive,
        "Suites": suite.codename,
        "Components": " ".join(suite.options.components),
        "Signed-By": key_file,
    }
    lines = " ".join(shlex.quote(f"{name}: {value}") for name, value in fields.items())
    return [
        "mkdir -p /etc/apt/keyrings",
        f"curl -fsSL -o {key_file} {shlex.quote(archive + '/key.asc')}",
        f"printf '%s\\n' {lines} > /etc/apt/sources.list.d/{_label(suite)}.sources",
        "apt-get update",
    ]


def _repo_setup(suite: Suite, base_url: str, program: str) -> list[str]:
    folder = "/etc/yum.repos.d" if program == "dnf" else "/etc/zypp/repos.d"
    address = f"{base_url}/rpm/{suite.archive.name}/{suite.codename}.repo"
    more = [] if program == "dnf" else ["zypper --gpg-auto-import-keys refresh"]
    return [f"curl -fsSL -o {folder}/{_label(suite)}.repo {shlex.quote(address)}", *more]
