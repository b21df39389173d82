"""Moves of environments that cannot be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.errors import InvalidRequest
from entrepot.services.snapshots.environments import Aim
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, memory_installation


def test_a_distribution_shows_one_snapshot_under_whichever_name_it_is_called(tmp_path: Path) -> None:
    with memory_installation(tmp_path) as house:
        house.upload(build_deb("one", "1.0", "all"), "one_1.0_all.deb", "bookworm")
        house.wait_published("bookworm")
        app = house.application
        app.environments.create(ADMIN, "prod", "", protected=False)
        for name in ("s1", "s2"):
            app.snapshots.keep(ADMIN, "bookworm", name)
        for other in ("bookworm", "main/bookworm"):
            with pytest.raises(InvalidRequest, match="bookworm is named twice"):
                app.environments.point(ADMIN, "prod", Aim([("bookworm", "s1"), (other, "s2")]), "")
        assert app.environments.one(ADMIN, "prod").positions == []
