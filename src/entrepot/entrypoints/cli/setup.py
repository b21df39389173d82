"""Lines that make a machine a client of a distribution."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import quote

from entrepot.client.answers import Distribution
from entrepot.client.errors import BadAnswer
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
        Tool.DNF.value: [f"curl -fsSL {url} -o {path}", "dnf makecache --refresh"],
        Tool.DNF_WGET.value: [f"wget -qO {path} {url}", "dnf makecache --refresh"],
        Tool.ZYPPER.value: [f"zypper addrepo {url}", "zypper refresh"],
    }


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
