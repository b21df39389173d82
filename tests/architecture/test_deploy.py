"""The files for service managers are sound as far as that can be said without starting them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.testing.clients import missing_programs

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = ("entrepot.service", "entrepot-worker.service")
EXECUTABLE = "/opt/entrepot/bin/entrepot"


def need(program: str) -> None:
    """Skip loudly without it."""
    if missing_programs(program):
        pytest.skip(f"{program} IS NOT INSTALLED (Debian: systemd)")


def entrepot_program() -> str:
    """The program as it is installed here."""
    return str(Path(sys.executable).with_name("entrepot"))


@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_a_unit(name: str, tmp_path: Path) -> None:
    need("systemd-analyze")
    here = tmp_path / name
    here.write_text((DEPLOY / name).read_text(encoding="utf-8").replace(EXECUTABLE, entrepot_program()))
    done = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.split("\n") if name in line]
    assert not complaints
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_fenced_in(name: str) -> None:
    need("systemd-analyze")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(DEPLOY / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_user_of_the_units_is_made() -> None:
    need("systemd-sysusers")
    command: list[str] = ["systemd-sysusers", "--dry-run", "--inline", *sysusers_lines()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "entrepot" in done.stdout + done.stderr
    for name in UNITS:
        assert "\nUser=entrepot\n" in (DEPLOY / name).read_text(encoding="utf-8")


def sysusers_lines() -> list[str]:
    """Without comments."""
    lines = (DEPLOY / "sysusers.conf").read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


def commands() -> list[list[str]]:
    """Every command line that a file of the folder starts."""
    found = []
    for path in sorted(DEPLOY.iterdir()):
        text = path.read_text(encoding="utf-8")
        found += [shlex.split(line)[1:] for line in re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)]
        found += [re.findall(r'"([^"]+)"', line)[1:] for line in re.findall(r'\["entrepot", .*\]', text)]
    return found


def test_the_commands_exist_with_their_options() -> None:
    assert len(commands()) == 5
    for arguments in commands():
        help_text = subprocess.run(
            [sys.executable, "-m", "entrepot", arguments[0], "--help"], capture_output=True, text=True, check=True
        ).stdout
        for option in (word for word in arguments if word.startswith("--")):
            assert option in help_text, arguments
