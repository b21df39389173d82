"""Workers on one PostgreSQL database: one dies in the middle of what it brings, and another one goes on."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from tests.fault.bringing import prepared, upstream_of
from tests.fault.installations import installed

from entrepot.testing.clients import missing_programs
from entrepot.testing.postgres import PostgresServer

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(bool(missing_programs("apt-ftparchive")), reason="APT-UTILS ARE NOT INSTALLED HERE"),
]


def test_another_worker_takes_over_what_one_was_bringing(postgres: PostgresServer, tmp_path: Path) -> None:
    moments = random.Random(5)
    with (
        upstream_of(tmp_path / "upstream") as upstream,
        installed(postgres, tmp_path, ENTREPOT_UPSTREAM_INSIDE=upstream.inside) as installation,
    ):
        installation.add_worker("first")
        scene = prepared(installation.server, upstream)
        upstream.manners.wait_seconds = 0.3
        upstream.manners.bytes_per_second = 1 << 20
        scene.begin()
        installation.add_worker("second")
        time.sleep(moments.uniform(0, 1))
        installation.kill_worker("first")
        scene.look()
        scene.check_end(scene.ended(), "2")
        assert len(upstream.book.twice("many/pool")) <= 4
        assert len(upstream.book.twice("chain/pool")) <= 1
        installation.verify()
