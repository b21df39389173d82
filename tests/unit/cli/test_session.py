"""Who is signed in where: option, environment, file; and who may read the file."""

from __future__ import annotations

import io
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Ran
from tests.unit.cli.scripted import ScriptedServer, reply, scripted_server

Command = Callable[..., Ran]

ME = reply({"username": "ada", "role": "reader", "roles": ["reader", "uploader"]})
TOKEN = reply({"access_token": "jwt-1", "token_type": "bearer", "expires_in": 3600})


@pytest.fixture
def sign_in(entrepot: Command, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Sign in with a password from a pipe, then forget the address in the environment."""

    def command(password: str = "Secret-1") -> Ran:
        server.will_at("/auth/token", TOKEN)
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\nmore\n"))
        ran = entrepot("login", server.url, "-u", "ada", "--password-stdin")
        monkeypatch.delenv("ENTREPOT_URL", raising=False)
        return ran

    return command


def test_signing_in_keeps_address_and_token_for_the_owner_only(
    entrepot: Command, server: ScriptedServer, sign_in: Callable[..., Ran], home: Path
) -> None:
    server.will(ME)
    ran = sign_in("pa ss\N{LATIN SMALL LETTER SHARP S}")
    assert (ran.code, ran.out) == (0, "")
    assert server.asked[0].json() == {"username": "ada", "password": "pa ss\N{LATIN SMALL LETTER SHARP S}"}
    file = home / "config.toml"
    assert tomllib.loads(file.read_text()) == {"url": server.url, "username": "ada", "token": "jwt-1"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [path.name for path in home.iterdir()] == ["config.toml"]
    assert "jwt-1" not in ran.err
    assert "pa ss" not in ran.err
    shown = entrepot("whoami")
    assert shown.out == f"user\tada\nroles\treader uploader\nserver\t{server.url}\n"
    assert server.asked[-1].headers["authorization"] == "Bearer jwt-1"


def test_signing_out_forgets_the_token_and_keeps_the_address(
    entrepot: Command, server: ScriptedServer, sign_in: Callable[..., Ran], home: Path
) -> None:
    server.will(ME)
    sign_in()
    assert entrepot("logout").code == 0
    assert tomllib.loads((home / "config.toml").read_text()) == {"url": server.url, "username": "ada"}
    entrepot("whoami")
    assert "authorization" not in server.asked[-1].headers
    assert entrepot("logout").err == "no session was stored\n"


def test_a_stored_token_is_shown_to_its_own_server_only(
    entrepot: Command, sign_in: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in()
    with scripted_server() as other:
        other.will(ME)
        entrepot("whoami", "--url", other.url)
        entrepot("--url", other.url, "whoami")
        monkeypatch.setenv("ENTREPOT_URL", other.url)
        entrepot("whoami")
        assert len(other.asked) == 3
        assert all("authorization" not in asked.headers for asked in other.asked)


def test_the_environment_wins_over_the_file_and_the_option_over_both(
    entrepot: Command, server: ScriptedServer, sign_in: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in()
    with scripted_server() as other:
        other.will(ME)
        monkeypatch.setenv("ENTREPOT_URL", server.url)
        monkeypatch.setenv("ENTREPOT_TOKEN", "from-env")
        entrepot("whoami", "--url", f"{other.url}/")
        assert other.asked[0].headers["authorization"] == "Bearer from-env"
    server.will(ME)
    entrepot("whoami")
    assert server.asked[-1].headers["authorization"] == "Bearer from-env"


def test_without_any_server_the_way_out_is_shown(entrepot: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENTREPOT_URL")
    ran = entrepot("ls")
    assert ran.code == 2
    assert "entrepot login URL" in ran.err


def test_a_file_that_shows_the_token_to_others_is_not_used(
    entrepot: Command, server: ScriptedServer, sign_in: Callable[..., Ran], home: Path
) -> None:
    sign_in()
    (home / "config.toml").chmod(0o644)
    asked = len(server.asked)
    ran = entrepot("whoami")
    assert ran.code == 2
    assert "chmod 600" in ran.err
    assert len(server.asked) == asked
    assert entrepot("logout").code == 0
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"url = ", b"\xff", b"a = 1\n" * 20000, b"url = 5\ntoken = [1]\n"])
def test_a_damaged_file_is_no_crash(
    entrepot: Command, home: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.delenv("ENTREPOT_URL")
    home.mkdir(parents=True)
    (home / "config.toml").write_bytes(content)
    (home / "config.toml").chmod(0o600)
    ran = entrepot("whoami")
    assert ran.code == 2
    assert ran.err.startswith("entrepot: ")
    assert "this is a bug" not in ran.err


def test_a_wrong_password_exits_6_and_stores_nothing(
    entrepot: Command, server: ScriptedServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.will(reply({"detail": "user name or password is wrong", "error": "sign_in_failed"}, 401))
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    ran = entrepot("login", server.url, "-u", "ada", "--password-stdin")
    assert ran.code == 6
    assert not home.exists()


def test_a_locked_account_is_not_waited_for(
    entrepot: Command, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"detail": {"error": "rate_limit_exceeded", "message": "too many attempts"}, "error": "rate_limit_exceeded"}
    server.will(reply(body, 429, Retry_After="30"))
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    ran = entrepot("login", server.url, "-u", "ada", "--password-stdin")
    assert ran.code == 7
    assert "try again in 30 s" in ran.err
    assert len(server.asked) == 1


CHALLENGE = {"access_token": None, "token_type": "bearer", "mfa_required": True, "mfa_token": "m"}


def test_a_code_is_asked_for_where_somebody_can_answer(
    entrepot: Command, server: ScriptedServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.will(reply(CHALLENGE))
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    ran = entrepot("login", server.url, "-u", "ada", "--password-stdin")
    assert ran.code == 2
    assert "--code" in ran.err
    assert "ENTREPOT_TOKEN" in ran.err
    assert not home.exists()


def test_a_code_is_sent_as_the_second_step(
    entrepot: Command, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.will(reply(CHALLENGE), reply({"access_token": "t", "token_type": "bearer", "expires_in": 3600}))
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    ran = entrepot("login", server.url, "-u", "ada", "--password-stdin", "--code", "123456")
    assert ran.code == 0, ran.err
    assert len(server.asked) == 2


def test_a_wrong_code_is_not_a_session(
    entrepot: Command, server: ScriptedServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.will(reply(CHALLENGE), reply({"detail": "the code is wrong", "error": "sign_in_failed"}, 401))
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    ran = entrepot("login", server.url, "-u", "ada", "--password-stdin", "--code", "123456")
    assert ran.code == 6
    assert not home.exists()


def test_nobody_is_asked_where_nobody_is(
    entrepot: Command, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert entrepot("login", server.url).code == 2
    assert entrepot("login", server.url, "-u", "ada").code == 2
    assert entrepot("login", server.url, "-u", "ada", "--password-stdin").code == 2
    assert server.asked == []
