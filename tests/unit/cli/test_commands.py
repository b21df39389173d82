"""What commands print, where, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Ran
from tests.unit.cli.scripted import Reply, ScriptedServer, reply

from entrepot.entrypoints.api.problems import problem
from entrepot.entrypoints.cli.lazy import COMMANDS, load
from entrepot.errors import EntrepotError, Kind

Command = Callable[..., Ran]

EXIT_CODES = {
    Kind.INVALID: 2,
    Kind.UNPROCESSABLE: 2,
    Kind.UNAUTHENTICATED: 6,
    Kind.DENIED: 6,
    Kind.NOT_FOUND: 5,
    Kind.CONFLICT: 4,
    Kind.UNPREPARED: 5,
    Kind.REFUSED: 3,
    Kind.TOO_LARGE: 7,
    Kind.LIMITED: 7,
    Kind.UPSTREAM: 7,
    Kind.TIMED_OUT: 7,
    Kind.UNAVAILABLE: 7,
    Kind.FULL: 7,
    Kind.CORRUPT: 1,
}
ROW = {
    "name": "hello",
    "version": "1.0",
    "arch": "all",
    "format": "deb",
    "distribution": "jammy",
    "filename": "hello_1.0_all.deb",
    "size_bytes": 2048,
    "status": "validated",
}


def page(*rows: dict[str, object]) -> Reply:
    return reply({"items": rows, "packages": [], "total": len(rows), "page": 1, "per_page": 200, "pages": 1})


def every_error() -> list[type[EntrepotError]]:
    found, queue = [], list(EntrepotError.__subclasses__())
    while queue:
        kind = queue.pop()
        queue += kind.__subclasses__()
        if hasattr(kind, "code"):
            found.append(kind)
    return sorted(found, key=lambda kind: kind.code)


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.code)
def test_every_error_of_the_server_has_its_line_and_exit_code(
    entrepot: Command, server: ScriptedServer, kind: type[EntrepotError]
) -> None:
    answer = problem(kind("what is wrong, and where", retry_after=900))
    server.will(Reply(answer.status_code, bytes(answer.body), dict(answer.headers) | {"Retry-After": "900"}))
    ran = entrepot("rm", "hello=1.0", "--yes", "--no-wait")
    assert ran.code == EXIT_CODES[kind.kind]
    assert ran.out == ""
    said = "internal" if kind.kind is Kind.CORRUPT else kind.code
    assert ran.err.startswith("entrepot: ")
    assert f"[{said}]\n" in ran.err
    assert (kind.kind is Kind.CORRUPT) or "what is wrong, and where" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("ls", "--nonsense"),
        ("show",),
        ("promote", "x", "y"),
        ("push",),
        ("push", "--jobs", "0", "x.deb"),
        ("push", "/nowhere/x.deb"),
        ("push", "/nowhere/*.deb"),
        ("login", "--password", "secret", "http://localhost"),
        ("login", "localhost"),
        ("suite", "add", "x", "--format", "apk"),
        ("rm", "hello", "--arch", "all", "--yes"),
        ("rm", "hello=1.0"),
        ("show", "hello", "--arch", "all"),
        ("show", ""),
        ("whoami", "--url", "nonsense"),
        ("health", "--probe", "deep"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_and_asks_the_server_nothing(
    entrepot: Command, server: ScriptedServer, arguments: tuple[str, ...]
) -> None:
    ran = entrepot(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("entrepot: ")
    assert server.asked == []


@pytest.mark.parametrize("arguments", [(), ("suite",), ("key",)], ids=["program", "suite", "key"])
def test_without_a_command_the_help_is_shown_once(entrepot: Command, arguments: tuple[str, ...]) -> None:
    ran = entrepot(*arguments)
    assert ran.code == 2
    assert ran.out.count("Usage:") == 1
    assert ran.err == ""


def test_a_table_in_a_pipe_is_tabs_without_a_heading(entrepot: Command, server: ScriptedServer) -> None:
    long = "x" * 200
    server.will(page(ROW, ROW | {"name": long}))
    ran = entrepot("ls")
    assert ran.out.split("\n") == [
        "hello\t1.0\tall\tjammy\t2.0 KiB\tvalidated",
        f"{long}\t1.0\tall\tjammy\t2.0 KiB\tvalidated",
        "",
    ]


def test_json_is_the_api_s_own_page_with_everything_on_it(entrepot: Command, server: ScriptedServer) -> None:
    first = {"items": [ROW], "total": 2, "page": 1, "per_page": 1, "pages": 2}
    server.will(reply(first), reply(first | {"page": 2, "items": [ROW | {"version": "2.0"}]}))
    body = json.loads(entrepot("ls", "--json", "--dist", "jammy", "-a", "all", "-f", "deb", "hel").out)
    assert [row["version"] for row in body["items"]] == ["1.0", "2.0"]
    assert (body["total"], body["pages"], body["packages"]) == (2, 1, ["hello_1.0_all.deb"] * 2)
    assert server.asked[0].path == "/packages/?q=hel&distribution=jammy&arch=all&format=deb&page=1&per_page=200"


def test_quiet_prints_names_that_other_commands_take(entrepot: Command, server: ScriptedServer) -> None:
    server.will(page(ROW, ROW | {"distribution": "noble"}))
    assert entrepot("ls", "-q").out == "hello=1.0\n"


def test_nothing_found_is_said_apart_from_the_output(entrepot: Command, server: ScriptedServer) -> None:
    server.will(page())
    ran = entrepot("ls")
    assert (ran.code, ran.out, ran.err) == (0, "", "no packages\n")


@pytest.mark.parametrize("arguments", [("ls",), ("ls", "-q"), ("ls", "--json")], ids=" ".join)
def test_what_a_package_says_does_not_act_on_the_terminal(
    entrepot: Command, server: ScriptedServer, arguments: tuple[str, ...]
) -> None:
    server.will(page(ROW | {"name": "a\x1b[2Jb\u202ec\x9bd\ne\u2028f\ud800", "version": "[red]1[/red]"}))
    ran = entrepot(*arguments)
    assert ran.code == 0
    assert not set(ran.out) & set("\x1b\x9b\u202e\u2028\ud800")
    assert "[red]1[/red]" in ran.out


def test_what_a_server_says_does_not_act_on_the_terminal(entrepot: Command, server: ScriptedServer) -> None:
    server.will(reply({"detail": "no\x1b]0;title\x07\nentrepot: all is well", "error": "x\x1b[0m"}, 500))
    ran = entrepot("whoami")
    assert not set(ran.err) & set("\x1b\x07")
    assert sum(line.startswith("entrepot: ") for line in ran.err.split("\n")) == 1


def test_a_fault_of_the_server_is_shown_with_the_request_id(entrepot: Command, server: ScriptedServer) -> None:
    server.will(reply({"detail": "internal error; incident 12ab", "error": "internal"}, 500, X_Request_ID="req-77"))
    ran = entrepot("whoami")
    assert ran.code == 1
    assert "incident 12ab [internal]" in ran.err
    assert "request id: req-77" in ran.err


def test_promotion_sends_exactly_one_version(entrepot: Command, server: ScriptedServer) -> None:
    promoted = [{"name": "hello", "version": "1.0", "arch": "all"}]
    server.will(reply({"status": "ok", "message": "done", "promoted": promoted}))
    ran = entrepot("promote", "hello=1.0", "jammy", "noble", "--arch", "all")
    assert server.asked[0].json() == {
        "package": "hello",
        "from_dist": "jammy",
        "to_dist": "noble",
        "version": "1.0",
        "arch": "all",
    }
    assert ran.out == "promoted\thello 1.0 all from jammy to noble\n"


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 3)])
def test_a_promotion_that_waits_for_a_person_is_no_failure_unless_strict(
    entrepot: Command, server: ScriptedServer, strict: tuple[str, ...], code: int
) -> None:
    server.will(reply({"status": "pending_review", "message": "waits", "pending_promotion_id": 3}, 202))
    ran = entrepot("promote", "hello", "jammy", "noble", *strict)
    assert (ran.code, ran.out) == (code, "pending_review\twaits\n")


def test_a_policy_s_no_exits_3(entrepot: Command, server: ScriptedServer) -> None:
    server.will(reply({"detail": "critical findings", "error": "policy.block", "policy_verdict": {}}, 409))
    ran = entrepot("promote", "hello", "jammy", "noble")
    assert ran.code == 3
    assert "critical findings [policy.block]" in ran.err


@pytest.mark.parametrize(("status", "http", "code"), [("ok", 200, 0), ("degraded", 200, 0), ("error", 503, 7)])
def test_health_says_whether_the_server_can_serve(
    entrepot: Command, server: ScriptedServer, status: str, http: int, code: int
) -> None:
    server.will(reply({"status": status, "version": "v1", "components": {"database": status}}, http))
    ran = entrepot("health")
    assert ran.code == code
    assert f"status\t{status}\n" in ran.out
    assert f"database\t{status}\t\n" in ran.out


ARCHIVES = {
    "archives": [
        {"name": "main", "format": "deb", "fingerprints": ["AB12"], "key_url": "", "suites": ["jammy"]},
        {"name": "main", "format": "rpm", "fingerprints": ["CD34"], "key_url": "", "suites": ["almalinux9"]},
    ]
}


def test_the_key_of_an_archive_is_printed_as_it_is(entrepot: Command, server: ScriptedServer) -> None:
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc=\n-----END PGP PUBLIC KEY BLOCK-----\n"
    server.will_at("/archives", reply(ARCHIVES))
    server.will_at("/rpm/main/key.asc", Reply(200, key.encode()))
    assert entrepot("key", "show", "rpm/main").out == key
    ambiguous = entrepot("key", "show", "main")
    assert (ambiguous.code, ambiguous.out) == (2, "")
    assert "apt/main or rpm/main" in ambiguous.err
    assert entrepot("key", "show", "other").code == 5
    assert entrepot("key", "ls", "-q").out == "AB12\nCD34\n"


def test_a_key_that_is_none_is_not_printed(entrepot: Command, server: ScriptedServer) -> None:
    server.will_at("/archives", reply(ARCHIVES))
    server.will_at("/apt/main/key.asc", Reply(200, b"<html>sign in first</html>"))
    ran = entrepot("key", "show", "apt/main")
    assert (ran.code, ran.out) == (7, "")


def test_the_lines_for_clients_survive_a_shell(entrepot: Command, server: ScriptedServer) -> None:
    row = {"codename": "jammy", "archive": "main", "format": "deb", "client_file": "http://h/apt/main/x;id.sources"}
    server.will_at("/distributions/", reply({"distributions": [row]}))
    server.will_at("/archives", reply(ARCHIVES))
    ran = entrepot("suite", "set-up", "jammy", "--for", "apt-wget")
    assert ran.out == (
        "wget -qO /etc/apt/sources.list.d/main-jammy.sources 'http://h/apt/main/x;id.sources'\napt-get update\n"
    )
    everything = entrepot("suite", "set-up", "main/jammy").out
    assert "# signing key AB12" in everything
    assert "curl -fsSL" in everything
    assert "wget" in everything
    assert entrepot("suite", "set-up", "jammy", "--for", "zypper").code == 2
    assert entrepot("suite", "set-up", "other/jammy").code == 5
    parsed = subprocess.run(["sh", "-n"], input=everything, text=True, check=False)
    assert parsed.returncode == 0


def test_a_distribution_is_added_with_what_was_said_only(entrepot: Command, server: ScriptedServer) -> None:
    server.will(reply({"status": "ok", "results": [{"codename": "trixie", "ok": True, "output": "created"}]}, 201))
    ran = entrepot("suite", "add", "trixie", "-c", "main", "-c", "extra")
    assert ran.out == "trixie: created\n"
    assert server.asked[0].json() == {"codename": "trixie", "format": "deb", "components": ["main", "extra"]}


def test_a_bug_is_one_line_and_a_trace_only_on_demand(entrepot: Command, server: ScriptedServer) -> None:
    server.will(page(ROW | {"size_bytes": 10**400}))
    ran = entrepot("ls")
    assert ran.code == 1
    assert "this is a bug" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in entrepot("--debug", "ls").err


def test_a_reader_that_goes_away_is_no_failure_to_talk_about(server: ScriptedServer, home: Path) -> None:
    server.will(page(*[ROW] * 5000))
    command = f"{sys.executable} -m entrepot --url {server.url} ls | head -n 1"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("hello\t")
    assert ran.stderr == ""


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_help_lists_what_the_commands_say_of_themselves(entry: object) -> None:
    assert entry in COMMANDS
    found = next(each for each in COMMANDS if each is entry)
    assert load(found).help.split("\n")[0] == found.summary


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {"httpx2", "fastapi", "sqlalchemy", "dbos", "pydantic_settings", "entrepot.client.api"}),
        (["push", "--help"], {"fastapi", "sqlalchemy", "dbos", "entrepot.services", "entrepot.adapters"}),
    ],
    ids=["program", "push"],
)
def test_help_imports_no_more_than_it_needs(arguments: list[str], absent: set[str]) -> None:
    program = (
        f"import sys; sys.argv = ['entrepot', *{arguments!r}]\n"
        "from entrepot.entrypoints.cli.app import run\n"
        "run(sys.argv[1:])\n"
        "print('\\nIMPORTED', *sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not absent & set(ran.stdout.rpartition("IMPORTED")[2].split())
