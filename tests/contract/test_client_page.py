"""The page about scripts, run as it stands, and the commands that it does not show; against one real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest

from entrepot.entrypoints.cli.app import run
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.xdist_group("client page")  # one server for all

PAGE = Path(__file__).parents[2] / "docs/how-to/script-with-the-client.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
Command = Callable[..., str]


@dataclass(frozen=True)
class Desk:
    """A folder to work in, and a server."""

    server: Server
    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "dist").mkdir()
    (folder / "fetched").mkdir()
    (folder / "dist/hello_1.0_all.deb").write_bytes(build_deb("hello"))
    with running_server(folder / "server") as server:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
        own = {"ENTREPOT_URL": server.url, "ENTREPOT_TOKEN": server.token(), "XDG_CONFIG_HOME": str(folder)}
        path = {"PATH": f"{Path(sys.executable).parent}:{clean['PATH']}"}
        yield Desk(server, folder, clean | own | path)


@pytest.fixture
def entrepot(desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in this process; what it printed."""
    for name in ("ENTREPOT_URL", "ENTREPOT_TOKEN", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, desk.environment[name])
    monkeypatch.chdir(desk.folder)

    def command(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        found = run(list(arguments))
        out, err = capsys.readouterr()
        assert found == code, out + err
        assert not err.startswith("entrepot: ") or code
        return out + err

    return command


def test_the_page_runs_as_it_stands(desk: Desk) -> None:
    said = []
    for language, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        program = ["bash", "-euc"] if language == "sh" else [sys.executable, "-c"]
        done = subprocess.run(
            [*program, block], cwd=desk.folder, env=desk.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        said.append(done.stdout)
    shell, script, stream = said
    assert "fetched/hello_1.0_all.deb" in shell
    assert (desk.folder / "fetched/hello_1.0_all.deb").read_bytes() == build_deb("hello")
    assert "hello 1.0 published" in script
    assert (desk.folder / "hello.deb").read_bytes() == build_deb("hello")
    assert "'package': 'hello'" in stream


def test_groups_and_roles(desk: Desk, entrepot: Command) -> None:
    assert entrepot("role", "add", "watcher", "audit.read", "--label", "W") == "created watcher (1 permission)\n"
    assert entrepot("role", "allow", "watcher", "package.read") == "watcher may package.read\n"
    assert "watcher" in entrepot("role", "ls", "-q").split()
    entrepot("role", "allow", "watcher", "nonsense", code=2)
    entrepot("role", "set", "watcher", code=2)
    assert entrepot("group", "add", "team", "--role", "watcher") == "created team (role: watcher)\n"
    assert entrepot("group", "join", "team", "admin") == "admin is in team\n"
    assert "'entrepot user ls' shows what there is" in entrepot("group", "join", "team", "nobody", code=5)
    assert entrepot("group", "show", "team", "-q") == "admin\n"
    assert entrepot("group", "set", "team", "--role", "") == "team has the role none\n"
    assert json.loads(entrepot("group", "ls", "--json"))["groups"][0]["member_count"] == 1
    entrepot("group", "leave", "team", "admin")
    entrepot("group", "rm", "team", code=2)
    entrepot("group", "rm", "team", "--yes")
    assert "'entrepot group ls'" in entrepot("group", "show", "team", code=5)
    entrepot("role", "rm", "watcher", "-y")
    entrepot("role", "rm", "admin", "-y", code=4)


def test_a_second_factor_of_ones_own(entrepot: Command) -> None:
    begun = dict(line.split("\t") for line in entrepot("mfa", "setup").splitlines() if "\t" in line)
    assert begun["address"].startswith("otpauth://totp/")
    entrepot("mfa", "confirm", "wrong", code=2)
    codes = entrepot("mfa", "confirm", pyotp.TOTP(begun["secret"]).now()).splitlines()
    assert "second factor\ton\n" in entrepot("mfa", "status")
    renewed = json.loads(entrepot("mfa", "codes", codes[0], "--json"))["recovery_codes"]
    assert len(renewed) == 10
    entrepot("mfa", "disable", code=2)


def test_messages_texts_and_promotions(desk: Desk, entrepot: Command) -> None:
    assert entrepot("notify", "ls") == "no messages\n"
    entrepot("notify", "test", "mail", code=2)
    entrepot("notify", "redeliver", "77", code=5)
    (desk.folder / "text").write_text("Hello {{ app_url }}\n")
    assert "test" in entrepot("template", "ls", "-q").split()
    assert entrepot("template", "set", "test", "--text", "text", "--subject", "A try") == "changed test\n"
    assert entrepot("template", "show", "test") == "Subject: A try\n\nHello {{ app_url }}\n\n"
    assert entrepot("template", "preview", "test").startswith("Subject: A try\n\nHello ")
    entrepot("template", "set", "test", "--text", "absent", code=2)
    entrepot("template", "set", "test", code=2)
    entrepot("template", "reset", "test", "-y")
    assert entrepot("promotion", "ls") == "nothing waits\n"
    assert (
        entrepot("promotion", "ls", "--json", "--status", "all")
        == json.dumps({"total": 0, "status": "all", "items": []}, indent=2) + "\n"
    )
    assert "'entrepot promotion ls" in entrepot("promotion", "approve", "hello", "9", "-r", "why", code=5)
    entrepot("promotion", "reject", "hello", "9", "-r", "why", code=5)


def test_packages_are_found_fetched_and_copied(desk: Desk, entrepot: Command) -> None:
    (desk.folder / "other_1.0_all.deb").write_bytes(build_deb("other"))
    entrepot("push", "other_1.0_all.deb", "--to", "jammy", "-q")
    assert entrepot("search", "oth", "-q") == "other\n"
    assert entrepot("search", "nowhere") == "no packages\n"
    assert "(SHA-256" not in entrepot("download", "other", "--to", "fetched", "--json")
    assert "--force" in entrepot("download", "other", "--to", "fetched", code=4)
    assert entrepot("download", "other", "--to", "fetched", "--force", "-q") == "fetched/other_1.0_all.deb\n"
    entrepot("download", "other=9", code=5)
    entrepot("download", "other", "--to", "/nowhere", code=2)
    assert sorted(path.name for path in (desk.folder / "fetched").iterdir() if path.name.startswith(".")) == []
    entrepot("migrate", "jammy", "bookworm", code=2)
    assert entrepot("migrate", "jammy", "bookworm", "other") == "copied to bookworm: 1 package file\n"
    assert "1 were there" in entrepot("migrate", "jammy", "bookworm", "other")
    assert "absent" in entrepot("migrate", "jammy", "bookworm", "absent", code=7)
    assert "waits for review\t0\n" in entrepot("status")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("entrepot gro", "group"), ("entrepot group s", "show\nset"), ("entrepot notify ls --st", "--state")],
)
def test_the_shell_completes_commands_and_options(desk: Desk, typed: str, completed: str) -> None:
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_ENTREPOT_COMPLETE": "complete_bash"}
    done = subprocess.run(["entrepot"], env=desk.environment | asked, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (completed, "")
