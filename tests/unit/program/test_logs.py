"""Nothing that is logged by mistake is worth anything, and what is kept in memory is bounded."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from entrepot.adapters.log_ring import LogRing
from entrepot.program.logs import redact, redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 1.0-1 and a/path", "plain words, 1.0-1 and a/path"),
        ("used repod_abcDEF123456-_x", "used repod_***"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln now", "got *** now"),
        ("Authorization: Bearer abcdefghij.klm", "Authorization: Bearer ***"),
        ("postgresql+psycopg://entrepot:pa55@db/x", "postgresql+psycopg://entrepot:***@db/x"),
        ("GET /setup?token=abc&x=1", "GET /setup?token=***&x=1"),
        ("https://packages.example.org:8443/x", "https://packages.example.org:8443/x"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_values_are_masked_by_their_names() -> None:
    event = {"event": "x", "smtp_password": "open", "count": 3, "api_token": "abc", "user": "rita"}
    assert redact(None, "", event) == {
        "event": "x",
        "smtp_password": "***",
        "count": 3,
        "api_token": "***",
        "user": "rita",
    }


def test_the_memory_is_bounded_and_keeps_the_newest() -> None:
    ring = LogRing(10)

    def write() -> None:
        for number in range(100):
            ring.add("", "info", "suite.published", {"text": "x" * 100_000, "number": number})

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = ring.after(0)
    assert [record.number for record in kept] == list(range(391, 401))
    assert {record.service for record in kept} == {"suite"}
    assert max(len(value) for record in kept for value in record.fields.values()) <= 2000
    assert ring.after(398) == kept[-2:]


_FAILING = """
import sys
import structlog
from entrepot.program.logs import configure

def connect(password):
    raise ValueError("the directory at ldap://reader:hunter3@host refused it")

configure("info", sys.argv[1])
try:
    connect("hunter2")
except ValueError:
    structlog.get_logger("x").exception("directory.failed")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_names_lines_and_no_values(form: str) -> None:
    words = [sys.executable, "-c", _FAILING, form]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    assert "directory.failed" in told
    assert "in connect" in told
    assert "ValueError" in told
    assert "hunter" not in told
