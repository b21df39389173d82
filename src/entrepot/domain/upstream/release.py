"""Whether a Release file is the one that was asked for, of its time, and good for verifying with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.domain.formats.deb.release import ReleaseFile
from entrepot.domain.formats.deb.release_reader import Release, parse_release
from entrepot.domain.formats.quoting import quote
from entrepot.domain.upstream.source import Root, Source
from entrepot.errors import (
    MalformedIndex,
    UpstreamDigest,
    UpstreamExpired,
    UpstreamIdentity,
    UpstreamParse,
    UpstreamPath,
    UpstreamRollback,
)

MAX_ROOT_BYTES = 16 << 20
_AHEAD = timedelta(hours=12)
_STALE = timedelta(days=180)
# In this order: the smallest file first, as long as it is read in a stream.
_SUFFIXES = (".xz", ".zst", ".gz", ".bz2", "")
_STRONG = ("sha512", "sha256")


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One index to fetch: ``path`` below the suite's folder, digests of the file and of what it unpacks to."""

    path: str
    component: str
    size_bytes: int
    digests: Mapping[str, str]
    open_size_bytes: int | None = None
    open_digests: Mapping[str, str] | None = None
    by_hash: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is believed: the root to keep, the indexes to fetch, and what a person should know."""

    root: Root
    indexes: Sequence[IndexFile]
    notes: tuple[str, ...] = ()


def read_release(text: bytes, label: str) -> Release:
    """A signed text taken apart.

    Raises:
        UpstreamParse, UpstreamPath: it is no Release file, or lists a file outside its folder.
    """
    try:
        return parse_release(text)
    except MalformedIndex as error:
        kind = UpstreamPath if error.facts.get("fault") == "path" else UpstreamParse
        raise kind(f"{label}: {error.detail}") from None


def judge_release(source: Source, release: Release, sha256: str, now: datetime) -> Verdict:
    """Compare with what was asked for, with what was taken last, and with the clock.

    Raises:
        UpstreamIdentity, UpstreamExpired, UpstreamRollback, UpstreamDigest: it is not to be believed.
    """
    fields, label = release.fields, f"{source.name}: Release"
    root = Root(
        sha256,
        fields.date,
        valid_until=fields.valid_until,
        origin=fields.origin,
        label=fields.label,
        suite=fields.suite,
        codename=fields.codename,
    )
    _check_identity(source, release, label)
    _check_same(source.state.root, root, label)
    check_time(source, root, label, now)
    return Verdict(root, _indexes(source, release, label), _notes(root, now))


def check_time(source: Source, root: Root, label: str, now: datetime) -> None:
    """Also asked of a root that did not change: it may have run out meanwhile.

    Raises:
        UpstreamExpired, UpstreamRollback: see there.
    """
    last = source.state.root
    if last is not None and (root.moment < last.moment or root.revision < last.revision):
        raise UpstreamRollback(
            f"{label}: it is of {root.moment:%Y-%m-%d %H:%M}, older than what was taken before "
            f"({last.moment:%Y-%m-%d %H:%M})"
        )
    if root.moment > now + _AHEAD:
        raise UpstreamExpired(f"{label}: it is of {root.moment:%Y-%m-%d %H:%M}, which is yet to come")
    if root.valid_until is not None and root.valid_until < now and source.trust.check_valid_until:
        raise UpstreamExpired(f"{label}: it was valid until {root.valid_until:%Y-%m-%d %H:%M}")


def _notes(root: Root, now: datetime) -> tuple[str, ...]:
    if root.valid_until is None and now - root.moment > _STALE:
        return (f"upstream.stale: it is of {root.moment:%Y-%m-%d} and does not say how long it is valid",)
    return ()


def _check_identity(source: Source, release: Release, label: str) -> None:
    fields, asked = release.fields, source.distribution.rstrip("/")
    names = {name for name in (fields.suite, fields.codename) if name}
    # Whoever says bookworm/updates gets a file that says bookworm; that of a flat repository may say anything.
    if names and not source.is_flat and not {asked, asked.rpartition("/")[0]} & names and not asked.endswith("."):
        raise UpstreamIdentity(f"{label}: it is of {quote(' '.join(sorted(names)))}, not of {quote(asked)}")
    for component in source.components:
        if fields.components and _last(component) not in {_last(each) for each in fields.components}:
            raise UpstreamIdentity(f"{label}: it has no component {quote(component)}")
    for architecture in source.architectures:
        if fields.architectures and architecture not in fields.architectures:
            raise UpstreamIdentity(f"{label}: it has no architecture {quote(architecture)}")


def _last(component: str) -> str:
    """``updates/main`` is called so in the archive of security updates, ``main`` by those who use it."""
    return component.rpartition("/")[2]


def _check_same(last: Root | None, root: Root, label: str) -> None:
    if last is None:
        return
    for name in ("origin", "label", "codename"):
        before, now = getattr(last, name), getattr(root, name)
        if before != now:
            raise UpstreamIdentity(f"{label}: its {name.title()} was {quote(before)} and is {quote(now)} now")


def _indexes(source: Source, release: Release, label: str) -> list[IndexFile]:
    by_path = {file.path: file for file in release.files}
    if not any(strong_digests(file) for file in release.files):
        raise UpstreamDigest(f"{label}: it gives no SHA256 nor SHA512 of any file")
    if source.is_flat:
        if not any(f"Packages{suffix}" in by_path for suffix in _SUFFIXES):
            raise UpstreamIdentity(f"{label}: it lists no Packages")
        return [_choose(by_path, "Packages", "", release, label)]
    components = {_last(each): each for each in release.fields.components}
    found = []
    for component in source.components or tuple(release.fields.components):
        for architecture in _architectures(source, release):
            # The folder is named like the component, with or without what stands before its last slash.
            folder = next(
                (each for each in (component, _last(component), components.get(_last(component), ""))
                 if any(f"{each}/binary-{architecture}/Packages{suffix}" in by_path for suffix in _SUFFIXES)), ""
            )  # fmt: skip
            if folder:
                found.append(_choose(by_path, f"{folder}/binary-{architecture}/Packages", component, release, label))
            elif architecture != "all":
                raise UpstreamIdentity(f"{label}: it lists no Packages of {quote(component)} for {architecture}")
    return found


def _architectures(source: Source, release: Release) -> list[str]:
    fields = release.fields
    wanted = list(source.architectures) or [each for each in fields.architectures if each != "all"] or ["all"]
    if "all" in fields.architectures and "all" not in wanted and not fields.no_support_for_architecture_all:
        wanted.append("all")
    return wanted


def _choose(by_path: Mapping[str, ReleaseFile], stem: str, component: str, release: Release, label: str) -> IndexFile:
    file = next(by_path[stem + suffix] for suffix in _SUFFIXES if stem + suffix in by_path)
    digests, plain = strong_digests(file), by_path.get(stem)
    if not digests:
        raise UpstreamDigest(f"{label}: it gives no SHA256 nor SHA512 of {quote(file.path)}")
    by_hash = ""
    if release.fields.acquire_by_hash:
        by_hash = by_hash_of(file.path, digests)
    opened = (plain.size_bytes, strong_digests(plain)) if plain is not None and plain is not file else (None, None)
    return IndexFile(file.path, component, file.size_bytes, digests, opened[0], opened[1] or None, by_hash)


def by_hash_of(path: str, digests: Mapping[str, str]) -> str:
    """Where a file also lies, under the name of its strongest digest."""
    algorithm = next(each for each in _STRONG if each in digests)
    folder = path.rpartition("/")[0]
    return f"{folder}/by-hash/{algorithm.upper()}/{digests[algorithm]}".lstrip("/")


def strong_digests(file: ReleaseFile) -> dict[str, str]:
    """Those that count."""
    return {name: digest for name, digest in file.digests.items() if name in _STRONG}
