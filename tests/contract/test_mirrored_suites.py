"""A suite that a mirror fills is an ordinary one: what people move out of it, into it and away stays as they want."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.test_upstream_events import Scene, deb, upstream_scene

from entrepot.domain.model.package import Format
from entrepot.domain.upstream.mirror import MirrorKind
from entrepot.errors import AlreadyExists
from entrepot.services.intake.promotions import PromotionRequest, PromotionStatus
from entrepot.services.upstream.mirrors.register import MirrorDraft
from entrepot.testing.clients import missing_programs
from entrepot.testing.memory import ADMIN

pytestmark = pytest.mark.skipif(bool(missing_programs("apt-ftparchive")), reason="apt-ftparchive IS MISSING")
FED = MirrorDraft("tools", "tools", "main", "fed", 0, kind=MirrorKind.RESIGNED)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with upstream_scene(tmp_path) as found:
        found.house.application.mirrors.create(ADMIN, FED)
        yield found


def shown(scene: Scene, suite: str, view: str = "") -> set[str]:
    """Names and versions in the index, once it shows all that was done; or in that of a state that is kept."""
    scene.house.wait_published(suite)
    text = (scene.house.read(Format.DEB, f"{view}dists/{suite}/main/binary-amd64/Packages") or b"").decode()
    lines = [line.partition(": ")[2] for line in text.splitlines() if line.startswith(("Package:", "Version:"))]
    return {f"{name} {version}" for name, version in zip(lines[::2], lines[1::2], strict=True)}


def test_what_is_promoted_in_and_out_stays_when_the_upstream_has_it_no_more(scene: Scene) -> None:
    house = scene.house
    scene.publish("1.0", "keeper", "other")
    assert scene.run() == "done"
    assert shown(scene, "fed") == {"tool 1.0", "keeper 1.0", "other 1.0"}
    promotions = house.application.transfers.promotions
    out = promotions.promote(ADMIN, PromotionRequest("tool", "fed", "jammy", force=True, justification="wanted"))
    assert out.status is PromotionStatus.DONE
    house.upload(deb("own", "1.0"), "own_1.0_amd64.deb", "jammy")
    into = promotions.promote(ADMIN, PromotionRequest("own", "jammy", "fed", force=True, justification="wanted"))
    assert into.status is PromotionStatus.DONE
    house.application.movements.remove(ADMIN, "other", "1.0", None, "fed")
    scene.publish("2.0", "keeper", "other")
    assert scene.run() == "done"
    assert shown(scene, "fed") == {"tool 2.0", "keeper 1.0", "own 1.0"}, "what was removed here is not brought again"
    assert shown(scene, "jammy") == {"tool 1.0", "own 1.0"}


def test_a_state_that_is_kept_shows_what_the_mirror_has_replaced(scene: Scene) -> None:
    house = scene.house
    scene.publish("1.0")
    assert scene.run() == "done"
    assert shown(scene, "fed") == {"tool 1.0"}
    house.application.snapshots.keep(ADMIN, "fed", "before")
    scene.publish("2.0")
    assert scene.run() == "done"
    assert shown(scene, "fed") == {"tool 2.0"}
    assert shown(scene, "fed", "snapshot/before/") == {"tool 1.0"}


def test_a_suite_has_one_mirror_and_outlives_it(scene: Scene) -> None:
    house = scene.house
    scene.publish("1.0")
    with pytest.raises(AlreadyExists):
        house.application.mirrors.create(ADMIN, MirrorDraft("second", "tools", "main", "fed", kind=MirrorKind.RESIGNED))
    assert scene.run() == "done"
    house.application.mirrors.remove(ADMIN, "tools")
    house.upload(deb("own", "1.0"), "own_1.0_amd64.deb", "fed")
    assert shown(scene, "fed") == {"tool 1.0", "own 1.0"}
    assert scene.sync() == "done", "the source is there still"


def test_a_mirror_that_goes_before_its_first_run_leaves_a_suite_that_works(scene: Scene) -> None:
    scene.house.application.mirrors.remove(ADMIN, "tools")
    scene.house.upload(deb("own", "1.0"), "own_1.0_amd64.deb", "fed")
    assert shown(scene, "fed") == {"own 1.0"}
