"""One process that serves: our own uvicorn server, so that signals end streams before they end connections."""

from __future__ import annotations

import fcntl
import multiprocessing
import signal
import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import structlog
import uvicorn

from entrepot.application import Application
from entrepot.entrypoints.content.app import ContentApp, Counting
from entrepot.entrypoints.front import Front
from entrepot.entrypoints.observation import Observation
from entrepot.entrypoints.server import make_api
from entrepot.errors import BadSetting
from entrepot.main import assemble, real_parts, start, stop
from entrepot.program import logs
from entrepot.program.protocol import BoundedProtocol
from entrepot.services.access import SetupState
from entrepot.settings import Settings, load_settings, share_metrics, shared_metrics

_log = structlog.get_logger(__name__)
_GRACE_SECONDS = 20


def make_front(application: Application, settings: Settings, observation: Observation | None = None) -> Front:
    """The HTTP application of one process."""
    api = make_api(
        application,
        max_upload_bytes=settings.max_upload_mb << 20,
        publish_wait_seconds=settings.publish_wait_seconds,
        public_url=settings.public_url,
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else "",
    )
    counts = settings.downloads_from in ("requests", "both")
    counting = Counting(application.recorder.note, application.now) if counts else None
    content = ContentApp(
        application.published,
        application.blobs,
        settings.public_url,
        settings.accel,
        counting,
        application.on_demand,
    )
    return Front(api, content, observation, settings.request_log)


def prepare_access(application: Application, settings: Settings) -> SetupState:
    """The first administrator, from the settings or by a one-time link."""
    password = settings.admin_password.get_secret_value() if settings.admin_password else None
    return application.access.prepare(settings.admin_username, password)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; made first, so that a port in use is said before anything is touched."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(512)
    return sock


def run(host: str, sock: socket.socket, data: Path | None, *, works: bool, processes: int) -> int:
    """Serve until a signal, with helpers that answer requests beside this process; the exit status."""
    settings = load_settings(data=data)
    records = logs.configure(settings.log_level, settings.log_format)
    alone = hold_alone(settings)
    application = assemble(settings, replace(real_parts(settings), records=records))
    together = tempfile.TemporaryDirectory(prefix="entrepot-metrics-") if processes > 1 else None
    if together is not None:
        share_metrics(Path(together.name))
    observation = Observation(shared_metrics())
    start(application, works=works, watch=observation.goal)
    spawn = multiprocessing.get_context("spawn")  # forking would copy locks that our threads hold
    helpers = [spawn.Process(target=help_out, args=(sock, data), daemon=True) for _ in range(processes - 1)]
    try:
        state = prepare_access(application, settings)
        port = sock.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        base = settings.public_url.rstrip("/") or f"http://{shown}:{port}"
        for helper in helpers:
            helper.start()
        _log.info("server.ready", url=base, data=str(settings.data), works=works, processes=processes)
        if state.token is not None:
            print(f"\nCreate the first administrator once at: {base}/setup?token={state.token}\n", flush=True)
        application.recorder.start(reads_logs=True)
        answer_requests(make_front(application, settings, observation), settings, sock)
    finally:
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.join(timeout=_GRACE_SECONDS)
        application.recorder.stop()
        stop(application)
        alone.close()
        if together is not None:
            together.cleanup()
    return 0


def hold_alone(settings: Settings) -> BinaryIO:
    """A lock on the data folder: with the embedded database, one server has it.

    Raises:
        BadSetting: another server runs on it.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        lock = (settings.data / "server.lock").open("ab")
    except OSError as error:
        raise BadSetting(f"ENTREPOT_DATA: the folder cannot be written: {error.strerror}") from error
    if settings.catalog_url.startswith("sqlite"):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise BadSetting(f"another server runs on the data folder {settings.data}; stop it first") from None
    return lock


def help_out(sock: socket.socket, data: Path | None) -> None:
    """A further process: answers requests on the same socket, leaves work and upkeep to the first one."""
    settings = load_settings(data=data)
    records = logs.configure(settings.log_level, settings.log_format)
    application = assemble(settings, replace(real_parts(settings), records=records))
    application.queue.start(None)
    application.recorder.start(reads_logs=False)
    signal.signal(signal.SIGTERM, _end)  # the web server hands the signal on when it has ended
    front = make_front(application, settings, Observation(shared_metrics()))
    try:
        answer_requests(front, settings, sock)
    finally:
        application.recorder.stop()
        application.on_demand.stop()
        application.queue.stop()
        application.catalog.close()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


class _Server(uvicorn.Server):
    """Ends streams before it waits for requests to end: a stream never ends by itself."""

    def __init__(self, config: uvicorn.Config, front: Front) -> None:
        super().__init__(config)
        self._front = front

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._front.end_streams()
        await super().shutdown(sockets)


def answer_requests(front: Front, settings: Settings, sock: socket.socket) -> None:
    """Until a signal."""
    config = uvicorn.Config(
        front,
        http=BoundedProtocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=75,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        lifespan="off",
    )
    _Server(config, front).run(sockets=[sock])
