"""Lines that make a machine a client of a distribution."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import quote

from entrepot.client.answers import Distribution, Upload
from entrepot.client.api import Client
from entrepot.client.errors import BadAnswer, ClientError
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.text import one_line


class Tool(StrEnum):
    """What the client has: a package manager, and how the file is fetched where that differs."""

    APT = "apt"
    APT_WGET = "apt-wget"
    DNF = "dnf"
    DNF_WGET = "dnf-wget"
    ZYPPER = "zypper"


_MOST_NAMES = 8

_TITLES = {
    Tool.APT: "apt (Debian, Ubuntu)",
    Tool.APT_WGET: "apt, where there is no curl",
    Tool.DNF: "dnf (Fedora, RHEL and its kin)",
    Tool.DNF_WGET: "dnf, where there is no curl",
    Tool.ZYPPER: "zypper (openSUSE, SLES)",
}

Commands = Mapping[str, Sequence[str]]


def setup_commands(row: Distribution, base_url: str) -> Commands:
    """Shell lines by tool, for the format of the distribution.  Everything in them is quoted.

    Raises:
        BadAnswer: the server's address of the client file is not one.
    """
    archive, codename = row.get("archive", "main"), row["codename"]
    deb = row["format"] == "deb"
    top, suffix = ("apt", "sources") if deb else ("rpm", "repo")
    address = row.get("client_file") or f"{base_url}/{top}/{quote(archive)}/{quote(codename)}.{suffix}"
    if not address.startswith(("http://", "https://")) or not address.isprintable():
        raise BadAnswer("the server's address of the client file is not a URL", code="bad_answer")
    url, name = shlex.quote(address), f"{archive}-{codename}".replace("/", "-")
    if deb:
        path = shlex.quote(f"/etc/apt/sources.list.d/{name}.sources")
        return {
            Tool.APT.value: [f"curl -fsSL {url} -o {path}", "apt-get update"],
            Tool.APT_WGET.value: [f"wget -qO {path} {url}", "apt-get update"],
        }
    path = shlex.quote(f"/etc/yum.repos.d/{name}.repo")
    return {
        Tool.DNF.value: [f"curl -fsSL {url} -o {path}", "dnf -y makecache --refresh"],
        Tool.DNF_WGET.value: [f"wget -qO {path} {url}", "dnf -y makecache --refresh"],
        Tool.ZYPPER.value: [f"zypper addrepo {url}", "zypper refresh"],
    }


def installation(client: Client, answers: Sequence[Upload]) -> dict[str, list[str]]:
    """Lines that install what was published, by distribution: the server's own, else made here.

    Nothing of this is worth a failure: what cannot be asked for is left out.
    """
    lines: dict[str, list[str]] = {}
    names: dict[tuple[str, str], list[str]] = {}
    for answer in (each for each in answers if each["status"] == "published"):
        suite, own = str(answer.get("distribution", "")), answer.get("install")
        if isinstance(own, list) and own:
            lines.setdefault(suite, [str(line) for line in own])
        else:
            names.setdefault((str(answer.get("archive", "main")), suite), []).append(answer.get("package", ""))
    if names:
        with contextlib.suppress(ClientError):
            rows = client.distributions()["distributions"]
            known = {(row.get("archive", "main"), row.get("codename", "")): row for row in rows}
            for place, packages in names.items():
                if place in known:
                    lines.setdefault(place[1], _install(known[place], client, packages))
    return lines


def _install(row: Distribution, client: Client, names: Sequence[str]) -> list[str]:
    tool, command = (Tool.APT, "apt-get install") if row["format"] == "deb" else (Tool.DNF, "dnf install")
    shown = [shlex.quote(name) for name in dict.fromkeys(names)][:_MOST_NAMES]
    return [*setup_commands(row, client.base_url)[tool.value], f"{command} {' '.join(shown)}"]


def write_setup(
    output: Output, row: Distribution, commands: Commands, fingerprints: Sequence[str], tool: Tool | None
) -> None:
    """Print the lines of one tool, or of all with their titles.

    Raises:
        CommandFailed: the distribution is not for that tool.
    """
    if tool is not None:
        if tool.value not in commands:
            raise CommandFailed(
                f"{one_line(row['codename'])} holds .{one_line(row['format'])} packages, not for {tool.value}",
                "wrong_format",
                ExitCode.INVALID,
                f"--for {' or '.join(commands)}",
            )
        for line in commands[tool.value]:
            output.line(line)
        return
    for number, (name, lines) in enumerate(commands.items()):
        if number:
            output.line()
        output.line(f"# {_TITLES[Tool(name)]}, as root")
        for line in lines:
            output.line(line)
    if fingerprints:
        output.line()
        for fingerprint in fingerprints:
            output.line(f"# signing key {fingerprint}")
