"""``import-tree``: take over a repository that another program left in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entrepot.client.api import Client
from entrepot.client.errors import Missing
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import Bars
from entrepot.entrypoints.cli.push import Wish, exit_code_of_all, push_all
from entrepot.entrypoints.cli.receipts import Pushed, report
from entrepot.entrypoints.cli.session import NoWaitOption, UrlOption, connect
from entrepot.entrypoints.cli.text import one_line
from entrepot.entrypoints.cli.trees import TreePackage, read_tree, verified
from entrepot.entrypoints.cli.walks import pages

_MOST_KEY_BYTES = 4 << 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import-tree")(import_tree)


def import_tree(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With dists/ and pool/, or with repodata/.")],
    to: Annotated[str, typer.Option("--to", "-t", metavar="DIST", help="Distribution that takes the packages.")],
    distribution: Annotated[
        str | None, typer.Option("--distribution", "-d", metavar="NAME", help="Which one of dists/, if there are more.")
    ] = None,
    keyring: Annotated[
        Path | None, typer.Option("--keyring", metavar="FILE", help="Keys, one of which has signed the tree.")
    ] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Believe the tree without any signature.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=16, metavar="N", help="Uploads at a time.")] = 4,
    no_wait: NoWaitOption = False,
    url: UrlOption = None,
) -> None:
    """Take over a repository that another program left in a folder.

    That is what aptly, reprepro, debmirror, apt-mirror and createrepo write.

    Its signature, its indexes and every file are verified; then every package is uploaded as by 'push', with all
    checks, into its component.  What is in the distribution already is not sent again, so that an import that broke
    off goes on.  What was not taken is told, with the reason.
    """
    output = Output()
    if (keyring is None) is not unsigned:
        hint = "give --keyring FILE, or --unsigned to believe it as it is"
        raise CommandFailed("say whose signature the tree must have", "usage", ExitCode.INVALID, hint)
    tree = read_tree(folder, distribution, None if keyring is None else _key(keyring))
    output.note(f"{tree.label}: {len(tree.packages)} packages" + ("" if keyring else "; NOT VERIFIED by any signature"))
    refused = list(tree.passed_over)
    pushed: list[Pushed] = []
    with connect(ctx, url, output, wait=not no_wait) as client:
        there = _there(client, to)
        wanted: dict[str, list[TreePackage]] = {}
        skipped = 0
        for package in tree.packages:
            sha256, fault = verified(package)
            if fault:
                refused.append(f"{package.listed.filename}: {fault}")
            elif sha256 in there:
                skipped += 1
            else:
                wanted.setdefault(package.listed.component, []).append(package)
        for component, packages in sorted(wanted.items()):
            some = [Pushed(package.path) for package in packages]
            with Bars(output, [each.path for each in some]) as bars:
                push_all(client, some, Wish(to, component or None), min(jobs, len(some)), bars)
            pushed += some
    report(output, pushed, {})
    for package in tree.packages:
        if package.moved:
            output.note(f"at another address now: {one_line(package.listed.filename)}")
    for line in refused:
        output.note(f"not taken: {one_line(line)}")
    output.note(f"{skipped} were there already, {len(pushed)} sent, {len(refused)} not taken")
    code = exit_code_of_all(pushed, strict=False) or (ExitCode.REFUSED if refused else ExitCode.OK)
    if code:
        raise typer.Exit(code)


def _there(client: Client, distribution: str) -> set[str]:
    """Digests of what is published there; of nothing published, nothing."""
    try:
        rows = pages(lambda number: client.snapshots.contents(distribution, number, 500))
        return {str(row["sha256"]) for row in rows}
    except Missing:
        return set()


def _key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_KEY_BYTES)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}", "no_files", ExitCode.INVALID) from error
