"""GnuPG in a home of its own: keys of people who sign packages, and the programs that sign with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from entrepot.testing.debs import ar_member


@dataclass(frozen=True, slots=True)
class GnuPG:
    """One home; keys are named by the first part of their address."""

    home: Path

    def run(self, *arguments: str, data: bytes = b"") -> bytes:
        """What gpg wrote."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--no-tty", *arguments]
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return done.stdout

    def key(self, name: str, kind: str = "ed25519", lasts: str = "2y", *more: str) -> str:
        """A new key for signing; its fingerprint."""
        self.run(*more, "--passphrase", "", "--quick-gen-key", f"{name} <{name}@example.org>", kind, "sign", lasts)
        return self.fingerprint(name)

    def fingerprint(self, name: str) -> str:
        """Of the primary key."""
        listed = self.run("--with-colons", "--list-keys", f"{name}@example.org").decode()
        return next(line.split(":")[9] for line in listed.split("\n") if line.startswith("fpr:"))

    def certificate(self, name: str, *more: str) -> bytes:
        """Public, binary unless ``--armor`` is asked for."""
        return self.run(*more, "--export", f"{name}@example.org")

    def detach(self, name: str, data: bytes, *more: str) -> bytes:
        """A detached signature."""
        return self.run(*more, "--local-user", f"{name}@example.org", "--detach-sign", "--output", "-", data=data)

    def clearsign(self, name: str, data: bytes, *more: str) -> bytes:
        """A clear-signed message."""
        return self.run(*more, "--local-user", f"{name}@example.org", "--clearsign", "--output", "-", data=data)

    def sign_rpm(self, name: str, path: Path, *more: str) -> None:
        """With rpmsign; ``--rpmv3`` signs header and payload, too."""
        define = (
            f"_gpg_name {name}@example.org",
            f"_gpg_path {self.home}",
            "_gpg_digest_algo sha256",
            f"__gpg {shutil.which('gpg')}",
        )
        macros = [word for one in define for word in ("--define", one)]
        done = subprocess.run(
            ["rpmsign", *macros, *more, "--addsign", str(path)], capture_output=True, check=False, env=self._environment
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))

    def sign_deb(self, name: str, path: Path, kind: str = "origin") -> None:
        """With debsigs."""
        command = ["debsigs", f"--sign={kind}", f"--default-key={self.fingerprint(name)}", str(path)]
        done = subprocess.run(command, capture_output=True, check=False, env=self._environment)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "GNUPGHOME": str(self.home), "LC_ALL": "C"}


@contextmanager
def gnupg(home: Path) -> Iterator[GnuPG]:
    """A home and the agent that gpg starts for it, for the time of the block."""
    home.mkdir(mode=0o700, parents=True)
    try:
        yield GnuPG(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def with_member(deb: bytes, name: str, data: bytes) -> bytes:
    """A .deb with one more member at its end."""
    return deb + ar_member(name, data)
