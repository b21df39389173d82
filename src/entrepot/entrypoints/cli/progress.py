"""Progress of uploads and of long work: bars on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from entrepot.client import multipart
from entrepot.client.answers_jobs import UploadStep
from entrepot.client.api import Client
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.text import one_line


class Bars:
    """A bar for each file that is under way, and one for all when there are several."""

    def __init__(self, output: Output, paths: Sequence[Path]) -> None:
        self.shown = output.errors.is_terminal and not output.quiet
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            console=output.errors,
            disable=not self.shown,
            transient=True,
            expand=True,
        )
        self._several = len(paths) > 1
        self._sizes = {path: path.stat().st_size if path.is_file() else 0 for path in paths}

    def __enter__(self) -> Self:
        self._progress.start()
        total = sum(self._sizes.values())
        self._all = self._progress.add_task(f"{len(self._sizes)} files", total=total, visible=self._several)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def file(self, path: Path) -> Iterator[tuple[multipart.Progress, Callable[[UploadStep], None]]]:
        """The bar of one file while it is sent and waited for: for bytes, and for steps of the server."""
        task = self._progress.add_task(_label(path), total=self._sizes[path])
        try:
            yield (lambda size: self._advance(task, path, size)), (lambda step: self._step(task, path, step))
        finally:
            self._progress.remove_task(task)

    def _advance(self, task: TaskID, path: Path, size: int) -> None:
        self._progress.advance(task, size)
        self._progress.advance(self._all, size)
        if size > 0 and self._progress.tasks and self._sent(task) >= self._sizes[path]:
            self._progress.update(task, description=f"{_label(path)}: checking, publishing")

    def _step(self, task: TaskID, path: Path, step: UploadStep) -> None:
        if step["status"] == "running":
            what = one_line(step["label"]).lower() + (f": {one_line(step['message'])}" if step["message"] else "")
            self._progress.update(task, description=f"{_label(path)}: {what[:60]}")

    def _sent(self, task: TaskID) -> float:
        return next((each.completed for each in self._progress.tasks if each.id == task), 0)


class CountBar:
    """How far one job is, as its events say."""

    def __init__(self, output: Output) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=output.errors,
            disable=not output.errors.is_terminal or output.as_json,
            transient=True,
            expand=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("waiting", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def at(self, event: Mapping[str, object]) -> None:
        """Show what an event says."""
        count, total = event.get("count"), event.get("total")
        known = {"completed": count, "total": total or None} if isinstance(count, int) else {}
        text = one_line(event.get("message") or "")[:60]
        self._progress.update(self._task, **known, **({"description": text} if text else {}))  # type: ignore[arg-type]


def watched(client: Client, job: str, output: Output) -> dict[str, Any]:
    """Show how far a job is until it ends; its result.  One that was not done is the failure of the command."""
    last: dict[str, Any] = {}
    with CountBar(output) as bar:
        for event in client.jobs.follow(job):
            last = event.data
            bar.at(last)
            if last.get("type") == "event" and last.get("level") == "warning":
                output.note(one_line(last["message"]))
    row = client.jobs.one(job)
    result: dict[str, Any] = dict(row["result"] or {})
    if row["status"] != "done":
        detail = one_line(str(result.get("error") or row["status"]))
        raise CommandFailed(detail, str(result.get("code") or "job.failed"), ExitCode.NOT_COMPLETE)
    return result


def _label(path: Path) -> str:
    name = one_line(path.name)
    # What tells files apart, version and architecture, is at the end.
    return name if len(name) <= 34 else f"{name[:8]}...{name[-23:]}"
