"""Snapshots of a large suite beside aptly: keep, compare, merge, publish what changed, move an environment."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.deb_tools import AptlyStore
from bench.mainline import Mainline
from bench.samples import Samples
from bench.signing import USER, GnupgHome
from bench.stores import CODENAME, ServiceProcess, fingerprint

_OURS, _APTLY = "entrepot", "aptly"
_TWIN = "twin"


def load_states(work: Path, mainline: Mainline, size: int) -> Path:
    """A data folder with the corpus in the suite and nothing published; kept from run to run."""
    folder = work / "loaded" / f"states-{size}-{fingerprint()}"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        with _service(folder / "data", folder / "blobs", "--prepare") as service:
            _create(service)
            service.order("fill", files=[str(file) for file in mainline.files()])
            service.order("copy", to=str(folder / "loaded.db"))
        shutil.rmtree(folder / "data")
        (folder / "whole").touch()
    return folder


def measure_snapshots(
    samples: Samples, mainline: Mainline, gnupg: GnupgHome, work: Path, size: int, rounds: int
) -> None:
    """Ours first, in one living process; then each command of aptly."""
    loaded, live = load_states(work, mainline, size), work / "live-states"
    shutil.rmtree(live, ignore_errors=True)
    try:
        (live / "data").mkdir(parents=True)
        shutil.copyfile(loaded / "loaded.db", live / "data" / "entrepot.db")
        with _service(live / "data", loaded / "blobs") as service:
            _ours(samples, service, mainline, size, rounds)
        if shutil.which("aptly"):
            _aptly(samples, AptlyStore(live / "aptly", gnupg), mainline, size, rounds)
    finally:
        shutil.rmtree(live, ignore_errors=True)


def _service(data: Path, blobs: Path, *flags: str) -> ServiceProcess:
    return ServiceProcess(data, blobs, "ed25519", *flags, module="bench.states")


def _create(service: ServiceProcess) -> None:
    service.order("create", kind="deb", architectures=["amd64"], codecs=["gz", "xz"])


def _ours(samples: Samples, service: ServiceProcess, mainline: Mainline, size: int, rounds: int) -> None:
    def note(job: str, order: str, **values: object) -> None:
        samples.note("states", job, _OURS, size, service.sample(order, **values))

    _create(service)
    changed = [str(file) for file in mainline.changed]
    note("full publication", "publish")
    service.order("contents")
    for number in range(rounds):
        note("snapshot", "snapshot", called=f"first{number}")
    service.order("move", environment="prod", called="first0")
    service.order("fill", files=[str(file) for file in mainline.files()], suite=_TWIN)
    service.order("publish_suite", suite=_TWIN)
    service.order("replace", files=changed)
    note("publication of 100 changes", "publish")
    service.order("contents")
    service.order("snapshot", called="second")
    for _ in range(rounds):
        note("difference, same suite", "diff", older=f"{CODENAME}@first0", newer=f"{CODENAME}@second")
        note("difference, two suites", "diff", older=_TWIN, newer=f"{CODENAME}@second")
        note("plan of a move", "plan", environment="prod", called="second")
        note("move, until it is seen", "move", environment="prod", called="second")
        service.order("move", environment="prod", called="first0")
    for number in range(rounds):
        note("merge, newest versions", "merge", called=f"merged{number}", states=[f"{CODENAME}@second", _TWIN])
    note("difference, merged", "diff", older=f"{CODENAME}@first0", newer=f"{CODENAME}@merged0")
    note("plan of a move, merged", "plan", environment="prod", called="merged0")
    note("snapshot of what changed", "snapshot", called="third")


def _aptly(samples: Samples, store: AptlyStore, mainline: Mainline, size: int, rounds: int) -> None:
    flags = ("-batch", f"-gpg-key={USER}", "-skip-contents")

    def note(job: str, *arguments: str) -> None:
        samples.note("states", job, _APTLY, size, store.run(*arguments))

    store.run("repo", "add", "bench", *map(str, mainline.shards))
    for number in range(rounds):
        note("snapshot", "snapshot", "create", f"first{number}", "from", "repo", "bench")
    note("full publication", "publish", "snapshot", *flags, "-distribution=stable", "first0")
    store.run("repo", "remove", "bench", *_keys(mainline.changed))
    store.run("repo", "add", "bench", *map(str, mainline.changed))
    store.run("snapshot", "create", "second", "from", "repo", "bench")
    for number in range(rounds):
        for job in ("difference, same suite", "difference, two suites"):
            note(job, "snapshot", "diff", "first0", "second")
        note("merge, newest versions", "snapshot", "merge", "-latest", f"merged{number}", "second", "first0")
    there, back = store.run("publish", "switch", *flags, "stable", "second"), None
    for job in ("publication of 100 changes", "move, until it is seen"):
        samples.note("states", job, _APTLY, size, there)
    for _ in range(rounds - 1):
        back = store.run("publish", "switch", *flags, "stable", "first0")
        samples.note("states", "move, until it is seen", _APTLY, size, back)


def _keys(files: Sequence[Path]) -> list[str]:
    """What the newer versions replace, as aptly names it."""
    return [file.stem.replace("+bench1_", "_").replace("%3a", ":") for file in files]
