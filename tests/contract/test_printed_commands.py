"""The commands of the API documents that clients were written from, run as they are printed, at every prefix."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from entrepot.testing.clients import missing_programs
from entrepot.testing.corpora import require_shared
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server

PASSWORD = "Admin1234!"
_MISSING = missing_programs("bash", "curl", "jq")
pytestmark = [
    pytest.mark.skipif(bool(_MISSING), reason=f"NOT INSTALLED HERE: {', '.join(_MISSING)}"),
]

ARCHITECTURES = [
    "amd64",
    "arm64",
    "armhf",
    "i386",
    "riscv64",
    "ppc64el",
    "s390x",
    "mips64el",
    "mipsel",
    "armel",
    "alpha",
    "hppa",
    "ia64",
    "m68k",
    "sh4",
    "sparc64",
    "x32",
    "powerpc",
    "ppc64",
    "loong64",
]
# What a document says of a thing that this server cannot have: a placeholder, or a service that is not set up.
ELSEWISE = (
    ("POST", r"/auth/reset-password", {400}),
    ("DELETE", r"/auth/api-tokens/tok_abc123", {404}),
    # What a person had to approve in one distribution is asked about again for another.
    ("POST", r"/distributions/promote", {200, 202}),
    # While two keys sign, there is no third.
    ("POST", r"/settings/gpg/generate", {200, 409}),
    ("POST", r"/security/(clamav|grype)/update", {503}),
    ("POST", r"/settings/test-(webhook|ldap|email)", {400}),
    # The same document is read under every address of the API.
    ("POST", r"/import/sources", {201, 409}),
    # This server has no way out, so that nothing was ever synchronised.
    ("GET", r"/import/(search|resolve/.*)", {424}),
    ("POST", r"/import/(fetch|packages|batch)", {404, 424}),
    ("POST", r"/import/sync(-security|/.*)?", {202, 400, 404}),
    ("DELETE", r"/import/groups/.*", {404}),
)


def commands(text: str) -> list[str]:
    """Every complete shell command that begins with curl, or keeps what curl prints in TOKEN."""
    lines, found, at = text.split("\n"), [], 0
    while at < len(lines):
        if not re.match(r"\s*(- )?(TOKEN=\$\()?curl\s", lines[at]):
            at += 1
            continue
        end = at + 1
        while end < len(lines) and (not is_complete(lines[at:end]) or re.match(r"\s*\|", lines[end])):
            end += 1
        found.append("\n".join(lines[at:end]))
        at = end
    return found


def is_complete(lines: Sequence[str]) -> bool:
    """Whether the shell would wait for more."""
    source = "\n".join(lines)
    if source.endswith("\\"):
        return False
    return subprocess.run(["bash", "-n"], input=source, text=True, capture_output=True, check=False).returncode == 0


@dataclass(slots=True)
class Reader:
    """Somebody who pastes commands of a document into a shell."""

    server: Server
    folder: Path
    prefix: str = ""
    held: int = 0
    token: str = ""

    @property
    def base(self) -> str:
        return f"{self.server.url}{self.prefix}"

    def client(self) -> httpx2.Client:
        """Signed in, once for all."""
        if not self.token:
            self.token = self.server.token()
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=self.server.url, headers=headers, timeout=120)

    def prepare(self) -> None:
        """Packages and files that the documents talk about."""
        (self.folder / "dist").mkdir()
        for name, version in (("mypackage", "1.0.0"), ("monpaquet", "1.0.0"), ("myapp", "2.0.0")):
            data = build_deb(name, version, "amd64")
            for place in (self.folder, self.folder / "dist"):
                (place / f"{name}_{version}_amd64.deb").write_bytes(data)
        (self.folder / "mypackage-1.0.0-1.x86_64.rpm").write_bytes(build_rpm("mypackage", "1.0.0", "1", "x86_64"))
        shim = self.folder / "bin"
        shim.mkdir()
        curl = shim / "curl"
        curl.write_text(
            '#!/bin/sh\nexec /usr/bin/curl --max-time 60 "$@" '
            "--write-out '%{stderr}\\n@%{method} %{url_effective} %{http_code}\\n'\n"
        )
        curl.chmod(0o755)
        with self.client() as client:
            for name, distribution in (("nginx", "jammy"), ("nginx", "focal"), ("curl", "focal")):
                package = build_deb(name, {"nginx": "1.24.0", "curl": "7.81.0"}[name], "amd64")
                answer = client.post("/upload", files={"file": ("x.deb", package)}, data={"distribution": distribution})
                assert answer.status_code == 201, answer.text

    def before(self, command: str) -> None:
        """What a reader of the document would have, or would not have yet."""
        with self.client() as client:
            for name in ("jsmith", "deployer") if "/auth/users" in command else ():
                body = {"username": name, "password": "SecurePass1!", "email": f"{name}@example.com"}
                client.delete(f"/auth/users/{name}")
                if not re.search(rf'"username": ?"{name}"', command):
                    client.post("/auth/users", json=body)
            if re.search(r"POST.*/auth/api-tokens", command, re.DOTALL):
                for name in ("gitlab-ci", "pipeline-deployer"):
                    client.delete(f"/auth/api-tokens/{name}")
            if "/decide" in command:
                self._hold(client)

    def _hold(self, client: httpx2.Client) -> None:
        self.held += 1  # a decision is made once, so that each needs a package of its own
        package = build_deb("nginx", "1.24.0", ARCHITECTURES[self.held], fields={"Essential": "yes"})
        answer = client.post("/upload", files={"file": ("x.deb", package)}, data={"distribution": "jammy"})
        assert answer.json().get("status") == "pending_review", answer.text

    def paste(self, command: str) -> list[tuple[str, str, int]]:
        """Run it; method, path and status of each request."""
        self.before(command)
        base = self.server.url if "/api/v1/" in command else self.base
        # Where the documents show an address, their publisher blanked it.
        text = re.sub(r'"\[email.protected\]_64.rpm', '"file=@mypackage-1.0.0-1.x86_64.rpm', command)
        text = re.sub(r"\[email.protected\]", "jsmith@example.com", text).replace("http://localhost:8000", base)
        environment = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "TOKEN": self.token,
            "REPOD_TOKEN": self.token,
            "REPOD_URL": self.base,
            "REPOD_USER": "admin",
            "REPOD_PASSWORD": PASSWORD,
            "pkg": "curl",
            "DISTRIBUTION": "jammy",
        }
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", text.strip().removeprefix("- ")],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = re.findall(r"^@(\S+) (\S+) (\d+)$", done.stderr, re.MULTILINE)
        asked = [(method, httpx2.URL(url).path, int(status)) for method, url, status in said]
        assert asked, f"{text}\n{done.stdout}\n{done.stderr}"
        if "change-password" in text:
            self._change_back()
        if "/quarantine" in text:
            self._release()
        return asked

    def _release(self) -> None:
        """The commands below it speak of the package as if it were still there."""
        body = {"decision": "approve", "justification": "it was looked at", "arch": "amd64"}
        with self.client() as client:
            answer = client.post("/security/packages/nginx/1.24.0/decide", json=body)
        assert answer.status_code == 200, answer.text

    def _change_back(self) -> None:
        answer = httpx2.post(
            f"{self.server.url}/auth/token", json={"username": "admin", "password": "NewPass5678!"}, timeout=30
        )
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        body = {"current_password": "NewPass5678!", "new_password": PASSWORD}
        done = httpx2.post(f"{self.server.url}/auth/change-password", json=body, headers=headers, timeout=30)
        assert done.status_code == 200, done.text
        self.token = ""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("printed")
    server = Server(folder / "data", {"ENTREPOT_RATE_LIMITS": "all=100000/minute"}, password=PASSWORD)
    server.start()
    try:
        found = Reader(server, folder)
        found.prepare()
        yield found
    finally:
        server.stop()


def expected(method: str, path: str) -> set[int]:
    """Statuses that are right."""
    plain = re.sub(r"^/api(/v1)?(?=/)", "", path).rstrip("/")
    for methods, pattern, statuses in ELSEWISE:
        if method == methods and re.fullmatch(pattern, plain):
            return statuses
    return {200, 201}


@pytest.mark.parametrize("document", ["000", "001", "002"])
@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"], ids=["root", "api", "api-v1"])
def test_every_printed_command_is_answered_as_the_document_says(reader: Reader, document: str, prefix: str) -> None:
    reader.prefix = prefix
    [path] = require_shared("seeds").glob(f"{document}_*.txt")
    found = commands(path.read_text(encoding="utf-8"))
    assert len(found) >= 10
    wrong = []
    for command in found:
        for method, where, status in reader.paste(command):
            if status not in expected(method, where):
                wrong.append((method, where, status))
    assert not wrong, wrong
