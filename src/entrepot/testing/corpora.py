"""Where the generators of hostile packages and hostile upstreams lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_PROJECT = Path(__file__).parents[3]


def shared_folder() -> Path | None:
    """The folder named by ``ENTREPOT_SHARED``, else ``shared`` beside the project; none when it is absent."""
    folder = Path(os.environ.get("ENTREPOT_SHARED") or _PROJECT.parent / "shared")
    return folder if folder.is_dir() else None


def require_shared(*parts: str) -> Path:
    """``shared_folder`` or a path within it; skips the test with the reason when it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip(
            "no folder with hostile-file generators: set ENTREPOT_SHARED or put it beside the project as 'shared'"
        )
    path = folder.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the folder with hostile-file generators has no {'/'.join(parts)}")
    return path
