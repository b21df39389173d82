"""Log lines: one event each, readable alone and as fields; the last ones are kept in memory as well."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from datetime import UTC, datetime

import structlog

from entrepot.adapters.log_ring import LogRing

_SECRET_NAMES = re.compile(r"passw|secret|token|authori[sz]ation|cookie|private_key|credential", re.IGNORECASE)
_SECRETS = (
    (re.compile(r"\brepod_[A-Za-z0-9_-]{8,}"), "repod_***"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), "***"),
    (re.compile(r"(?i)\b(bearer|basic) [A-Za-z0-9+/=._~-]{8,}"), r"\1 ***"),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), r"\1:***@"),
    (re.compile(r"(?i)\b(password|secret|token)=[^\s&]+"), r"\1=***"),
)


def redacted(text: str) -> str:
    """Without what looks like a credential."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


def redact(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Nothing that is logged by mistake is worth anything."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = "***" if value and _SECRET_NAMES.search(name) else redacted(value)
    return event


class _Named:
    """A processor: which process of the server writes."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        event["process"] = self._process
        return event


class _Keep:
    """A processor: everything that is written is remembered."""

    def __init__(self, ring: LogRing) -> None:
        self._ring = ring

    def __call__(self, _logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        known = {"timestamp", "level", "event", "exc_info"}
        fields = {name: value for name, value in event.items() if name not in known}
        failure = event.get("exc_info")
        failure = sys.exc_info()[1] if failure is True else failure
        if isinstance(failure, BaseException):
            fields["exception"] = redacted("".join(traceback.format_exception_only(failure)).strip())
        self._ring.add(str(event.get("timestamp", "")), str(event.get("level", "")), str(event["event"]), fields)
        return event


class _KeepForeign(logging.Handler):
    """The same for libraries, which write through the standard module."""

    def __init__(self, ring: LogRing) -> None:
        super().__init__()
        self._ring = ring

    def emit(self, record: logging.LogRecord) -> None:
        """One record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        service = record.name.partition(".")[0]
        self._ring.add(at, record.levelname.lower(), redacted(record.getMessage()), {}, service)


def configure(level: str, form: str, process: str = "") -> LogRing:
    """Text for people or JSON for machines, to standard error; and the memory of what was written.

    ``process`` is named in every line where there are several.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    ring = LogRing()
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer()
    if form != "json":
        # With another formatter it would print the values of all local variables, keys and passwords among them.
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            *([_Named(process)] if process else []),
            _Keep(ring),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)
    logging.getLogger().addHandler(_KeepForeign(ring))
    return ring
