"""Where the index of a suite of apt may stand, from a path."""

from __future__ import annotations

from collections.abc import Iterator

_MOST_LEVELS = 3


def plain(path: str) -> str:
    """As ``deb URL ./`` makes clients ask, without the dots."""
    return path.replace("/./", "/").removeprefix("./")


def places_of(path: str) -> Iterator[tuple[str, str]]:
    """Codename and path below the suite, the likeliest first.

    Mirrors of ``dists/bookworm/updates/`` and of flat repositories have suites whose names say so:
    ``bookworm_updates``, ``flat``, ``flat_amd64``.
    """
    parts = path.split("/")
    if parts[0] == "dists":
        for levels in range(1, min(_MOST_LEVELS, len(parts) - 2) + 1):
            yield "_".join(parts[1 : levels + 1]), "/".join(parts[levels + 1 :])
    elif parts[0] != "pool":
        for levels in range(min(_MOST_LEVELS, len(parts) - 1) + 1):
            yield "_".join(("flat", *parts[:levels])), "/".join(parts[levels:])
