"""Every file of a package goes to a scanner: the package itself, its files, and those of archives among them.

One pass.  While an archive is unpacked, its own bytes are copied to the scanner, and what comes out of it goes there by
another stream.  What is not known to have been looked at whole is noted, never taken for clean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

from entrepot.adapters.antivirus.base import Answer, Scanner, ScanResult, ScanStream
from entrepot.domain.formats.base import ByteSource, Limits
from entrepot.domain.formats.compression import Codec, open_stream
from entrepot.domain.formats.nested import Begun, Container, ar_files, layer_of, tar_files
from entrepot.domain.formats.quoting import quote
from entrepot.errors import MalformedPackage, PackageBomb

Payload = Callable[[ByteSource], Iterator[tuple[bytes, ByteSource]]]

_READ_BYTES = 256 << 10
_MOST_NOTED = 20
_TELL_EVERY_SECONDS = 0.5
_OVERLAP_BYTES = 1 << 20
_ARCHIVES = {Container.TAR: tar_files, Container.DEB: ar_files}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the examination of one package may cost; ``stream_bytes`` is what the scanner takes at once."""

    stream_bytes: int
    seconds: float = 1800
    unpacked_bytes: int = 64 << 30
    members: int = 1_000_000
    layers: int = 5


@dataclass(slots=True)
class Examined:
    """How far an examination came.  Members are files of the package and of archives in it, packed and unpacked."""

    members: int = 0
    unpacked_bytes: int = 0
    scanned_members: int = 0
    scanned_bytes: int = 0
    unscanned_count: int = 0
    unscanned: list[str] = field(default_factory=list)

    def note(self, label: str, why: str) -> None:
        """Something was not looked at whole."""
        self.unscanned_count += 1
        if len(self.unscanned) < _MOST_NOTED:
            self.unscanned.append(f"{label}: {why}")

    @property
    def complete(self) -> bool:
        """Whether everything was."""
        return not self.unscanned_count

    def sentence(self) -> str:
        """For people."""
        return (
            f"{self.scanned_members} of {self.members} files scanned, "
            f"{self.scanned_bytes} of {self.unpacked_bytes} bytes"
        )


class ScanBroken(Exception):
    """The scanner took a stream, and gave no usable answer to it."""


