"""Trusted keys, and what proves where packages are from, at the command line."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from entrepot.entrypoints.cli.app import run
from entrepot.testing.attestations import SLSA, attested, statement
from entrepot.testing.packages import build_deb
from entrepot.testing.server import running_server

KEY = Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

Shell = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The program with an administrator's session: exit code, and all that it printed."""
    with running_server(tmp_path_factory.mktemp("server")) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENTREPOT_URL", server.url)
        patch.setenv("ENTREPOT_TOKEN", server.token())
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("NO_COLOR", "1")

        def ask(*arguments: object) -> tuple[int, str]:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                code = run([str(one) for one in arguments])
            return code, printed.getvalue()

        yield ask


def test_keys_are_added_listed_and_removed(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "ci.pem"
    file.write_bytes(PEM)
    assert shell("trusted-key", "add", "jammy", file, "--name", "our CI")[0] == 0
    code, listed = shell("trusted-key", "list", "jammy", "--json")
    (key,) = json.loads(listed)["keys"]
    assert (code, key["kind"], key["name"]) == (0, "public-key", "our CI")
    assert "our CI" in shell("trusted-key", "list", "jammy")[1]
    assert shell("trusted-key", "rm", "jammy", key["fingerprint"], "--yes")[0] == 0
    assert shell("trusted-key", "rm", "jammy", key["fingerprint"], "--yes")[0] == 5
    assert shell("trusted-key", "list", "absent")[0] == 5
    file.write_bytes(b"no key")
    code, said = shell("trusted-key", "add", "jammy", file)
    assert (code, "trust.unfit" in said) == (2, True)
    assert shell("trusted-key", "add", "jammy", tmp_path / "absent")[0] == 2


def test_what_lies_beside_a_package_comes_along_and_is_shown(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "ci.pem"
    file.write_bytes(PEM)
    assert shell("trusted-key", "add", "jammy", file, "--name", "our CI")[0] == 0
    data = build_deb("proven")
    package = tmp_path / "proven_1.0_all.deb"
    package.write_bytes(data)
    package.with_name(package.name + ".intoto.jsonl").write_bytes(attested(KEY, statement(data)) + b"\n")
    assert shell("push", package, "--to", "jammy", "--beside")[0] == 0
    code, shown = shell("show", "proven=1.0")
    assert (code, f"attestation {SLSA}: verified, signed by our CI" in shown) == (0, True), shown
    assert json.loads(shell("show", "proven=1.0", "--json")[1])["provenance"]["signatures"] == []
    package.with_name(package.name + ".asc").write_bytes(b"x" * (2 << 20))
    code, said = shell("push", package, "--to", "jammy", "--beside")
    assert (code, "more than 1024 KiB" in said) == (2, True), said
