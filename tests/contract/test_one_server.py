"""One data folder with the embedded database has one server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from entrepot.testing.server import running_server


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        command = [sys.executable, "-m", "entrepot", "serve", "--port", "0", "--data", str(server.data)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode != 0
        assert "another server runs" in second.stderr
        assert "Traceback" not in second.stderr
        with server.client() as client:
            assert client.get("/health/ready").status_code == 200
        server.kill()
        server.start()  # a lock of the dead is nobody's
