"""Trees that the server writes itself: followed, ended, begun again, and never outside their folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.flow.carrying import HandMadeWork, ended

from entrepot.domain.jobs.work import Interrupted, JobStatus
from entrepot.domain.model.actor import Actor, Role
from entrepot.errors import InvalidRequest, NotFound, PermissionDenied
from entrepot.services.publish.exported import ExportWish
from entrepot.services.snapshots.environments import Aim
from entrepot.testing.memory import ADMIN, MemoryInstallation, memory_installation
from entrepot.testing.packages import build_deb, build_rpm

ROOT = "dists/bookworm/InRelease"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MemoryInstallation]:
    with memory_installation(tmp_path, exports=tmp_path / "exports") as found:
        found.application.keeper.stop()
        found.upload(build_deb("one", "1.0", "all"), "one_1.0_all.deb", "bookworm")
        found.wait_published("bookworm")
        yield found


def work(folder: str = "www", state: str = "bookworm", **more: Any) -> HandMadeWork:
    return HandMadeWork({"state": state, "folder": folder, "delete_after": 0, "site": ""}, **more)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and ".entrepot" not in path.parts}


def test_a_job_writes_a_tree_and_goes_on_where_it_was_killed_or_ended(
    tmp_path: Path, house: MemoryInstallation
) -> None:
    jobs, folder = house.application.export_jobs, tmp_path / "exports/www"
    with pytest.raises(Interrupted):
        jobs.pursue(work(die_after=1))
    assert files(folder) == {"one_1.0_all.deb"}, "packages come first, and nothing names them yet"
    assert jobs.pursue(work(cancel_after=0)) == {}
    job = ended(house, jobs.begin(ADMIN, "bookworm", "www", ExportWish()))
    assert job.status is JobStatus.DONE, job.result
    assert (job.result["packages"], job.result["there"]) == (1, 1)
    assert {"InRelease", "Release", "key.asc", "one_1.0_all.deb"} <= files(folder)


def test_a_tree_of_an_environment_has_the_date_of_its_move(tmp_path: Path, house: MemoryInstallation) -> None:
    app = house.application
    app.environments.create(ADMIN, "prod", "", protected=False)
    dates = []
    for number in (1, 2):
        app.snapshots.keep(ADMIN, "bookworm", f"s{number}")
        house.clock.advance(hours=1)
    for name in ("s1", "s2", "s1"):
        house.clock.advance(hours=1)
        app.environments.point(ADMIN, "prod", Aim([("bookworm", name)]), "as tested")
        app.export_jobs.pursue(work(state="bookworm@env:prod"))
        text = (tmp_path / "exports/www" / ROOT).read_text()
        found = re.search(r"^Date: (.*)$", text, re.MULTILINE)
        assert found is not None
        dates.append(found[1])
        assert "Valid-Until" not in text
    assert dates == sorted(set(dates)), "a machine of apt follows the environment back as well"


@pytest.mark.parametrize("folder", ["", ".", "..", "/etc", "a/../../b", "a//b", ".hidden", "a/b/c/d/e", "x" * 201])
def test_nothing_is_written_elsewhere(house: MemoryInstallation, folder: str) -> None:
    with pytest.raises(InvalidRequest):
        house.application.export_jobs.begin(ADMIN, "bookworm", folder, ExportWish())


def test_what_cannot_be_exported_is_said_before_a_job_begins(tmp_path: Path, house: MemoryInstallation) -> None:
    jobs = house.application.export_jobs
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/link").symlink_to("/tmp")
    with pytest.raises(InvalidRequest, match="leads out"):
        jobs.begin(ADMIN, "bookworm", "link/x", ExportWish())
    with pytest.raises(NotFound):
        jobs.begin(ADMIN, "bookworm@absent", "www", ExportWish())
    for site in ("packages.example.org", "http://x.example/a\nTrusted: yes", "http://x.example/a b", "http://[x"):
        with pytest.raises(InvalidRequest, match="site: the URL"):
            jobs.begin(ADMIN, "bookworm", "www", ExportWish(url=site))
        with pytest.raises(InvalidRequest, match="site: the URL"):
            house.application.exports.export(ADMIN, "bookworm", str(tmp_path / "www"), ExportWish(url=site))
    with pytest.raises(PermissionDenied):
        jobs.begin(Actor("mia", frozenset({Role.MAINTAINER})), "bookworm", "www", ExportWish())
    (tmp_path / "other").mkdir()
    with memory_installation(tmp_path / "other", works=False) as plain:
        refused = pytest.raises(InvalidRequest, match="ENTREPOT_EXPORTS")
        with refused:
            plain.application.export_jobs.begin(ADMIN, "bookworm", "www", ExportWish())


def test_what_came_into_quarantine_is_gone_from_a_tree_with_the_next_export(
    tmp_path: Path, house: MemoryInstallation
) -> None:
    app, folder = house.application, tmp_path / "exports/www"
    house.upload(build_deb("two", "1.0", "all"), "two_1.0_all.deb", "bookworm")
    house.upload(build_rpm("one", "1.0", "1", "noarch"), "one-1.0-1.noarch.rpm", "almalinux9")
    for codename in ("bookworm", "almalinux9"):
        house.wait_published(codename)
        app.exports.export(ADMIN, codename, str(folder / codename), ExportWish())
    assert {"one_1.0_all.deb", "two_1.0_all.deb", "one-1.0-1.noarch.rpm"} <= files(folder)
    for name, version in (("one", "1.0"), ("one", "1.0-1"), ("two", "1.0")):
        if name == "two":
            app.movements.remove(ADMIN, name, version, distribution="bookworm")
        else:
            app.decisions.quarantines.quarantine(ADMIN, name, version, None, "it calls home")
    for codename in ("bookworm", "almalinux9"):
        house.wait_published(codename)
        done = app.exports.export(ADMIN, codename, str(folder / codename), ExportWish())
        assert done.removed > 0
    left = files(folder)
    assert left.isdisjoint({"one_1.0_all.deb", "one-1.0-1.noarch.rpm"})
    assert "two_1.0_all.deb" in left, "clients may still read an index that names it"
