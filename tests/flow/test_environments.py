"""Moves of environments that cannot be made, or only by somebody who says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.domain.policy.decisions import DecisionAction
from entrepot.errors import InvalidRequest, MoveRefused
from entrepot.services.intake.decisions.acts import Choice
from entrepot.services.snapshots.environments import Aim
from entrepot.services.snapshots.merging import MergeRequest
from entrepot.testing.debs import build_deb
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation


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


def decide(house: MemoryInstallation, action: DecisionAction) -> int:
    made = house.application.reviews.decide(ADMIN, "odd", "1.0", Choice(action, "it calls home"))
    house.wait_published("bookworm")
    return made.records[0].id


@pytest.mark.parametrize("waits", [False, True])
def test_what_was_let_in_and_is_kept_out_since_is_not_shown_by_an_old_state(tmp_path: Path, *, waits: bool) -> None:
    with memory_installation(tmp_path) as house:
        app = house.application
        app.keeper.stop()
        house.upload(build_deb("other", "1.0", "all"), "x.deb", "bookworm")
        house.upload(build_deb("odd", "1.0", "all", fields={"Essential": "yes"} if waits else {}), "x.deb", "bookworm")
        let_in = decide(house, DecisionAction.ACCEPT_RISK) if waits else 0
        house.wait_published("bookworm")
        app.snapshots.keep(ADMIN, "bookworm", "before")
        if waits:
            app.decisions.records.revoke(ADMIN, let_in, "read again")
        else:
            decide(house, DecisionAction.REJECT)
        house.wait_published("bookworm")
        app.environments.create(ADMIN, "prod", "", protected=False)
        with pytest.raises(MoveRefused, match=r"odd 1\.0 was refused: .*(calls home|read again)"):
            app.environments.point(ADMIN, "prod", Aim([("bookworm", "before")]), "")
        merged = app.merging.merge(ADMIN, MergeRequest(["bookworm@before", "jammy"], "bookworm", "merged"))
        assert [one.name for one in merged.selection.left_out] == ["odd"]
        assert merged.selection.package_count == 1
        # Who lets it in again has said so.
        if waits:
            decide(house, DecisionAction.ACCEPT_RISK)
            app.environments.point(ADMIN, "prod", Aim([("bookworm", "before")]), "")
            assert app.environments.one(ADMIN, "prod").positions[0].snapshot is not None
