"""The file that ``login`` writes: address, name and session of one person."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode

_MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept between commands; empty is not known.  The token belongs to this URL and to no other."""

    url: str = ""
    username: str = ""
    token: str = ""


class ConfigurationFile:
    """``config.toml`` in a person's configuration folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"

    def load(self) -> Stored:
        """What is stored; nothing when there is no file.

        Raises:
            CommandFailed: the file is damaged, cannot be read, or shows the token to others.
        """
        try:
            with self.path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
                mode = os.fstat(file.fileno()).st_mode
        except FileNotFoundError:
            return Stored()
        except OSError as error:
            raise self._failed(f"cannot be read: {error.strerror}") from error
        values = self._parsed(content)
        stored = Stored(*(str(values.get(name, "")) for name in ("url", "username", "token")))
        if stored.token and mode & 0o077:
            raise self._failed("holds a token and can be read by others", f"chmod 600 {self.path}, or sign in again")
        return stored

    def _parsed(self, content: bytes) -> dict[str, object]:
        try:
            if len(content) > _MOST_BYTES:
                raise ValueError("it is too large")
            return tomllib.loads(content.decode())
        except (ValueError, RecursionError) as error:
            raise self._failed(f"is not valid TOML: {error}", "delete the file and sign in again") from error

    def _failed(self, what: str, hint: str = "") -> CommandFailed:
        return CommandFailed(f"{self.path} {what}", "config.invalid", ExitCode.INVALID, hint)

    def store(self, stored: Stored) -> None:
        """Write the whole file at once, readable by its owner only.

        Raises:
            CommandFailed: it cannot be written.
        """
        lines = ["# written by 'entrepot login'\n"]
        for name, value in (("url", stored.url), ("username", stored.username), ("token", stored.token)):
            if value:
                # JSON's escapes of what is left after isprintable are TOML's too.
                printable = "".join(char for char in value if char.isprintable())
                lines.append(f"{name} = {json.dumps(printable, ensure_ascii=False)}\n")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".config-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write("".join(lines))
                Path(temporary).replace(self.path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._failed(f"cannot be written: {error.strerror}") from error

    def forget_token(self) -> bool:
        """Remove the session, keep the address; whether there was one.  A file open to others is mended, too."""
        try:
            stored = self.load()
        except CommandFailed as failure:
            if "others" not in failure.detail:
                raise
            self.path.chmod(0o600)
            stored = self.load()
        if not stored.token:
            return False
        self.store(replace(stored, token=""))
        return True
