"""``push``: upload package files."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from entrepot.client.answers import Upload
from entrepot.client.api import Client
from entrepot.client.errors import ClientError, NotAllowed, NotSignedIn, Unreachable
from entrepot.client.multipart import Progress
from entrepot.entrypoints.cli.failures import ExitCode, exit_code_of
from entrepot.entrypoints.cli.files import package_files
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.progress import Bars
from entrepot.entrypoints.cli.receipts import Pushed, report
from entrepot.entrypoints.cli.session import JsonOption, NoWaitOption, UrlOption, connect
from entrepot.entrypoints.cli.setup import installation

_SIGNATURES = (".asc", ".sig")
_ATTESTATIONS = (".sigstore.json", ".sigstore", ".intoto.json", ".intoto.jsonl")
_POINTLESS = (NotSignedIn, NotAllowed, Unreachable)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("push")(push)


@dataclass(frozen=True, slots=True)
class Wish:
    """Where the files shall go; what is not said is the server's choice.

    ``steps`` asks the server to tell what it does with them.
    """

    distribution: str | None
    component: str | None
    beside: bool = False
    steps: bool = False


class Stopped(Exception):
    """The upload was given up because another one failed in a way that this one would, too, or a person said so."""


def push(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Package files, folders, quoted patterns.")],
    to: Annotated[
        str | None, typer.Option("--to", "-t", metavar="DIST", help="Distribution; else the format's first one.")
    ] = None,
    component: Annotated[
        str | None, typer.Option("--component", "-c", metavar="C", help="Component; else the distribution's first one.")
    ] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Send FILE.asc, FILE.sigstore.json and FILE.intoto.json along.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=16, metavar="N", help="Uploads at a time.")] = 4,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when a package waits for review.")] = False,
    no_wait: NoWaitOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print NAME=VERSION of what came in only.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Upload package files and wait until clients can install them.

    Pushing the same file again is fine.  When some files fail, the others are still pushed, and the exit code is
    that of the first failure.
    """
    output = Output(as_json=as_json, quiet=quiet)
    paths = package_files(files)
    pushed = [Pushed(path) for path in paths]
    try:
        with connect(ctx, url, output, wait=not no_wait) as client, Bars(output, paths) as bars:
            wish = Wish(to, component, beside, steps=bars.shown and _tells_steps(client))
            push_all(client, pushed, wish, min(jobs, len(paths)), bars)
            snippets = {} if as_json or quiet else installation(client, [each.answer for each in pushed if each.answer])
    except KeyboardInterrupt:
        report(output, pushed, {})
        raise
    report(output, pushed, snippets)
    code = exit_code_of_all(pushed, strict=strict)
    if code:
        raise typer.Exit(code)


def _tells_steps(client: Client) -> bool:
    """Whether the server is one that does; what is wrong with it otherwise, the upload will say."""
    try:
        client.jobs(per_page=1)
    except ClientError:
        return False
    return True


def push_all(client: Client, pushed: list[Pushed], wish: Wish, jobs: int, bars: Bars) -> None:
    """Fill in what became of each.

    The threads are daemons: after an interrupt nobody waits for an answer that takes a minute.
    """
    stop = threading.Event()
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(pushed)):
        numbers.put(number)

    def work() -> None:
        while not stop.is_set():
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            pushed[number] = _push_one(client, pushed[number].path, wish, bars, stop)

    threads = [threading.Thread(target=work, name=f"push-{number}", daemon=True) for number in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        stop.set()


def _push_one(client: Client, path: Path, wish: Wish, bars: Bars, stop: threading.Event) -> Pushed:
    with bars.file(path) as (progress, step):
        try:
            send = functools.partial(client.artifacts.upload_watched, told=step) if wish.steps else client.upload
            answer: Upload = send(
                path,
                distribution=wish.distribution,
                component=wish.component,
                progress=_stoppable(progress, stop),
                signature=next(_there(path, _SIGNATURES), None) if wish.beside else None,
                attestations=list(_there(path, _ATTESTATIONS)) if wish.beside else (),
            )
        except ClientError as error:
            if isinstance(error, _POINTLESS):
                stop.set()
            return Pushed(path, error=error)
        except Stopped:
            return Pushed(path)
    return Pushed(path, answer=answer)


def _there(path: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    for suffix in suffixes:
        found = path.with_name(path.name + suffix)
        if found.exists():
            yield found


def _stoppable(progress: Progress, stop: threading.Event) -> Callable[[int], None]:
    def count(size: int) -> None:
        if stop.is_set():
            raise Stopped
        progress(size)

    return count


def exit_code_of_all(pushed: Sequence[Pushed], *, strict: bool) -> ExitCode:
    """That of the first failure; else what the verdicts come to."""
    for each in pushed:
        if each.error is not None:
            return exit_code_of(each.error)
    statuses = {each.answer["status"] for each in pushed if each.answer is not None}
    if statuses & {"rejected", "quarantined"} or ("pending_review" in statuses and strict):
        return ExitCode.REFUSED
    return ExitCode.OK if statuses <= {"published", "pending_review"} else ExitCode.NOT_COMPLETE
