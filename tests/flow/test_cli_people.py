"""Accounts, tokens and decisions from the command line, against the real server."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pyotp
import pytest

from entrepot.entrypoints.cli.app import run
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server, running_server

PASSWORD = "SecurePass1!"


@dataclass(frozen=True)
class Shell:
    """The program with an administrator's session."""

    server: Server
    home: Path
    session: str

    def run(self, *arguments: str, code: int = 0, typed: str = "", token: str = "") -> str:
        """Standard output of a command that ends with that code; in this process, which is quicker."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ENTREPOT_URL", self.server.url)
            patch.setenv("ENTREPOT_TOKEN", token or self.session)
            patch.setenv("XDG_CONFIG_HOME", str(self.home))
            patch.setenv("NO_COLOR", "1")
            patch.setattr("sys.stdin", io.StringIO(typed))
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                ended = run(list(arguments))
        assert ended == code, out.getvalue() + err.getvalue()
        assert "Traceback" not in err.getvalue()
        return out.getvalue()

    def package(self, name: str, **fields: str) -> str:
        path = self.home / f"{name}_1.0_all.deb"
        path.write_bytes(build_deb(name, fields=fields))
        return str(path)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("people")
    with running_server(folder) as server:
        yield Shell(server, folder, server.token())


def test_an_account_from_its_creation_to_its_end(shell: Shell) -> None:
    assert shell.run("user", "add", "carl", "--role", "uploader", "--password-stdin", typed=f"{PASSWORD}\n")
    shell.run("user", "add", "carl", "--password-stdin", typed=f"{PASSWORD}\n", code=4)
    shell.run("user", "add", "dora", "--password-stdin", typed="weak\n", code=2)
    assert shell.run("user", "set", "carl", "--role", "reader", "--off") == "carl is reader, off\n"
    shell.run("user", "set", "carl", code=2)
    shell.run("user", "passwd", "carl", "--password-stdin", typed="Another-Pass1\n")
    assert shell.run("user", "ls", "-q").split() == ["admin", "carl"]
    rows = {row["username"]: row for row in json.loads(shell.run("user", "ls", "--json"))["users"]}
    assert (rows["carl"]["role"], rows["carl"]["active"]) == ("reader", False)
    shell.run("user", "rm", "carl", "--yes")
    shell.run("user", "rm", "carl", "--yes", code=5)
    shell.run("user", "rm", "admin", "--yes", code=2)


def test_a_second_factor_is_asked_for_and_taken_away(shell: Shell) -> None:
    shell.run("user", "add", "erna", "--password-stdin", typed=f"{PASSWORD}\n")
    credentials = {"username": "erna", "password": PASSWORD}
    session = httpx2.post(f"{shell.server.url}/auth/token", json=credentials).json()["access_token"]
    with httpx2.Client(base_url=shell.server.url, headers={"Authorization": f"Bearer {session}"}) as phone:
        maker = pyotp.TOTP(phone.post("/auth/mfa/setup").json()["secret"])
        confirmed = phone.post("/auth/mfa/confirm", json={"totp_code": maker.now()})
    spare = confirmed.json()["recovery_codes"][0]
    login = ("login", shell.server.url, "-u", "erna", "--password-stdin")
    shell.run(*login, typed=f"{PASSWORD}\n", code=2)
    shell.run(*login, "--code", "wrong", typed=f"{PASSWORD}\n", code=6)
    shell.run(*login, "--code", spare, typed=f"{PASSWORD}\n")
    assert shell.run("user", "mfa-reset", "erna", "--yes") == "erna signs in with the password only\n"
    shell.run("user", "mfa-reset", "erna", "--yes", code=5)
    shell.run(*login, typed=f"{PASSWORD}\n")


def test_a_token_pushes_where_it_may_until_it_is_revoked(shell: Shell) -> None:
    secret = shell.run("token", "create", "ci", "--dist", "jammy", "--days", "30").strip()
    assert secret.startswith("repod_")
    assert secret not in shell.run("token", "ls", "--json")
    package = shell.package("from-ci")
    shell.run("push", package, "--to", "jammy", token=secret)
    shell.run("push", package, "--to", "noble", token=secret, code=6)
    shell.run("user", "ls", token=secret, code=6)
    shell.run("token", "revoke", "ci", "--yes")
    shell.run("whoami", token=secret, code=6)
    assert "revoked" in shell.run("token", "ls")


def test_a_held_package_is_approved_with_a_reason(shell: Shell) -> None:
    pushed = shell.run("push", shell.package("odd", Essential="yes"), "--to", "bookworm")
    assert "pending_review" in pushed
    assert shell.run("review", "ls", "-q") == "odd=1.0\n"
    shell.run("review", "approve", "odd=1.0", code=2)
    shell.run("review", "approve", "odd", "-r", "x", code=2)
    shell.run("review", "approve", "odd=1.0", "--reason", "it has to be")
    assert shell.run("review", "ls", "-q") == ""
    assert "validated" in shell.run("show", "odd=1.0")
    shell.run("review", "reject", "odd=1.0", "--reason", "after all", code=4)
    shell.run("review", "reject", "unheard-of=1.0", "--reason", "x", code=5)


def test_settings_are_shown_changed_and_brought_back(shell: Shell) -> None:
    assert shell.run("settings", "show", "retention.package_days") == "0\n"
    assert shell.run("settings", "set", "retention.package_days=90", "email.smtp_host=mail.example") == (
        "retention.package_days = 90\nemail.smtp_host = mail.example\n"
    )
    assert shell.run("settings", "set", "audit_retention_days=30") == "audit_retention_days = 30\n"
    table = shell.run("settings", "show", "retention")
    assert "retention.package_days" in table
    assert "30" in table
    assert "ldap_url" not in shell.run("settings", "show")
    assert json.loads(shell.run("settings", "show", "email", "--json"))["email.smtp_host"] == "mail.example"
    shell.run("settings", "reset", "retention", "email.smtp_host")
    assert shell.run("settings", "show", "retention.package_days") == "0\n"
    shell.run("settings", "set", "retention.package_days=many", code=2)
    shell.run("settings", "set", "colour=blue", code=2)
    shell.run("settings", "show", "colour", code=5)


def test_a_secret_setting_is_read_from_a_pipe_only(shell: Shell) -> None:
    shell.run("settings", "set", "email.smtp_password=open", code=2)
    shown = shell.run("settings", "set", "email.smtp_password=", "--secret-stdin", typed="closed-lips\n")
    assert shown == "email.smtp_password = ***\n"


def test_superfluous_versions_and_pins(shell: Shell) -> None:
    for version in ("1.0", "2.0", "3.0"):
        path = shell.home / f"spare_{version}_all.deb"
        path.write_bytes(build_deb("spare", version))
        shell.run("push", str(path), "--to", "focal")
    assert shell.run("pin", "spare=1.0", "--reason", "on the ships") == "pinned spare 1.0 (all)\n"
    assert "by admin: on the ships" in shell.run("show", "spare=1.0")
    shell.run("pin", "spare", code=2)
    shell.run("pin", "spare=9", code=5)
    would = shell.run("retention", "--preview", "--max-versions", "1")
    assert "2.0" in would
    assert "1 versions would go" in would
    assert json.loads(shell.run("retention", "--preview", "--json"))["version_gc"]["versions_deleted"] == 0
    shell.run("retention", "--max-versions", "1", code=2)  # nobody is there to confirm
    assert "1 versions are gone" in shell.run("retention", "--max-versions", "1", "--yes")
    assert shell.run("pin", "spare=1.0", "--off").startswith("unpinned")
    assert "0 versions are gone" in shell.run("retention", "--yes")
    assert json.loads(shell.run("show", "spare", "--json"))["versions"] == ["3.0", "1.0"]


def test_what_was_downloaded(shell: Shell) -> None:
    shell.run("push", shell.package("fetched"), "--to", "focal")
    path = f"{shell.server.url}/apt/main/pool/main/f/fetched/fetched_1.0_all.deb"
    for _ in range(2):
        assert httpx2.get(path, headers={"user-agent": "Debian APT-HTTP/1.3"}).status_code == 200
    deadline = time.monotonic() + 60
    while json.loads(shell.run("stats", "--json"))["summary"]["total_downloads"] < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    told = shell.run("stats", "--days", "1")
    assert "apt 2" in told
    assert [line.split("\t")[:4] for line in told.split("\n") if line.startswith("fetched")] == [
        ["fetched", "deb", "2", "1"]
    ]
    shell.run("stats", "--days", "366", code=2)
