"""A throw-away key for the tools that sign with gpg."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.samples import Sample, run_command

USER = "Bench <bench@example.org>"


class GnupgHome:
    """RSA-4096, as our own keys are by default; the agent is ended with the block."""

    def __init__(self, folder: Path) -> None:
        self.environment: Mapping[str, str] = {"GNUPGHOME": str(folder), "LC_ALL": "C.UTF-8"}
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            self._gpg("--quick-generate-key", USER, "rsa4096", "sign", "0")
        listed = self._gpg("--with-colons", "--list-secret-keys").split("\n")
        self.fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))

    def _gpg(self, *arguments: str) -> str:
        command = ["gpg", "--batch", "--quiet", "--passphrase", "", *arguments]
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    def sign(self, file: Path, *how: str, out: Path) -> Sample:
        """One signature, as a script would make it."""
        command = ["gpg", "--batch", "--yes", "--local-user", USER, "-o", str(out), *how, str(file)]
        return run_command(command, environment=self.environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(
            ["gpgconf", "--kill", "gpg-agent"], env={**os.environ, **self.environment}, check=False, capture_output=True
        )
