"""One process that serves: our own uvicorn server, so that signals end streams before they end connections."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import structlog
import uvicorn

from entrepot.application import Application
from entrepot.entrypoints.content.app import ContentApp, Counting
from entrepot.entrypoints.front import Front
from entrepot.entrypoints.observation import Observation
from entrepot.entrypoints.server import make_api
from entrepot.main import assemble, prepare_access, real_parts, start, stop
from entrepot.program import logs
from entrepot.program.claims import base_url, hold_alone, say_set_up
from entrepot.program.protocol import BoundedProtocol
from entrepot.settings import Settings, shared_metrics

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


def run(host: str, sock: socket.socket, settings: Settings, *, works: bool) -> int:
    """Serve until a signal, in this process alone; the exit status."""
    records = logs.configure(settings.log_level, settings.log_format)
    with hold_alone(settings):
        application = assemble(settings, replace(real_parts(settings), records=records))
        observation = Observation(shared_metrics())
        start(application, works=works, watch=observation.goal)
        try:
            state = prepare_access(application, settings)
            url = base_url(settings, host, sock)
            _log.info("server.ready", url=url, data=str(settings.data), works=works, processes=1)
            if state.token is not None:
                say_set_up(url, state.token)
            application.recorder.start(reads_logs=True)
            answer_requests(make_front(application, settings, observation), settings, sock)
        finally:
            application.recorder.stop()
            stop(application)
    return 0


class _Server(uvicorn.Server):
    """Ends streams before it waits for requests to end: a stream never ends by itself."""

    def __init__(self, config: uvicorn.Config, front: Front, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._front = front
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._front.end_streams()
        await super().shutdown(sockets)


def answer_requests(
    front: Front, settings: Settings, sock: socket.socket, begun: Callable[[], None] = lambda: None
) -> None:
    """Until a signal; ``begun`` is called when the first request may come."""
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
    _Server(config, front, begun).run(sockets=[sock])
