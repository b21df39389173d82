"""``entrepot sbom`` against a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.flow.test_cli import Terminal

from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb
from entrepot.testing.server import running_server


def test_documents_are_printed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_server(tmp_path) as server, server.client() as client:
        for version in ("1.0", "2.0"):
            Maintainer(client).push(build_deb("hello", version), "jammy")
        terminal = Terminal(tmp_path, server.url)
        where: dict[str, Any] = {"ENTREPOT_URL": server.url, "ENTREPOT_TOKEN": server.token()}
        newest = json.loads(terminal.run("sbom", "hello", **where))
        assert [one["version"] for one in newest["components"]] == ["2.0"]
        for words in (("hello=1.0",), ("hello", "1.0")):
            older = json.loads(terminal.run("sbom", *words, "--format", "spdx", **where))
            assert [one["versionInfo"] for one in older["packages"]] == ["1.0"]
        file = tmp_path / "all.json"
        assert str(file) in terminal.run("sbom", "--all", "-o", str(file), **where)
        assert len(json.loads(file.read_text(encoding="utf-8"))["components"]) == 2
        terminal.run("sbom", "--all", "-o", str(file), code=4, **where)
        terminal.run("sbom", "--all", "--dist", "jammy", "-o", str(file), "--force", **where)
        terminal.run("sbom", code=2, **where)
        terminal.run("sbom", "hello", "--all", code=2, **where)
        terminal.run("sbom", "absent", code=5, **where)
        terminal.run("sbom", "hello=9", "-o", str(tmp_path / "none.json"), code=5, **where)
        assert not (tmp_path / "none.json").exists()
