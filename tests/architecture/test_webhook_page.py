"""The page for receivers of webhooks: its lines verify what is really sent."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from entrepot.domain.model.event import EVENTS
from entrepot.services.notify.signing import signed_headers

PAGE = (Path(__file__).parents[2] / "docs/how-to/receive-webhooks.md").read_text(encoding="utf-8")
BODY = b'{"type":"published","timestamp":"2026-01-02T03:04:05Z","data":{}}'


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("secret", ["any text", "whsec_YSBrZXkgb2YgdHdlbnR5LWZvdXIgYnl0ZQ=="])
def test_the_python_lines_tell_right_from_wrong(secret: str) -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    now = datetime.now(UTC)
    headers = signed_headers(secret, "msg_1", now, BODY)
    assert names["is_ours"](secret, headers, BODY)
    assert not names["is_ours"]("another", headers, BODY)
    assert not names["is_ours"](secret, headers, BODY + b" ")
    assert not names["is_ours"](secret, {**headers, "webhook-id": "msg_2"}, BODY)
    assert not names["is_ours"](secret, {**headers, "webhook-signature": "v1,\u00e9"}, BODY)
    late = signed_headers(secret, "msg_1", datetime(2026, 1, 2, tzinfo=UTC), BODY)
    assert not names["is_ours"](secret, late, BODY)


def test_the_shell_lines_tell_right_from_wrong(tmp_path: Path) -> None:
    signature = signed_headers("any text", "msg_1", datetime.now(UTC), BODY)["X-Hub-Signature-256"]
    for body, status in ((BODY, 0), (BODY + b" ", 1)):
        (tmp_path / "body.json").write_bytes(body)
        environment = {"PATH": "/usr/bin:/bin", "SECRET": "any text", "X_HUB_SIGNATURE_256": signature}
        done = subprocess.run(["sh", "-c", block("sh")], cwd=tmp_path, env=environment, check=False, timeout=60)
        assert done.returncode == status


def test_every_event_is_described() -> None:
    rows = "".join(line.split("|")[1] for line in PAGE.split("\n") if line.startswith("| `"))
    assert set(EVENTS) <= set(re.findall(r"`([a-z_]+)`", rows))
