"""The way back for an administrator who cannot sign in: on the server itself, whether or not it runs."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx2
import pyotp
import pytest

from entrepot.adapters.catalog.sql.catalog import SqlCatalog
from entrepot.adapters.queue.memory import MemoryQueue
from entrepot.adapters.signing.memory import MemoryKeyring
from entrepot.adapters.storage.memory import MemoryBlobStore
from entrepot.domain.model.actor import SYSTEM, Actor, Role
from entrepot.errors import InvalidRequest, NotFound, PermissionDenied, TooManyAttempts, WeakPassword
from entrepot.main import Parts, assemble, wall_clock
from entrepot.services.access import Session
from entrepot.services.access.first import NewAccount
from entrepot.services.access.users import AccountChange
from entrepot.settings import load_settings
from entrepot.testing.server import Server, running_server

ADMIN = Actor("admin", frozenset({Role.ADMIN}))
PASSWORD, NEXT = "SecurePass1!", "NewPass5678!"


def rescued(data: Path, name: str, typed: str = NEXT) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ENTREPOT_")}
    command = [sys.executable, "-m", "entrepot", "rescue", name, "--data", str(data), "--password-stdin"]
    done = subprocess.run(command, env=kept, input=f"{typed}\n", capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert typed not in done.stdout + done.stderr
    return done


def sign_in(server: Server, password: str) -> httpx2.Response:
    return httpx2.post(f"{server.url}/auth/token", json={"username": "admin", "password": password}, timeout=30)


def test_an_administrator_gets_in_again_while_the_server_runs_and_while_it_does_not(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        with server.client() as admin:
            secret = admin.post("/auth/mfa/setup").json()["secret"]
            assert admin.post("/auth/mfa/confirm", json={"totp_code": pyotp.TOTP(secret).now()}).status_code == 200
            admin.post("/auth/api-tokens", json={"name": "ci"})
            done = rescued(server.data, "admin")
            assert done.returncode == 0, done.stderr
            assert "second factor is off" in done.stdout
            assert "ci" in done.stdout
            assert admin.get("/auth/me").status_code == 401
        assert sign_in(server, server.password).status_code == 401
        answer = sign_in(server, NEXT)
        assert (answer.status_code, answer.json().get("mfa_required")) == (200, None)
        server.stop()
        assert rescued(server.data, "admin", "Third-Pass9").returncode == 0
        server.start()
        assert sign_in(server, "Third-Pass9").status_code == 200
        with contextlib.closing(sqlite3.connect(server.data / "entrepot.db")) as database:
            query = "SELECT user, detail FROM audit WHERE action = 'ACCOUNT_RESCUE' ORDER BY id"
            rows = database.execute(query).fetchall()
        assert [row[0] for row in rows] == ["system", "system"]
        assert json.loads(rows[0][1])["by"].startswith(pwd.getpwuid(os.getuid()).pw_name)
        assert json.loads(rows[0][1])["changed"] == ["password", "sessions", "second_factor"]


def test_what_cannot_be_rescued_is_said(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "data", key_algorithm="ed25519")
    settings.data.mkdir()
    (settings.data / "secret.key").touch(0o600)
    (settings.data / "secret.key").write_bytes(bytes(32))
    with contextlib.closing(SqlCatalog(settings.catalog_url)) as catalog:
        parts = Parts(catalog, MemoryBlobStore(), MemoryKeyring(wall_clock), MemoryQueue(), bytes(32), wall_clock)
        assemble(settings, parts).users.create(ADMIN, NewAccount("boss", PASSWORD, frozenset({Role.ADMIN})))
    unknown = rescued(settings.data, "bos")
    assert (unknown.returncode, "boss" in unknown.stderr) == (5, True)
    weak = rescued(settings.data, "boss", "Short1")
    assert (weak.returncode, "8 to 128" in weak.stderr) == (2, True)
    nowhere = rescued(tmp_path / "dta", "boss")
    assert (nowhere.returncode, "no installation here" in nowhere.stderr) == (1, True)
    assert not (tmp_path / "dta").exists()


def test_everything_that_keeps_somebody_out_is_taken_away(database_url: str, tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, key_algorithm="ed25519")
    with contextlib.closing(SqlCatalog(database_url)) as catalog:
        parts = Parts(catalog, MemoryBlobStore(), MemoryKeyring(wall_clock), MemoryQueue(), bytes(32), wall_clock)
        house = assemble(settings, parts)
        house.users.create(ADMIN, NewAccount("rita", PASSWORD, frozenset({Role.AUDITOR})))
        house.configurations.change(ADMIN, {"security": {"lockout_attempts": 1}})
        with contextlib.suppress(Exception):
            house.access.sign_in("rita", "Wrong-one-1", "192.0.2.1")
        with pytest.raises(TooManyAttempts):
            house.access.sign_in("rita", PASSWORD, "192.0.2.1")
        house.users.change(ADMIN, "rita", AccountChange(active=False))
        with pytest.raises(PermissionDenied):
            house.rescue.rescue(ADMIN, "rita", NEXT, "somebody")
        with pytest.raises(WeakPassword):
            house.rescue.rescue(SYSTEM, "rita", "weak", "somebody")
        with pytest.raises(NotFound, match="none yet"):
            house.rescue.check(SYSTEM, "nobody")
        done = house.rescue.rescue(SYSTEM, "rita", NEXT, "somebody")
        assert done.changed == ("password", "sessions", "active", "roles")
        opened = house.access.sign_in("rita", NEXT, "192.0.2.1")
        assert isinstance(opened, Session)
        assert house.access.authenticate(opened.token, "").roles == frozenset({Role.ADMIN, Role.AUDITOR})
        with catalog.write() as unit:
            unit.change_account("rita", {"auth_source": "ldap"})
        with pytest.raises(InvalidRequest, match="the directory"):
            house.rescue.check(SYSTEM, "rita")
        with catalog.read() as reading:
            (entry,) = [one for one in reading.audit_entries(20) if one.action == "ACCOUNT_RESCUE"]
        assert (entry.actor.name, entry.detail["by"], entry.detail["username"]) == ("system", "somebody", "rita")
