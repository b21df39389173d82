"""The command line against the real server: from signing in to a package that apt takes, and out again."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from entrepot.entrypoints.cli.app import run
from entrepot.testing.clients import AptRoot, missing_programs
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

_NO_APT = missing_programs("apt-get", "apt-cache", "dpkg", "wget")


@dataclass(frozen=True)
class Terminal:
    """Somebody's shell: a home, and the program."""

    home: Path
    url: str

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
        return kept | {"XDG_CONFIG_HOME": str(self.home), "NO_COLOR": "1"} | more

    def run(self, *arguments: str, code: int = 0, typed: str = "", **environment: str) -> str:
        """Standard output of a command that ends with that code; in this process, which is quicker."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name in ("ENTREPOT_URL", "ENTREPOT_TOKEN"):
                patch.delenv(name, raising=False)
            for name, value in self.environment(**environment).items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.StringIO(typed))
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                ended = run(list(arguments))
        assert ended == code, out.getvalue() + err.getvalue()
        assert "Traceback" not in err.getvalue()
        assert code == 0 or err.getvalue().startswith("entrepot: ") or (code == 3 and out.getvalue())
        return out.getvalue()

    def json(self, *arguments: str, code: int = 0) -> dict[str, object]:
        found = json.loads(self.run(*arguments, "--json", code=code))
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Signed in once; the server counts sign-ins."""
    terminal = Terminal(tmp_path_factory.mktemp("home"), server.url)
    terminal.run("login", server.url, "-u", server.admin, "--password-stdin", typed=server.password)
    return terminal


@pytest.fixture
def stranger(server: Server, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "stranger", server.url)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, bytes], str]:
    """Write a package file; its path."""

    def write(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write


Written = Callable[[str, bytes], str]


def test_a_person_signs_in_by_typing_and_out_again(server: Server, stranger: Terminal) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot", "login", server.url],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=stranger.environment(TERM="xterm"),
        start_new_session=True,
    )
    os.close(follower)
    seen = _read_until(leader, b"User name: ")
    os.write(leader, server.admin.encode() + b"\n")
    seen += _read_until(leader, b"Password: ")
    os.write(leader, server.password.encode() + b"\n")
    seen += _read_until(leader, b"minutes")
    assert process.wait(60) == 0
    os.close(leader)
    assert server.password.encode() not in seen
    assert stranger.json("whoami")["username"] == server.admin
    stranger.run("logout")
    stranger.run("whoami", code=6)