class _Copy:
    """Bytes on their way to the scanner, in overlapping pieces where they are more than it takes at once."""

    def __init__(self, scanner: Scanner, stream_bytes: int) -> None:
        self._scanner = scanner
        self._most = stream_bytes
        self._overlap = min(_OVERLAP_BYTES, stream_bytes // 4)
        self._open = ExitStack()
        self._stream: ScanStream | None = None
        self._sent = 0
        self._tail = bytearray()
        self.size_bytes = 0
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def write(self, data: bytes) -> None:
        self.size_bytes += len(data)
        view = memoryview(data)
        while view:
            if self._stream is not None and self._sent == self._most:
                self._end_piece()
            if self._stream is None:
                self._begin_piece()
            part = bytes(view[: self._most - self._sent])
            view = view[len(part) :]
            self._send(part)
            self._tail += part
            if len(self._tail) > 2 * self._overlap:
                del self._tail[: -self._overlap]

    def finish(self) -> list[Answer]:
        """All answers; an empty file is clean without asking."""
        if self._stream is not None:
            self._end_piece()
        return self.answers

    def _begin_piece(self) -> None:
        self._stream = self._open.enter_context(self._scanner.stream())
        self._sent = 0
        if self.answers:
            self._send(bytes(self._tail[-self._overlap :]))

    def _send(self, data: bytes) -> None:
        if self._stream is not None:
            self._stream.write(data)
            self._sent += len(data)

    def _end_piece(self) -> None:
        if self._stream is not None:
            answer = self._stream.finish()
            self._open.close()
            self._stream = None
            if answer.result is ScanResult.FAILED:
                raise ScanBroken(answer.detail)
            self.answers.append(answer)


class _Tee:
    """A source whose bytes are copied to the scanner as they are read."""

    __slots__ = ("_copy", "_examination", "_source")

    def __init__(self, source: ByteSource, copy: _Copy, examination: Examination) -> None:
        self._source, self._copy, self._examination = source, copy, examination

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        if data:
            self._examination.spend(len(data))
            self._copy.write(data)
        return data

    def drain(self) -> None:
        while self.read(_READ_BYTES):
            pass


class Examination:
    """Of one package, once.  ``found`` says which file holds what; it ends with the first.

    ``told`` hears now and then how far it is.
    """

    def __init__(
        self,
        scanner: Scanner,
        bounds: Bounds,
        monotonic: Callable[[], float],
        told: Callable[[Examined], None] = lambda _: None,
    ) -> None:
        self._scanner = scanner
        self._bounds = bounds
        self._told = told
        self._told_at = monotonic()
        self._limits = Limits(unpacked_bytes=bounds.unpacked_bytes)
        self._monotonic = monotonic
        self._deadline = monotonic() + bounds.seconds
        self._spent = 0
        self.coverage = Examined()
        self.found: list[tuple[str, str]] = []

    def package(self, source: ByteSource, payload: Payload) -> None:
        """Look at a package file and all that is in it.

        Raises:
            ScannerUnavailable, ScanBroken: the scanner did not end its work; nothing is known of the package.
        """
        try:
            with _Copy(self._scanner, self._bounds.stream_bytes) as copy:
                whole = _Tee(source, copy, self)
                for name, content in payload(whole):
                    self._file(quote(name), content, 0)
                    if self.found:
                        return
                whole.drain()
                # Its files were looked at one by one; what it is as a whole matters only if it is known for it.
                self._note_found("the package itself", copy.finish())
        except (MalformedPackage, PackageBomb) as error:
            self.coverage.note("the package", error.detail)

    def spend(self, count: int) -> None:
        """Count bytes that were read, packed or not.

        Raises:
            PackageBomb: it is too much, or takes too long.
        """
        self._spent += count
        if self._spent > self._bounds.unpacked_bytes:
            raise PackageBomb(f"it unpacks to more than {self._bounds.unpacked_bytes} bytes")
        now = self._monotonic()
        if now - self._told_at >= _TELL_EVERY_SECONDS:
            self._told_at = now
            self._told(self.coverage)
        if now > self._deadline:
            raise PackageBomb(f"looking at it takes longer than {self._bounds.seconds:.0f} seconds")

    def _file(self, label: str, source: ByteSource, depth: int) -> None:
        self.coverage.members += 1
        if self.coverage.members > self._bounds.members:
            raise PackageBomb(f"there are more than {self._bounds.members} files in it")
        begun = Begun(source)
        layer = layer_of(begun.head)
        with _Copy(self._scanner, self._bounds.stream_bytes) as copy:
            tee = _Tee(begun, copy, self)
            closed = self._look_inside(label, layer, tee, depth) if layer is not None else None
            if self.found:
                return
            tee.drain()
            answers = copy.finish()
            self.coverage.unpacked_bytes += copy.size_bytes
            if self._note_found(label, answers):
                return
            self._count(label, copy.size_bytes, answers, opened=layer is not None, closed=closed)

    def _count(self, label: str, size_bytes: int, answers: list[Answer], *, opened: bool, closed: str | None) -> None:
        if closed is not None:
            self.coverage.note(label, closed)
            return
        limits = [answer.detail for answer in answers if answer.result is ScanResult.LIMIT]
        # All that was in an archive went to the scanner by itself.
        if not opened and limits:
            self.coverage.note(label, limits[0])
        elif not opened and len(answers) > 1:
            why = f"{size_bytes} bytes are more than the scanner takes at once; nothing was found in any part of them"
            self.coverage.note(label, why)
        else:
            self.coverage.scanned_members += 1
            self.coverage.scanned_bytes += size_bytes

    def _look_inside(self, label: str, layer: Codec | Container, source: ByteSource, depth: int) -> str | None:
        """Look at all that is in an archive; why not, if it could not be opened to its end."""
        if depth >= self._bounds.layers:
            return f"there are archives in archives, more than {self._bounds.layers} deep"
        if layer is Container.RPM:
            return "an .rpm inside of a package is not unpacked"
        try:
            if isinstance(layer, Container):
                for name, content in _ARCHIVES[layer](source, self._bounds.members):
                    self._file(f"{label} > {quote(name)}", content, depth + 1)
                    if self.found:
                        break
            else:
                inner = open_stream(source, layer, self._limits, name=label, concatenated=True)
                self._file(f"{label} > unpacked", inner, depth + 1)
        except (MalformedPackage, PackageBomb) as error:
            return f"it could not be unpacked to its end: {error.detail}"
        return None

    def _note_found(self, label: str, answers: list[Answer]) -> bool:
        names = [answer.detail for answer in answers if answer.result is ScanResult.FOUND]
        if names:
            self.found.append((label, names[0]))
        return bool(names)
