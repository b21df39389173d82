"""``make demo``: from nothing to packages that this machine's own package managers have installed.

Everything is thrown away at the end: server, data, keys, and the scratch roots that stand for client machines.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import httpx2
from rich.console import Console
from rich.markup import escape

from entrepot.testing.clients import AptRoot, DnfRoot, Result, ZypperRoot, missing_programs, run
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server

NAME = "entrepot-demo"
DEB_SUITE, RPM_SUITE = "bookworm", "almalinux9"
SAID = f"usr/share/doc/{NAME}/hello"


class Story:
    """Lines for a person: what is done, what it printed where that tells something, and what it proves."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    def chapter(self, title: str) -> None:
        """A part of the story."""
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    def step(self, command: str) -> None:
        """What is being done, as one would type it."""
        self._console.print(f"  [cyan]$ {escape(command)}[/cyan]")

    def proof(self, text: str) -> None:
        """What has just been seen to be true."""
        self._console.print(f"    [green]ok[/green]  {escape(text)}")

    def skip(self, text: str) -> None:
        """What could not be tried here."""
        self._console.print(f"  [yellow]SKIPPED[/yellow]  {escape(text)}")

    def failure(self, text: str) -> None:
        """What went wrong."""
        self._console.print(f"\n[bold red]FAILED[/bold red]\n{escape(text)}")

    def end(self, clients: list[str]) -> None:
        """The result."""
        seconds = time.monotonic() - self._began
        names = " and ".join([", ".join(clients[:-1]), clients[-1]] if len(clients) > 1 else clients)
        self._console.print(
            f"\n[bold green]It works:[/bold green] {names} installed the package, upgraded it, and were not offered "
            f"it any more ({seconds:.0f} seconds).\n"
        )


class Machine(Protocol):
    """A client machine.  ``trouble`` says why it cannot be had here, or is empty."""

    title: str
    suite: str
    suffix: str

    def set_up(self, url: str) -> str: ...
    def refresh(self) -> Result: ...
    def install(self) -> Result: ...
    def upgrade(self) -> Result: ...
    def installed(self) -> Mapping[str, str]: ...
    def offered(self) -> bool: ...
    def file(self, path: str) -> Path: ...


class AptMachine:
    """apt and dpkg."""

    title, suite, suffix = "apt", DEB_SUITE, "deb"

    def __init__(self, folder: Path) -> None:
        self._root = AptRoot(folder)

    def set_up(self, url: str) -> str:
        """The one file that apt needs; the key is in it."""
        address = f"{url}/apt/main/{self.suite}.sources"
        self._root.add_source(_fetch(address).decode())
        return f"curl {address} -o /etc/apt/sources.list.d/entrepot.sources"

    def refresh(self) -> Result:
        return self._root.update()

    def install(self) -> Result:
        return self._root.install(NAME)

    def upgrade(self) -> Result:
        return self._root.upgrade()

    def installed(self) -> Mapping[str, str]:
        return self._root.installed()

    def offered(self) -> bool:
        return bool(self._root.versions(NAME))

    def file(self, path: str) -> Path:
        return self._root.folder / path

    def refuses_without_key(self, folder: Path, url: str) -> bool:
        """Whether the same source is refused by a machine that does not know the key."""
        stranger = AptRoot(folder)
        stranger.add_line(f"deb {url}/apt/main {self.suite} main")
        return "is not signed" in stranger.update().output


class DnfMachine:
    """dnf and rpm."""

    title, suite, suffix = "dnf", RPM_SUITE, "rpm"

    def __init__(self, folder: Path) -> None:
        self._root = DnfRoot(folder)

    def set_up(self, url: str) -> str:
        """The one file that dnf needs; it names the key."""
        address = f"{url}/rpm/main/{self.suite}.repo"
        self._root.add_repo(_fetch(address).decode())
        return f"curl {address} -o /etc/yum.repos.d/entrepot.repo"

    def refresh(self) -> Result:
        return self._root.makecache()

    def install(self) -> Result:
        return self._root.install(NAME)

    def upgrade(self) -> Result:
        return self._root.upgrade()

    def installed(self) -> Mapping[str, str]:
        return self._root.installed()

    def offered(self) -> bool:
        return any(line.startswith(NAME) for line in self._root.available())

    def file(self, path: str) -> Path:
        return self._root.root / path


class ZypperMachine:
    """zypper and rpm."""

    title, suite, suffix = "zypper", RPM_SUITE, "rpm"

    def __init__(self, folder: Path) -> None:
        self._root = ZypperRoot(folder)

    def set_up(self, url: str) -> str:
        """The repository, and the key that an administrator says yes to."""
        address = f"{url}/rpm/main/{self.suite}.repo"
        self._root.add_repo(_fetch(address).decode())
        self._root.trust(_fetch(f"{url}/rpm/main/key.asc")).checked()
        return f"rpm --import {url}/rpm/main/key.asc && zypper addrepo {address}"

    def refresh(self) -> Result:
        return self._root.refresh()

    def install(self) -> Result:
        return self._root.install(NAME)

    def upgrade(self) -> Result:
        return self._root.zypper("update")

    def installed(self) -> Mapping[str, str]:
        return self._root.installed()

    def offered(self) -> bool:
        # Without the repository's name the search shows what is installed, too.
        found = self._root.zypper("--no-refresh", "search", "--repo", f"main-{self.suite}", NAME)
        return NAME in found.stdout.partition("Type")[2]

    def file(self, path: str) -> Path:
        return self._root.root / path