def _read_until(leader: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        ready, _, _ = select.select([leader], [], [], 30)
        assert ready, seen
        seen += os.read(leader, 4096)
    return seen


def test_who_is_not_signed_in_sees_health_only(server: Server, stranger: Terminal, written: Written) -> None:
    assert "status\tok" in stranger.run("health", "--url", server.url)
    path = written("x_1_all.deb", build_deb("x", "1"))
    for command in (["ls"], ["push", path], ["suite", "ls"], ["key", "ls"]):
        stranger.run(*command, code=6, ENTREPOT_URL=server.url)
    stranger.run("rm", "x", "-y", code=6, ENTREPOT_URL=server.url, ENTREPOT_TOKEN="made.up.token")


def test_a_token_in_the_environment_is_enough(server: Server, stranger: Terminal) -> None:
    shown = stranger.run("whoami", ENTREPOT_URL=server.url, ENTREPOT_TOKEN=server.token())
    assert f"user\t{server.admin}\n" in shown


@pytest.mark.skipif(bool(_NO_APT), reason=f"APT IS NOT INSTALLED HERE ({', '.join(_NO_APT)})")
@pytest.mark.parametrize("tool", ["apt", "apt-wget"])
def test_what_is_pushed_can_be_installed_after_the_printed_lines(
    admin: Terminal, written: Written, tmp_path: Path, tool: str
) -> None:
    suite = f"client-{tool}"
    admin.run("suite", "add", suite)
    path = written("greet.deb", build_deb("greet", "1:2.0~rc1+b1-1", "amd64"))
    pushed = admin.run("push", path, "--to", suite)
    assert pushed.startswith(f"published\tgreet 1:2.0~rc1+b1-1 amd64 in {suite}, generation ")
    assert f"# on a client of {suite}, as root\n" in pushed
    assert pushed.endswith("apt-get install greet\n")
    apt = AptRoot(tmp_path / "machine")
    lines = admin.run("suite", "set-up", suite, "--for", tool).replace("/etc/apt/", f"{apt.folder}/etc/apt/")
    apt.run("sh", "-euc", lines).checked()
    assert apt.candidate("greet") == "1:2.0~rc1+b1-1"
    apt.install("greet").checked()
    assert apt.installed() == {"greet": "1:2.0~rc1+b1-1"}


def test_the_printed_key_is_the_one_that_signs(admin: Terminal, tmp_path: Path) -> None:
    if missing_programs("gpg"):
        pytest.skip("GPG IS NOT INSTALLED HERE; nobody can read the printed key")
    key = admin.run("key", "show", "apt/main")
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    listed = subprocess.run(
        ["gpg", "--homedir", str(home), "--show-keys", "--with-colons"],
        input=key,
        capture_output=True,
        text=True,
        check=True,
    )
    prints = [line.split(":")[9] for line in listed.stdout.split("\n") if line.startswith("fpr:")]
    known = admin.run("key", "ls", "-q").split()
    assert prints[0] in known


def test_a_package_goes_its_way(admin: Terminal, written: Written) -> None:
    for codename in ("test", "stable"):
        admin.run("suite", "add", codename, "--description", f"for {codename}")
    first = written("tool_1.0_all.deb", build_deb("tool", "1.0"))
    second = written("tool_1.1_all.deb", build_deb("tool", "1.1"))
    results = admin.json("push", first, second, "--to", "test")["results"]
    assert isinstance(results, list)
    assert [each["answer"]["status"] for each in results] == ["published", "published"]
    assert "(was there already)" in admin.run("push", first, "--to", "test")
    assert sorted(admin.run("ls", "tool", "--dist", "test", "-q").split()) == ["tool=1.0", "tool=1.1"]
    assert "promoted\ttool 1.1 all from test to stable" in admin.run("promote", "tool", "test", "stable")
    assert admin.run("promote", "tool=1.1", "test", "stable").startswith("already_present\t")
    assert admin.run("ls", "--dist", "stable", "-q") == "tool=1.1\n"
    shown = admin.run("show", "tool")
    assert "latest\t1.1\n" in shown
    manifest = admin.json("show", "tool=1.1")
    assert manifest["distributions"] == ["stable", "test"] or manifest["distributions"] == ["test", "stable"]
    [state] = admin.run("suite", "states", "stable", "-q").splitlines()[:1]
    assert "tool" in admin.run("snapshot", "show", state)
    admin.run("rm", "tool=1.1", "--dist", "stable", code=2)
    admin.run("rm", "tool=1.1", "--dist", "stable", "--yes")
    assert admin.run("ls", "--dist", "stable", "-q") == ""
    admin.run("rm", "tool", "--yes")
    admin.run("rm", "tool", "--yes", code=5)


def test_rpm_packages_go_where_rpm_packages_belong(admin: Terminal, written: Written) -> None:
    path = written("gadget.rpm", build_rpm("gadget", "2.0", "3"))
    assert admin.run("push", path).startswith("published\tgadget 2.0-3 noarch in almalinux9, generation ")
    admin.run("push", path, "--to", "jammy", code=2)
    admin.run("promote", "gadget", "almalinux9", "jammy", code=2)
    assert "zypper addrepo" in admin.run("suite", "set-up", "almalinux9")
    assert admin.run("ls", "--format", "rpm", "-q").split() == ["gadget=2.0-3"]


def test_why_a_package_can_be_installed_or_not(admin: Terminal, written: Written) -> None:
    admin.run("suite", "add", "reasons")
    made = {
        "reason-lib": build_deb("reason-lib", "1.0"),
        "reason-app": build_deb("reason-app", "1.0", depends="reason-lib (>= 1)"),
        "reason-new": build_deb("reason-new", "1.0", depends="reason-lib (>= 2), reason-gone"),
        "reason-top": build_deb("reason-top", "1.0", depends="reason-new"),
        "reason-foe": build_deb("reason-foe", "1.0", depends="reason-lib", fields={"Conflicts": "reason-lib"}),
    }
    paths = [written(f"{name}.deb", data) for name, data in made.items()]
    admin.run("push", *paths, "--to", "reasons")
    assert admin.run("why", "reason-lib") == "ok\treason-lib 1.0 all in reasons: 0 dependencies\n"
    shown = admin.run("why", "reason-app=1.0", "--dist", "reasons", "--arch", "amd64").split("\n")
    assert "reason-lib (>= 1)\tok\treason-lib 1.0 all\treason-app 1.0 all" in shown
    shown = admin.run("why", "reason-top", code=3).split("\n")
    assert "blocked\treason-top 1.0 all in reasons: 3 dependencies" in shown
    assert "reason-gone\tmissing\t\treason-new 1.0 all" in shown
    assert "reason-lib (>= 2)\tmissing\tnot reason-lib 1.0 all\treason-new 1.0 all" in shown
    chain = "reason-top 1.0 needs reason-new 1.0 needs"
    assert f"blocked\t{chain} reason-gone, which nothing here offers" in shown
    assert f"blocked\t{chain} reason-lib (>= 2), which is not met by what is here: reason-lib 1.0 all" in shown
    assert "blocked\treason-foe 1.0 all conflicts reason-lib" in admin.run("why", "reason-foe", code=3).split("\n")
    body = admin.json("why", "reason-top", code=3)
    assert (body["install_blocked"], body["missing"]) == (True, ["reason-lib", "reason-gone"])
    told = admin.run("why", "reason-lib=1.0", "--gate", "--dist", "reasons")
    assert told.startswith("ok\treason-lib 1.0 all is in reasons: clients can have it since ")
    assert "published\tsuccess" in told
    explained = admin.json("why", "reason-lib=1.0", "--gate")
    assert (explained["state"], explained["visible"], explained["obstacles"]) == ("published", True, [])
    admin.run("why", "reason-lib", "--gate", code=2)
    admin.run("why", "reason-lib=1.0", "--gate", "--dist", "jammy", code=5)
    admin.run("why", "reason-none", code=5)
    admin.run("why", "reason-lib=2", code=5)
    admin.run("why", "reason-lib=", code=2)


def test_failures_have_their_exit_codes(admin: Terminal, written: Written) -> None:
    good = written("one.deb", build_deb("one", "1"))
    admin.run("push", good)
    admin.run("push", written("other.deb", build_deb("one", "1", files={"usr/other": b"x"})), code=4)
    admin.run("push", written("broken.deb", b"!<arch>\nnothing"), code=2)
    admin.run("push", written("text.txt", b"text"), code=2)
    admin.run("push", good, "--to", "nowhere", code=2)
    admin.run("push", good, "--component", "nowhere", code=2)
    admin.run("show", "absent", code=5)
    admin.run("show", "one=9", code=5)
    admin.run("promote", "absent", "jammy", "noble", code=5)
    admin.run("promote", "one", "jammy", "jammy", code=2)
    admin.run("suite", "show", "absent", code=5)
    admin.run("ls", "--format", "apk", code=2)


def test_json_is_what_the_api_says(admin: Terminal, server: Server) -> None:
    pairs = {
        ("suite", "ls"): "/distributions/",
        ("key", "ls"): "/archives",
        ("whoami",): "/auth/me",
    }
    with server.client() as api:
        for command, path in pairs.items():
            said, shown = api.get(path).json(), admin.json(*command)
            for body in (said, shown):
                body.pop("last_login", None)
            assert shown == said


def test_many_files_are_pushed_at_once_and_none_is_lost(admin: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "built"
    folder.mkdir()
    for number in range(12):
        (folder / f"many{number:02}_1_all.deb").write_bytes(build_deb(f"many{number:02}", "1"))
    admin.run("suite", "add", "many")
    pushed = admin.run("push", str(folder), "--to", "many", "--jobs", "6", "-q")
    assert pushed.split() == [f"many{number:02}=1" for number in range(12)]
    assert admin.run("ls", "--dist", "many", "-q").split() == pushed.split()
