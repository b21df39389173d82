"""Pushing several files: which ones, what is said about each, and the exit code of all."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Ran
from tests.unit.cli.scripted import Reply, ScriptedServer, reply

from entrepot.entrypoints.cli.failures import CommandFailed
from entrepot.entrypoints.cli.files import package_files

Command = Callable[..., Ran]


def published(name: str, status: str = "published", **more: object) -> Reply:
    body = {
        "status": status,
        "package": name,
        "version": "1.0",
        "arch": "all",
        "distribution": "jammy",
        "generation": 7,
        "pipeline": {"antivirus": "skipped", "cve_scan": "skipped", "gpg": "signed"},
        "install": ["curl -fsSL http://h/x.sources -o /etc/x.sources", "apt-get update", f"apt-get install {name}"],
    }
    return reply(body | more, 201)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    (folder / "sub" / ".hidden").mkdir(parents=True)
    for name in ("b.deb", "a.rpm", "a.src.rpm", "notes.txt", "sub/c.DEB", "sub/.hidden/d.deb"):
        (folder / name).write_bytes(b"x")
    (folder / "loop").symlink_to(folder)
    return folder


def test_a_folder_gives_the_packages_below_it(files: Path) -> None:
    found = package_files([str(files)])
    assert [str(path.relative_to(files)) for path in found] == ["a.rpm", "b.deb", "sub/c.DEB"]


def test_patterns_names_and_folders_can_be_mixed_and_nothing_is_sent_twice(files: Path) -> None:
    arguments = [f"{files}/b.deb", f"{files}/*.deb", f"{files}/s*/*.DEB", str(files / "notes.txt"), str(files / "sub")]
    found = package_files(arguments)
    assert [path.name for path in found] == ["b.deb", "c.DEB", "notes.txt"]


def test_a_name_with_pattern_characters_is_a_name_first(tmp_path: Path) -> None:
    (tmp_path / "a[1].deb").write_bytes(b"x")
    assert package_files([f"{tmp_path}/a[1].deb"]) == [tmp_path / "a[1].deb"]


@pytest.mark.parametrize("argument", ["absent.deb", "*.deb", "empty"])
def test_an_argument_that_means_nothing_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandFailed):
        package_files([argument])


def test_each_verdict_is_said_and_the_clients_lines_once(
    entrepot: Command, server: ScriptedServer, files: Path
) -> None:
    server.will(published("hello", validation={"deps_missing": ["libc6"]}, warnings=["has a set-uid file"]))
    ran = entrepot("push", str(files), "--jobs", "1")
    assert ran.code == 0
    lines = ran.out.split("\n")
    assert lines.count("published\thello 1.0 all in jammy, generation 7") == 3
    assert lines.count("  gpg signed; not run: antivirus, cve scan") == 3
    assert "  missing dependencies: libc6" in lines
    assert "  note: has a set-uid file" in lines
    assert lines.count("apt-get install hello") == 1
    assert ran.err == "3 of 3 files came in\n"


def test_the_others_go_on_and_the_first_failure_gives_the_code(
    entrepot: Command, server: ScriptedServer, files: Path
) -> None:
    conflict = {"detail": {"error": "duplicate_conflict", "message": "1.0 exists with other content"}}
    malformed = {"detail": "not an ar archive", "error": "package.malformed", "status": "rejected"}
    server.will(reply(conflict, 409), reply(malformed, 422), published("c"))
    ran = entrepot("push", str(files), "-j", "1")
    assert ran.code == 4
    assert "published\tc 1.0" in ran.out
    assert "a.rpm: 1.0 exists with other content [duplicate_conflict]" in ran.err
    assert "raise the version" in ran.err
    assert "b.deb: not an ar archive [package.malformed]" in ran.err
    assert "1 of 3 files came in" in ran.err


def test_when_nobody_may_push_the_rest_is_not_tried(entrepot: Command, server: ScriptedServer, files: Path) -> None:
    server.will(reply({"detail": "the role reader may not upload", "error": "permission_denied"}, 403))
    ran = entrepot("push", str(files), "-j", "1")
    assert ran.code == 6
    assert len(server.asked) == 1
    assert ran.err.count("[not_finished]") == 2


@pytest.mark.parametrize(
    ("status", "arguments", "code"),
    [
        ("published", (), 0),
        ("pending_review", (), 0),
        ("pending_review", ("--strict",), 3),
        ("publishing", (), 7),
    ],
)
def test_the_exit_code_says_what_became_of_it(
    entrepot: Command, server: ScriptedServer, files: Path, status: str, arguments: tuple[str, ...], code: int
) -> None:
    server.will(published("hello", status, message="because"))
    ran = entrepot("push", f"{files}/b.deb", *arguments)
    assert ran.code == code
    assert ran.out.startswith(f"{status}\thello 1.0")
    assert ("apt-get install" in ran.out) == (status == "published")


def test_a_refused_package_shows_what_the_checks_found(entrepot: Command, server: ScriptedServer, files: Path) -> None:
    steps = [{"name": "antivirus", "passed": False, "message": "Eicar found"}, {"name": "structure", "passed": True}]
    body = {"status": "quarantined", "message": "refused: malware", "validation": {"steps": steps}}
    server.will(reply(body, 422))
    ran = entrepot("push", f"{files}/b.deb")
    assert ran.code == 3
    assert "b.deb: refused: malware [quarantined]" in ran.err
    assert "antivirus: Eicar found" in ran.err


def test_json_has_every_file_with_the_api_s_answer_or_the_error(
    entrepot: Command, server: ScriptedServer, files: Path
) -> None:
    server.will(published("a"), reply({"detail": "no", "error": "package.field"}, 422), published("c"))
    ran = entrepot("push", str(files), "-j", "1", "--json")
    results = json.loads(ran.out)["results"]
    assert [each["ok"] for each in results] == [True, False, True]
    assert results[0]["answer"]["generation"] == 7
    assert results[1]["error"] == {"code": "package.field", "detail": "no", "status": 422, "exit_code": 2}
    assert ran.code == 2


def test_quiet_prints_what_came_in(entrepot: Command, server: ScriptedServer, files: Path) -> None:
    server.will(published("hello"))
    ran = entrepot("push", f"{files}/b.deb", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "hello=1.0\n", "")


def test_several_uploads_at_a_time_give_results_in_order(
    entrepot: Command, server: ScriptedServer, tmp_path: Path
) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.deb").write_bytes(b"x" * (1 + 3000 * (number % 3)))
    server.will(published("p"))
    results = json.loads(entrepot("push", str(tmp_path), "-j", "8", "--json").out)["results"]
    assert [Path(each["file"]).name for each in results] == [f"{number:02}.deb" for number in range(30)]
    assert len(server.asked) == 30


def in_a_terminal(server: ScriptedServer, *arguments: str, **environment: str) -> str:
    """Everything a command writes to a terminal of 80 columns."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot", "--url", server.url, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
        close_fds=True,
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not data:
            break
        seen += data
    os.close(leader)
    process.wait(60)
    return seen.decode()


