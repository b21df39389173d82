"""The table of client commands, and a group that imports a command's module only when that command runs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from typer.main import get_group

from entrepot.entrypoints.cli.commands import Command, Commands, Group, flowing

_USE, _MANAGE = "Packages", "Repositories"


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not imported yet; ``summary`` is the first line of its help."""

    name: str
    module: str
    summary: str
    panel: str


COMMANDS = (
    Entry("push", "push", "Upload package files and wait until clients can install them.", _USE),
    Entry("ls", "ls", "List packages.", _USE),
    Entry("search", "search", "Find packages: a line for each name, with its newest version.", _USE),
    Entry("show", "show", "Show a package, or one version of it.", _USE),
    Entry("download", "download", "Fetch the file of a package and check its SHA-256.", _USE),
    Entry("why", "why", "Show what a package needs, what satisfies it, and why it cannot be installed.", _USE),
    Entry("sbom", "sbom", "Write what a package or everything consists of: CycloneDX or SPDX.", _USE),
    Entry("cve", "cve", "Show what is known to be wrong with a package.", _USE),
    Entry("vulnerabilities", "cve", "List known vulnerabilities of the packages, the worst first.", _USE),
    Entry(
        "import",
        "imports",
        "Bring a package from a source, with all that it needs, through the same checks as an upload.",
        _USE,
    ),
    Entry("import-tree", "import_tree", "Take over a repository that another program left in a folder.", _USE),
    Entry("upstream", "imports", "What the sources have.", _USE),
    Entry("promote", "promote", "Copy a package from one distribution to another.", _USE),
    Entry("migrate", "promotion", "Copy all packages of a distribution, or some, to another one.", _USE),
    Entry("rm", "rm", "Remove a package, or one version of it.", _USE),
    Entry("pin", "pin", "Keep a version from retention, or let it go again.", _USE),
    Entry("snapshot", "snapshot", "States of distributions that are kept under a name.", _USE),
    Entry("diff", "snapshot", "Show what differs between two states of distributions.", _USE),
    Entry("env", "env", "Names under which machines see snapshots.", _USE),
    Entry("erratum", "erratum", "Notices that tell machines why there is an update.", _USE),
    Entry("rollout", "rollout", "Updates that reach the machines of apt little by little.", _USE),
    Entry("rescan", "cve", "Ask every check again about a package, or compare everything again.", _MANAGE),
    Entry("review", "review", "Packages that wait for a person.", _MANAGE),
    Entry("advisory", "advisory", "Security advisories: import, refresh, state.", _MANAGE),
    Entry("promotion", "promotion", "Promotions that wait for an administrator.", _MANAGE),
    Entry("suite", "suite", "Distributions: list, add, publish anew, set up clients.", _MANAGE),
    Entry("source", "source", "Repositories of others, to import packages from.", _MANAGE),
    Entry("mirror", "mirror", "Copies of other repositories, byte for byte or chosen and signed here.", _MANAGE),
    Entry("bundle", "bundle", "States on their way to a server that no network reaches.", _MANAGE),
    Entry("trusted-key", "trusted_key", "Keys that distributions trust: list, add, remove.", _MANAGE),
    Entry("key", "key", "Signing keys: list, show, rotate.", _MANAGE),
    Entry("policy", "policy", "What findings, uncertainty, licences and age lead to.", _MANAGE),
    Entry("retention", "retention", "Remove versions that the settings keep no longer, or show them.", _MANAGE),
    Entry("audit", "audit", "The audit log: list, export, verify.", _MANAGE),
    Entry("jobs", "job", "List long work, newest first.", _MANAGE),
    Entry("job", "job", "One piece of long work: show, watch, cancel.", _MANAGE),
    Entry("user", "user", "Accounts of people.", _MANAGE),
    Entry("group", "group", "Groups of accounts that share a role.", _MANAGE),
    Entry("role", "role", "Roles: those of the program, and your own.", _MANAGE),
    Entry("token", "token", "API tokens, for programs.", _MANAGE),
    Entry("settings", "settings", "Settings that can be changed while the server runs.", _MANAGE),
    Entry("notify", "notify", "Mails and webhooks: delivery log, tries.", _MANAGE),
    Entry("template", "template", "Texts of mails: show, change, preview, reset.", _MANAGE),
    Entry("login", "login", "Sign in and remember the server.", _MANAGE),
    Entry("logout", "login", "Forget the session.", _MANAGE),
    Entry("whoami", "login", "Show who is signed in, and where.", _MANAGE),
    Entry("mfa", "mfa", "Your own second factor: codes of an app at sign-in.", _MANAGE),
    Entry("status", "status", "Show what is there, what waits and what happened last.", _MANAGE),
    Entry("stats", "stats", "Show what was downloaded.", _MANAGE),
    Entry("health", "health", "Show how the server is.", _MANAGE),
)


def load(entry: Entry) -> Any:
    """The real command."""
    module = importlib.import_module(f"entrepot.entrypoints.cli.{entry.module}")
    commands = Commands()
    module.register(commands)
    return get_group(commands).commands[entry.name]


class LazyGroup(Group):
    """Client commands by the table, then those that were registered; help of the program imports no command."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.help = flowing(self.help)
        registered = dict(self.commands)
        self.commands.clear()
        for entry in COMMANDS:
            self.add_command(Command(entry.name, help=entry.summary, rich_help_panel=entry.panel))
        self.commands.update(registered)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command in place of its listing."""
        name, command, rest = super().resolve_command(ctx, args)
        found = [entry for entry in COMMANDS if entry.name == name]
        return name, load(found[0]) if found else command, rest