_MACHINES: tuple[tuple[Callable[[Path], Machine], tuple[str, ...], bool], ...] = (
    (AptMachine, ("apt-get", "dpkg"), False),
    (DnfMachine, ("dnf", "rpm"), True),
    (ZypperMachine, ("zypper", "rpm"), True),
)


class Demo:
    """One server and its clients in a folder."""

    def __init__(self, story: Story, folder: Path) -> None:
        self._story = story
        self._folder = folder
        self._program = str(Path(sys.executable).with_name("entrepot"))
        self._server = Server(folder / "data", program=(self._program,))
        self._token = ""

    def play(self) -> list[str]:
        """Everything; the clients that really installed the package.

        Raises:
            AssertionError: something is not as it should be.
        """
        self._story.chapter("The server")
        self._story.step("entrepot serve --port 0 --data <a new folder>")
        self._server.start()
        try:
            self._token = self._server.token()
            self._story.proof(f"{self._server.url} is ready: its own database, its own signing keys, no other service")
            machines = self._machines()
            if machines:
                self._push("1.0")
                for machine in machines:
                    self._first_install(machine)
                self._push("1.1")
                for machine in machines:
                    self._upgrade(machine)
                self._remove(machines)
            return [machine.title for machine in machines]
        finally:
            self._server.stop()

    def _machines(self) -> list[Machine]:
        found: list[Machine] = []
        for make, programs, needs_root in _MACHINES:
            missing = missing_programs(*programs)
            if missing:
                self._story.skip(f"{programs[0]}: this machine has no {' and no '.join(missing)}")
            elif needs_root and os.geteuid() != 0:
                self._story.skip(f"{programs[0]}: only root can install into another root; run it as root to see it")
            else:
                found.append(make(self._folder / programs[0]))
        return found

    def _push(self, version: str) -> None:
        self._story.chapter(f"Version {version} comes in")
        files = {f"usr/share/doc/{NAME}/hello": f"hello from {NAME} {version}\n".encode()}
        packages = {
            DEB_SUITE: (f"{NAME}_{version}_all.deb", build_deb(NAME, version, files=files)),
            RPM_SUITE: (f"{NAME}-{version}-1.noarch.rpm", build_rpm(NAME, version, files=files)),
        }
        for suite, (name, content) in packages.items():
            path = self._folder / name
            path.write_bytes(content)
            self._entrepot("push", "--to", suite, str(path))
            self._story.proof(f"{name} is in; the command returned when clients could install it")

    def _first_install(self, machine: Machine) -> None:
        self._story.chapter(f"A machine with {machine.title}")
        self._story.step(machine.set_up(self._server.url))
        machine.refresh().checked()
        self._story.proof("the index was fetched and its signature verified with the archive's key")
        if isinstance(machine, AptMachine):
            _check(machine.refuses_without_key(self._folder / "stranger", self._server.url), "an unknown key was taken")
            self._story.proof("a machine without that key refuses the same index")
        self._story.step(f"{machine.title} install {NAME}")
        machine.install().checked()
        self._see(machine, "1.0")

    def _upgrade(self, machine: Machine) -> None:
        self._story.step(f"{machine.title} upgrade")
        machine.refresh().checked()
        machine.upgrade().checked()
        self._see(machine, "1.1")

    def _see(self, machine: Machine, version: str) -> None:
        installed = machine.installed().get(NAME, "nothing")
        _check(installed.split("-")[0] == version, f"{machine.title} has installed {installed}, not {version}")
        text = machine.file(SAID).read_text().strip()
        _check(text == f"hello from {NAME} {version}", f"{SAID} says {text!r}")
        self._story.proof(f"{NAME} {installed} is installed; /{SAID} says: {text}")

    def _remove(self, machines: list[Machine]) -> None:
        self._story.chapter("The package is withdrawn")
        for machine in machines:
            _check(machine.offered(), f"{machine.title} does not see the package in the index")
        self._entrepot("rm", "--yes", NAME)
        for machine in machines:
            machine.refresh().checked()
            _check(not machine.offered(), f"{machine.title} is still offered the package")
            self._story.proof(f"{machine.title} is not offered it any more; what is installed stays")

    def _entrepot(self, *arguments: str) -> None:
        shown = [Path(each).name if each.startswith("/") else each for each in arguments]
        self._story.step(" ".join(("entrepot", *shown)))
        environment = {"ENTREPOT_URL": self._server.url, "ENTREPOT_TOKEN": self._token}
        run((sys.executable, self._program, *arguments), folder=self._folder, environment=environment).checked()


def _fetch(address: str) -> bytes:
    answer = httpx2.get(address, timeout=30)
    _check(answer.status_code == 200, f"{address} answered {answer.status_code}")
    return answer.content


def _check(truth: bool, otherwise: str) -> None:
    if not truth:
        raise AssertionError(otherwise)


def main() -> int:
    """Exit status 0 only if a package was really installed by every client that is here, and there is one."""
    story = Story()
    folder = Path(tempfile.mkdtemp(prefix="entrepot-demo-"))
    try:
        clients = Demo(story, folder).play()
    except (AssertionError, OSError, RuntimeError, httpx2.HTTPError) as error:
        story.failure(str(error))
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not clients:
        story.failure("there is neither apt nor dnf nor zypper here that could install a package: nothing was proved")
        return 1
    story.end(clients)
    return 0


if __name__ == "__main__":
    sys.exit(main())
