"""A package of a mirror that is fetched when somebody asks: its first byte and its last, beside nginx as a cache."""

from __future__ import annotations

import http.client
import random
import shutil
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from bench.samples import Sample, Samples
from bench.serving import nginx
from entrepot.testing.debs import build_deb
from entrepot.testing.mirroring import MirrorScene, mirror_scene

_SIZES = {"20 KiB": (20 << 10, 16), "20 MiB": (20 << 20, 4)}
_CACHE = """
proxy_cache_path {folder}/cache keys_zone=packages:1m;
server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {upstream}; proxy_cache packages; proxy_cache_valid 200 1d; }}
}}
"""


def measure_demand(samples: Samples, work: Path) -> None:
    """Every file once from each, and once more; the upstream itself is a plain web server on the same machine."""
    folder = work / "live-demand"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with mirror_scene(folder / "scene") as scene:
            paths = _publish(scene)
            scene.mirror("debian", download_policy="on_demand")
            port = free_port()
            site = _CACHE.format(folder=folder, port=port, upstream=scene.upstream.url)
            with nginx(folder / "nginx", site, port) as cache:
                places = {
                    "entrepot": f"{scene.server.url}/apt/debian",
                    "nginx, proxy_cache": f"{cache}/debian",
                    "the upstream itself": f"{scene.upstream.url}/debian",
                }
                for turn in ("first time", "again"):
                    for size, found in paths.items():
                        for path in found:
                            for who, url in places.items():
                                samples.note("demand", f"{size}, {turn}", who, len(found), _asked(f"{url}/{path}"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(scene: MirrorScene) -> dict[str, list[str]]:
    packages: dict[str, bytes] = {}
    names: dict[str, list[str]] = {}
    for size, (size_bytes, count) in _SIZES.items():
        for number in range(count):
            name = f"d{size_bytes}-{number}"
            file = f"{name}_1.0_amd64.deb"
            content = {f"usr/share/{name}": random.Random(number).randbytes(size_bytes)}
            packages[file] = build_deb(name, architecture="amd64", files=content, compression="none")
            names.setdefault(size, []).append(file)
    scene.publish_apt("debian", packages)
    tree = scene.folder / "debian"
    found = {path.name: str(path.relative_to(tree)) for path in tree.rglob("*.deb")}
    return {size: [found[file] for file in files] for size, files in names.items()}


def _asked(url: str) -> Sample:
    """One request on a line of its own."""
    parts = urlsplit(url)
    began = time.perf_counter()
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    line.request("GET", parts.path)
    answer = line.getresponse()
    body = answer.read(1)
    first = time.perf_counter() - began
    while body:
        body = answer.read(1 << 16)
    taken = time.perf_counter() - began
    line.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{url} was answered {answer.status}")
    return Sample(taken, extra={"first_byte": first})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
