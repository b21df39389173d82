"""What the how-to pages promise, done: back up and restore, servers and workers on PostgreSQL, a key of one's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.testing.clients import missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb
from entrepot.testing.postgres import PostgresServer
from entrepot.testing.server import Server, running_server

PAGES = Path(__file__).parents[2] / "docs/how-to"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDEX = "/apt/main/dists/bookworm/InRelease"


def paste(block: str, folder: Path) -> str:
    """Run a block in ``folder``, stopping at the first line that fails; what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    clean["PATH"] = f"{Path(sys.executable).parent}:{clean['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"set -eu\n{block}"],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_a_backup_of_a_running_server_becomes_the_same_server(tmp_path: Path) -> None:
    back_up, restore = BLOCK.findall((PAGES / "back-up-and-restore.md").read_text(encoding="utf-8"))
    with running_server(tmp_path) as server, server.client() as client:
        maintainer = Maintainer(client)
        maintainer.push(build_deb("kept", "1.0"), "bookworm")
        paste(back_up, tmp_path)
        index = maintainer.file(INDEX)
        maintainer.push(build_deb("late", "1.0"), "bookworm")
        paste(back_up, tmp_path)  # again, over the first one
        later = maintainer.file(INDEX)
        assert later != index
        password = server.password
    assert "no difference" in paste(restore, tmp_path)

    restored = Server(tmp_path / "restored", password=password)
    restored.start()
    try:
        with restored.client() as client:
            maintainer = Maintainer(client)
            assert maintainer.file(INDEX) == later
            assert maintainer.file("/apt/main/pool/main/l/late/late_1.0_all.deb") == build_deb("late", "1.0")
            maintainer.push(build_deb("next", "1.0"), "bookworm")
    finally:
        restored.stop()


def test_a_lost_key_is_not_replaced(tmp_path: Path) -> None:
    with running_server(tmp_path):
        pass
    kept = tmp_path / "kept"
    (tmp_path / "data/keys").rename(kept)
    server = Server(tmp_path / "data")
    with pytest.raises(RuntimeError, match="restore the folder 'keys'"):
        server.start()
    shutil.rmtree(tmp_path / "data/keys", ignore_errors=True)
    kept.rename(tmp_path / "data/keys")
    server.start()
    server.stop()


def test_a_key_of_ones_own_signs(tmp_path: Path) -> None:
    if missing_programs("gpg"):
        pytest.skip("gpg IS NOT INSTALLED (Debian: gnupg)")
    found = re.search(r"`(gpg --quick-generate-key [^`]+)`", (PAGES / "signing-keys.md").read_text(encoding="utf-8"))
    assert found
    home, keys = tmp_path / "gnupg", tmp_path / "data/keys"
    home.mkdir(mode=0o700)
    keys.mkdir(parents=True, mode=0o700)
    command = found[1].replace("gpg ", "gpg --batch --passphrase '' ")
    paste(f'export GNUPGHOME="{home}"\n{command}\ngpgconf --kill all', tmp_path)
    export = f'umask 077; GNUPGHOME="{home}" gpg --batch --armor --export-secret-keys > "{keys}/deb-main.private.asc"'
    paste(export, tmp_path)
    listed = paste(f'GNUPGHOME="{home}" gpg --with-colons --list-secret-keys; gpgconf --kill all', tmp_path)
    fingerprint = next(line.split(":")[9] for line in listed.split("\n") if line.startswith("fpr:"))
    with running_server(tmp_path) as server, server.client() as client:
        rows = client.get("/archives").json()["archives"]
    assert [row["fingerprints"] for row in rows if row["format"] == "deb"] == [[fingerprint]]


@pytest.mark.parametrize("page", ["signing-keys.md", "retention.md"])
def test_what_an_administrator_types_works(tmp_path: Path, page: str) -> None:
    with running_server(tmp_path) as server, server.client() as client:
        Maintainer(client).push(build_deb("hello", "1.0"), "bookworm")
        signed_in = f"export ENTREPOT_URL={server.url} ENTREPOT_TOKEN={server.token()}\n"
        for block in BLOCK.findall((PAGES / page).read_text(encoding="utf-8")):
            paste(signed_in + block, tmp_path)


@pytest.fixture
def shared(tmp_path: Path, postgres: PostgresServer) -> dict[str, str]:
    """Settings of several processes on one database."""
    return {"ENTREPOT_DATABASE_URL": postgres.create_database(f"shared_{os.getpid()}_{tmp_path.name[-3:]}")}


@pytest.mark.postgres
def test_a_server_and_a_worker_share_a_database(
    tmp_path: Path, postgres: PostgresServer, shared: dict[str, str]
) -> None:
    server = Server(tmp_path / "data", shared, ("--no-worker",))
    server.start()
    worker = None
    try:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
        worker = subprocess.Popen(
            [sys.executable, "-m", "entrepot", "worker", "--data", str(tmp_path / "data")],
            env=environment | shared,
            stderr=subprocess.DEVNULL,
        )
        with server.client() as client:
            maintainer = Maintainer(client)
            maintainer.push(build_deb("shared", "1.0"), "bookworm")
            index = maintainer.file(INDEX)
            postgres.stop("immediate")
            try:
                assert maintainer.file(INDEX) == index, "the last known state is served"
                refused = client.post("/distributions/init", json={"codename": "bookworm"})
                assert refused.status_code == 503
                assert int(refused.headers["retry-after"]) > 0
                assert client.get("/health/live").status_code == 200
                assert client.get("/health/ready").status_code == 503
            finally:
                postgres.start()
            maintainer.push(build_deb("after", "1.0"), "bookworm")
            assert maintainer.file(INDEX) != index
    finally:
        if worker is not None:
            worker.terminate()
            assert worker.wait(timeout=120) == 0
        server.stop()
