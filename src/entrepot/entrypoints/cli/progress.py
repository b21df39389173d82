"""Progress of uploads: bars on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from entrepot.client import multipart
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.text import one_line


class Bars:
    """A bar for each file that is under way, and one for all when there are several."""

    def __init__(self, output: Output, paths: Sequence[Path]) -> None:
        shown = output.errors.is_terminal and not output.quiet
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            console=output.errors,
            disable=not shown,
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
    def file(self, path: Path) -> Iterator[multipart.Progress]:
        """The bar of one file while it is sent and waited for."""
        task = self._progress.add_task(_label(path), total=self._sizes[path])
        try:
            yield lambda size: self._advance(task, path, size)
        finally:
            self._progress.remove_task(task)

    def _advance(self, task: TaskID, path: Path, size: int) -> None:
        self._progress.advance(task, size)
        self._progress.advance(self._all, size)
        if size > 0 and self._progress.tasks and self._sent(task) >= self._sizes[path]:
            self._progress.update(task, description=f"{_label(path)}: checking, publishing")

    def _sent(self, task: TaskID) -> float:
        return next((each.completed for each in self._progress.tasks if each.id == task), 0)


def _label(path: Path) -> str:
    name = one_line(path.name)
    # What tells files apart, version and architecture, is at the end.
    return name if len(name) <= 34 else f"{name[:8]}...{name[-23:]}"