def test_a_terminal_gets_bars_and_colours(server: ScriptedServer, files: Path) -> None:
    server.will(published("hello"))
    seen = in_a_terminal(server, "push", f"{files}/b.deb")
    assert "\x1b[32mpublished" in seen
    assert "b.deb" in seen
    assert "apt-get install hello" in seen


def test_no_color_is_honoured(server: ScriptedServer, files: Path) -> None:
    server.will(published("hello"))
    seen = in_a_terminal(server, "push", f"{files}/b.deb", "-q", NO_COLOR="1")
    assert seen == "hello=1.0\r\n"
    shown = in_a_terminal(server, "push", f"{files}/b.deb", NO_COLOR="1")
    assert "\x1b[3" not in shown
    assert "published" in shown


def test_an_interrupt_ends_the_wait_and_says_what_is_not_known(server: ScriptedServer, files: Path) -> None:
    over = threading.Event()
    server.will(Reply(after=over))
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot", "--url", server.url, "push", f"{files}/b.deb"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not server.asked:
        assert process.poll() is None
        time.sleep(0.01)
    # An interrupt that arrives inside a destructor is lost to Python; people press the keys again then.
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
    out, err = process.communicate(timeout=60)
    over.set()
    # Where the interrupt is lost, the connection ends by itself, and what is said of the file is the same.
    assert (process.returncode in {130, 7}, out) == (True, ""), err
    assert "pushing it again is fine [not_finished]" in err or process.returncode == 7, err


def test_lines_for_clients_are_made_where_the_server_gives_none(
    entrepot: Command, server: ScriptedServer, files: Path
) -> None:
    row = {"codename": "jammy", "archive": "main", "format": "deb", "client_file": "http://h/apt/main/jammy.sources"}
    server.will_at("/upload/", published("one", install=None), published("two", install=None))
    server.will_at("/distributions/", reply({"distributions": [row]}))
    ran = entrepot("push", f"{files}/b.deb", f"{files}/sub/c.DEB", "-j", "1")
    assert ran.out.endswith(
        "\n# on a client of jammy, as root\n"
        "curl -fsSL http://h/apt/main/jammy.sources -o /etc/apt/sources.list.d/main-jammy.sources\n"
        "apt-get update\napt-get install one two\n"
    )


def test_a_push_that_worked_does_not_fail_for_want_of_a_hint(
    entrepot: Command, server: ScriptedServer, files: Path
) -> None:
    server.will_at("/upload/", published("one", install=None))
    server.will_at("/distributions/", reply({"detail": "no"}, 500))
    ran = entrepot("push", f"{files}/b.deb")
    assert (ran.code, ran.err) == (0, "")
