"""Clients that upload: as light as Python can, so that what is measured is the server."""

from __future__ import annotations

import http.client
import io
import json
import os
import queue
import statistics
import tarfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

_BOUNDARY = "bench-7d1f0c"
_CHUNK_BYTES = 1 << 20


class UploadFailed(RuntimeError):
    """The server did not say "published"."""


@dataclass(slots=True)
class UploadClient:
    """One connection that is kept."""

    url: str
    token: str
    distribution: str
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=300)

    def upload(self, file: Path) -> float:
        """Seconds until the server answered that clients can install it."""
        data = file.read_bytes()
        return self.upload_bytes(file.name, len(data), iter([data]))

    def upload_bytes(self, name: str, length: int, chunks: Iterator[bytes]) -> float:
        """The same for bytes that are made on the way."""
        head, tail = self._around(name)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "Content-Length": str(len(head) + length + len(tail)),
        }
        began = time.perf_counter()
        if length <= _CHUNK_BYTES:
            self.connection.request("POST", "/upload", head + b"".join(chunks) + tail, headers)
        else:
            self.connection.request("POST", "/upload", _joined(head, chunks, tail), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        if answer.status not in (200, 201):
            raise UploadFailed(f"{name}: {answer.status} {body[:300]!r}")
        return seconds

    def _around(self, name: str) -> tuple[bytes, bytes]:
        def part(header: str, text: str = "") -> bytes:
            return f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {header}\r\n\r\n{text}".encode()

        head = part('name="distribution"', f"{self.distribution}\r\n") + part(f'name="file"; filename="{name}"')
        return head, f"\r\n--{_BOUNDARY}--\r\n".encode()


def _joined(head: bytes, chunks: Iterator[bytes], tail: bytes) -> Iterator[bytes]:
    yield head
    yield from chunks
    yield tail


def upload_all(url: str, token: str, distribution: str, files: Sequence[Path], clients: int) -> list[float]:
    """Every file by ``clients`` at once, each sending the next when the last is published; seconds of each."""
    waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for file in files:
        waiting.put(file)
    seconds: list[float] = []
    failures: list[Exception] = []

    def work() -> None:
        client = UploadClient(url, token, distribution)
        try:
            while not failures:
                seconds.append(client.upload(waiting.get_nowait()))
        except queue.Empty:
            pass
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)
        finally:
            client.connection.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return seconds


class Storm:
    """Uploads without end, for the time of a block."""

    def __init__(self, url: str, token: str, distribution: str, files: Sequence[Path], clients: int = 2) -> None:
        self._clients = [UploadClient(url, token, distribution) for _ in range(clients)]
        self._files = iter(files)
        self._ended = threading.Event()
        self.seconds: list[float] = []
        self._threads = [threading.Thread(target=self._work, args=(client,)) for client in self._clients]
        self._lock = threading.Lock()

    def _work(self, client: UploadClient) -> None:
        while not self._ended.is_set():
            with self._lock:
                file = next(self._files, None)
            if file is None:
                return
            self.seconds.append(client.upload(file))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


@dataclass(frozen=True, slots=True)
class LargeDeb:
    """A .deb with one incompressible file, made while it is sent."""

    name: str
    payload_bytes: int

    def parts(self) -> tuple[bytes, bytes]:
        """What stands before and behind the payload."""
        control = (
            f"Package: {self.name}\nVersion: 1.0\nArchitecture: amd64\nMaintainer: Bench <bench@example.org>\n"
            "Description: a large package\n"
        ).encode()
        members = b"!<arch>\n" + _ar("debian-binary", b"2.0\n") + _ar("control.tar", _tar("./control", control))
        entry = tarfile.TarInfo(f"./{self.name}.bin")
        entry.size = self.payload_bytes
        data_head = entry.tobuf(tarfile.GNU_FORMAT)
        tail = b"\0" * (-self.payload_bytes % 512 + 1024)
        length = len(data_head) + self.payload_bytes + len(tail)
        return members + _ar_head("data.tar", length) + data_head, tail + b"\n" * (length % 2)

    def length(self) -> int:
        """Bytes of the whole file."""
        return sum(map(len, self.parts())) + self.payload_bytes

    def chunks(self) -> Iterator[bytes]:
        """The file."""
        head, tail = self.parts()
        block = os.urandom(_CHUNK_BYTES)
        yield head
        for start in range(0, self.payload_bytes, _CHUNK_BYTES):
            yield block[: self.payload_bytes - start]
        yield tail


def _tar(path: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        entry = tarfile.TarInfo(path)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _ar(name: str, data: bytes) -> bytes:
    return _ar_head(name, len(data)) + data + b"\n" * (len(data) % 2)


def _ar_head(name: str, length: int) -> bytes:
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{length:<10}`\n".encode()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    return {"p50": statistics.median(values), "p99": percentile(values, 0.99)}


@dataclass(slots=True)
class Schedule:
    """Requests at fixed times, whether or not earlier ones were answered: seconds from when each was due.

    At a ``rate`` of 0 each is due when its thread is free.
    """

    url: str
    token: str
    rate: float
    paths: Sequence[tuple[str, str]]
    answers: list[tuple[str, float]] = field(default_factory=list)

    def run(self, threads: int = 8) -> None:
        """Ask for every path once, in order.

        Raises:
            UploadFailed: an answer was not 200.
        """
        due = time.perf_counter() + 0.1
        waiting: queue.SimpleQueue[tuple[float, str, str]] = queue.SimpleQueue()
        for number, (kind, path) in enumerate(self.paths):
            waiting.put((due + number / self.rate if self.rate else 0.0, kind, path))
        failures: list[Exception] = []
        workers = [threading.Thread(target=self._work, args=(waiting, failures)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if failures:
            raise failures[0]

    def _work(self, waiting: queue.SimpleQueue[tuple[float, str, str]], failures: list[Exception]) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            while not failures:
                due, kind, path = waiting.get_nowait()
                due = due or time.perf_counter()
                time.sleep(max(0.0, due - time.perf_counter()))
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    raise UploadFailed(f"{path}: {answer.status} {body[:200]!r}")
                json.loads(body)
                self.answers.append((kind, time.perf_counter() - due))
        except queue.Empty:
            pass
        except Exception as error:  # noqa: BLE001 - raised again by ``run``
            failures.append(error)
        finally:
            connection.close()
