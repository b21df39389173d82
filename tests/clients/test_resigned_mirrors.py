"""Stock clients with our key on mirrors that are chosen from an upstream and signed here."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.client.api import Client
from entrepot.entrypoints.cli.app import run as command_line
from entrepot.testing.clients import AptRoot, missing_programs
from entrepot.testing.clients.serving import FolderServer
from entrepot.testing.gnupg import GnuPG, gnupg
from entrepot.testing.packages import build_deb
from entrepot.testing.repositories import release_of, sign_apt, write_apt_repository
from entrepot.testing.server import Server, running_server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.xdist_group("resigned"),
    pytest.mark.skipif(os.geteuid() != 0, reason="CLIENTS INSTALL INTO A ROOT AS root ONLY"),
    pytest.mark.skipif(bool(missing_programs("gpg", "apt-ftparchive")), reason="gpg OR apt-ftparchive IS MISSING"),
]


@dataclass(frozen=True, slots=True)
class Scene:
    """A folder of somebody else over HTTP, signed with gpg, and a server that chooses from it."""

    folder: Path
    upstream: FolderServer
    gpg: GnuPG
    server: Server
    client: Client

    def publish(self, name: str, packages: dict[str, bytes], minutes: int = 0) -> None:
        """The upstream's archive as it is now; ``minutes`` later than at first."""
        pool = self.folder / name / "pool"
        for path in pool.glob("*") if pool.exists() else ():
            path.unlink()
        date = datetime.now(UTC) - timedelta(hours=2) + timedelta(minutes=minutes)
        release = write_apt_repository(self.folder / name, packages, date, architectures=("amd64",))
        sign_apt(release, clearsign=lambda data: self.gpg.clearsign("upstream", data))
        for path in (self.folder / name / "dists").rglob("*"):  # servers tell states apart by whole seconds
            os.utime(path, (date.timestamp(), date.timestamp()))

    def sign(self, name: str) -> None:
        """Sign what lies there now."""
        top = self.folder / name / "dists/stable"
        release = top / "Release"
        release.write_text(release_of(top, datetime.now(UTC) - timedelta(minutes=30), None, ("amd64",)))
        sign_apt(release, clearsign=lambda data: self.gpg.clearsign("upstream", data))

    def source(self, name: str) -> None:
        """Have it known here."""
        key = self.gpg.certificate("upstream", "--armor").decode()
        self.client.sources.add(name, "apt", f"{self.upstream.url}/{name}", gpg_key=key, distribution="stable")

    def run(self, name: str, **more: Any) -> dict[str, Any]:
        """Until it ends."""
        job = self.client.mirrors.run(name, **more)["job_id"]
        list(self.client.jobs.follow(job))
        return dict(self.client.jobs.one(job))

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"{self.server.url}{path}", timeout=30)

    def listed(self, name: str) -> dict[str, str]:
        """What the index shows, name to version."""
        text = self.get(f"/apt/{name}/dists/stable/main/binary-amd64/Packages").text
        rows = [dict(line.split(": ", 1) for line in row.split("\n") if ": " in line) for row in text.split("\n\n")]
        return {row["Package"]: row["Version"] for row in rows if "Package" in row}

    def generation(self, name: str) -> str:
        """What is signed, once the documents have followed that are made later."""
        deadline = time.monotonic() + 60
        while "Contents-amd64" not in (text := self.get(f"/apt/{name}/dists/stable/InRelease").text):
            assert time.monotonic() < deadline, text
            time.sleep(0.1)
        return text


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("upstream")
    with (
        gnupg(tmp_path_factory.mktemp("keys") / "home") as gpg,
        FolderServer(folder) as upstream,
        running_server(
            tmp_path_factory.mktemp("resigning"), ENTREPOT_UPSTREAM_INSIDE=upstream.url.partition("//")[2]
        ) as server,
        Client(server.url, server.token()) as client,
    ):
        gpg.key("upstream")
        yield Scene(folder, upstream, gpg, server, client)


def deb(name: str, version: str, **fields: str) -> dict[str, bytes]:
    return {f"{name}_{version}_amd64.deb": deb_of(name, version, **fields)}


def deb_of(name: str, version: str, **fields: str) -> bytes:
    return build_deb(name, version, architecture="amd64", fields=fields)


def test_apt_installs_what_was_chosen_with_all_it_needs(tmp_path: Path, scene: Scene) -> None:
    first = {
        **deb("c-app", "1.0", Depends="c-lib (>= 1), c-voice | c-silence"),
        **deb("c-lib", "1.0"),
        **deb("c-alto", "1.0", Provides="c-voice"),
        **deb("c-other", "1.0"),
    }
    scene.publish("chosen", first)
    scene.source("chosen")
    wanted = {"names": ["c-app*"], "with_dependencies": True}
    list(scene.client.jobs.follow(scene.client.sources.sync("chosen")["job_id"]))
    seen = scene.client.mirrors.preview("chosen", wanted)
    assert (seen["named"], seen["needed"], seen["unresolved"]) == (1, 2, []), seen
    assert not [line for line in scene.upstream.requests if ".deb" in line], "a preview fetches nothing"

    made = scene.client.mirrors.add("chosen", "chosen", kind="resigned", filter=wanted)
    assert made["kind"] == "resigned"
    assert scene.get("/apt/chosen/dists/stable/InRelease").status_code == 404
    done = scene.run("chosen")
    assert done["status"] == "done", done
    assert (done["result"]["placed"], done["result"]["fetched"]) == (3, 3)
    assert scene.listed("chosen") == {"c-app": "1.0", "c-lib": "1.0", "c-alto": "1.0"}
    apt = AptRoot(tmp_path)
    apt.add_source(scene.get("/apt/chosen/stable.sources").text)
    apt.update().checked()
    apt.install("c-app").checked()
    assert apt.installed() == {"c-app": "1.0", "c-lib": "1.0", "c-alto": "1.0"}

    # A run that finds nothing new asks once, and publishes nothing.
    shown, before = scene.generation("chosen"), len(scene.upstream.requests)
    again = scene.run("chosen")["result"]
    assert again["changed"] is False
    assert "placed" not in again, "nothing was chosen anew"
    assert len(scene.upstream.requests) - before == 1
    assert scene.generation("chosen") == shown

    # What is new comes, what is gone upstream goes, in one generation; what somebody pushed here stays.
    with scene.server.client() as client:
        files = {"file": ("x.deb", build_deb("c-own", "1.0", architecture="amd64"))}
        pushed = client.post("/upload", files=files, data={"distribution": "chosen/stable"})
        assert pushed.status_code == 201, pushed.text
    second = {**deb("c-app", "2.0", Depends="c-lib (>= 1)"), **deb("c-lib", "1.0"), **deb("c-other", "1.0")}
    scene.publish("chosen", second, 10)
    done = scene.run("chosen")
    assert (done["result"]["placed"], done["result"]["removed"], done["result"]["fetched"]) == (1, 2, 1), done
    assert scene.listed("chosen") == {"c-app": "2.0", "c-lib": "1.0", "c-own": "1.0"}
    apt.update().checked()
    apt.upgrade().checked()
    assert apt.installed()["c-app"] == "2.0"


def test_what_the_gate_holds_waits_and_the_old_version_stays(scene: Scene) -> None:
    scene.publish("gated", {**deb("g-tool", "1.0"), **deb("g-bad", "1.0", Essential="yes")})
    scene.source("gated")
    scene.client.mirrors.add("gated", "gated", kind="resigned")
    done = scene.run("gated")["result"]
    assert (done["placed"], done["held"]) == (1, 1), done
    row = scene.client.mirrors.one("gated")
    assert (row["held"], row["files"]) == (1, 1)
    assert any("wait for a review" in note for note in row["notes"]), row["notes"]
    assert scene.listed("gated") == {"g-tool": "1.0"}
    scene.client.reviews.decide("g-bad", "1.0", "approve", "it is meant to be so")
    assert scene.listed("gated") == {"g-tool": "1.0", "g-bad": "1.0"}
    # What replaces it is held: machines keep what they have until somebody has looked.
    scene.publish("gated", {**deb("g-tool", "2.0", Essential="yes"), **deb("g-bad", "1.0", Essential="yes")}, 10)
    done = scene.run("gated")["result"]
    assert (done["held"], done["removed"]) == (1, 0), done
    assert scene.listed("gated") == {"g-tool": "1.0", "g-bad": "1.0"}
    with scene.server.client() as client:
        why = client.get("/artifacts/g-tool/1.0/why", params={"distribution": "gated/stable"})
        assert why.status_code == 200, why.text
        assert "structure" in why.text, why.text


def test_another_policy_counts_for_what_waits(scene: Scene) -> None:
    scene.publish("policy", deb("p-essential", "1.0", Essential="yes"))
    scene.source("policy")
    scene.client.mirrors.add("policy", "policy", kind="resigned")
    assert scene.run("policy")["result"]["held"] == 1
    with scene.server.client() as client:
        path, policy = "/security/policy/suites/stable", {"concerns": {"control.essential": "allow"}}
        answer = client.patch(path, params={"archive": "policy"}, json=policy)
        assert answer.status_code == 200, answer.text
    done = scene.run("policy")["result"]
    assert (done["placed"], done["held"], done["fetched"]) == (1, 0, 0), done
    assert scene.listed("policy") == {"p-essential": "1.0"}
    assert "p-essential" not in str(scene.client.reviews.queue()), "nobody is asked any more"


def test_a_bad_file_fails_the_run_or_is_passed_over_or_waits(scene: Scene) -> None:
    scene.publish("broken", {**deb("b-one", "1.0"), **deb("b-two", "1.0")})
    scene.source("broken")
    scene.client.mirrors.add("broken", "broken", kind="resigned")
    assert scene.run("broken")["status"] == "done"
    shown = scene.generation("broken")
    scene.publish("broken", {**deb("b-one", "2.0"), **deb("b-two", "2.0")}, 10)
    path = scene.folder / "broken/pool/b-one_2.0_amd64.deb"
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"x")
    assert scene.run("broken")["status"] == "error"
    assert scene.client.mirrors.one("broken")["error_code"] == "upstream.digest"
    assert scene.generation("broken") == shown
    scene.client.mirrors.change("broken", on_bad="skip")
    done = scene.run("broken")["result"]
    assert (done["placed"], done["bad"]) == (1, 1), done
    assert scene.listed("broken") == {"b-one": "1.0", "b-two": "2.0"}, "the old one stays until there is a new one"
    path.write_bytes(good)
    done = scene.run("broken")["result"]
    assert (done["placed"], done["removed"], done["bad"]) == (1, 1, 0), done
    assert scene.listed("broken") == {"b-one": "2.0", "b-two": "2.0"}


def test_a_package_that_is_another_than_its_index_says_waits_for_a_person(scene: Scene) -> None:
    scene.publish("misnamed", {**deb("n-right", "1.0"), "n-wrong_1.0_amd64.deb": deb_of("n-other", "1.0")}, 0)
    index = scene.folder / "misnamed/dists/stable/main/binary-amd64/Packages"
    index.write_text(index.read_text().replace("Package: n-other", "Package: n-wrong"))
    scene.sign("misnamed")
    scene.source("misnamed")
    scene.client.mirrors.add("misnamed", "misnamed", kind="resigned", on_bad="hold")
    done = scene.run("misnamed")["result"]
    assert (done["placed"], done["held"]) == (1, 1), done
    assert scene.listed("misnamed") == {"n-right": "1.0"}
    queue = scene.client.reviews.queue(distribution="stable")
    assert "should be n-wrong 1.0 amd64" in str(queue), queue
    scene.client.mirrors.change("misnamed", on_bad="fail")


def test_most_packages_do_not_vanish_unasked(scene: Scene) -> None:
    packages = {name: data for number in range(6) for name, data in deb(f"l-{number}", "1.0").items()}
    scene.publish("loss", packages)
    scene.source("loss")
    scene.client.mirrors.add("loss", "loss", kind="resigned", filter={"names": ["l-*"], "newest": 1})
    assert scene.run("loss")["result"]["placed"] == 6
    # A narrower filter is what somebody wants; they are not asked again.
    scene.client.mirrors.change("loss", filter={"regex": "l-[0-4]"})
    assert scene.run("loss")["result"]["removed"] == 1
    scene.publish("loss", {**deb("l-0", "1.0"), **deb("z-1", "1"), **deb("z-2", "1"), **deb("z-3", "1")}, 10)
    done = scene.run("loss")
    assert done["status"] == "error", (done["result"], scene.client.mirrors.one("loss"))
    assert scene.client.mirrors.one("loss")["error_code"] == "upstream.mass_deletion"
    assert len(scene.listed("loss")) == 5
    assert scene.run("loss", accept_loss=True)["result"]["removed"] == 4
    assert scene.listed("loss") == {"l-0": "1.0"}
    scene.client.mirrors.change("loss", keep_removed=True)
    scene.publish("loss", deb("l-1", "3.0") | deb("z-1", "1") | deb("z-2", "1"), 20)
    assert scene.run("loss")["result"]["removed"] == 0
    assert scene.listed("loss") == {"l-0": "1.0", "l-1": "3.0"}
    assert scene.client.mirrors.remove("loss")["status"] == "deleted"
    assert scene.listed("loss") == {"l-0": "1.0", "l-1": "3.0"}, "the distribution stays"


def test_a_server_that_is_killed_goes_on_and_never_shows_a_half(scene: Scene, tmp_path: Path) -> None:
    names = [f"k-many{number}" for number in range(60)]
    scene.publish("killed", {name: data for each in names for name, data in deb(each, "1.0").items()})
    key = scene.gpg.certificate("upstream", "--armor").decode()
    url, inside = f"{scene.upstream.url}/killed", scene.upstream.url.partition("//")[2]
    with running_server(tmp_path, ENTREPOT_UPSTREAM_INSIDE=inside) as server:
        with Client(server.url, server.token()) as client:
            client.sources.add("killed", "apt", url, gpg_key=key, distribution="stable", connections=1)
            client.mirrors.add("killed", "killed", kind="resigned")
            job = client.mirrors.run("killed")["job_id"]
        index = f"{server.url}/apt/killed/dists/stable/main/binary-amd64/Packages"
        for count in (10, 40, 60):
            while sum(".deb" in line for line in scene.upstream.requests if "/killed/" in line) < count:
                assert httpx2.get(index).status_code == 404
            server.kill()
            server.start()
        with Client(server.url, server.token()) as client:
            list(client.jobs.follow(job))
            assert client.jobs.one(job)["status"] == "done", client.jobs.one(job)
            assert client.mirrors.one("killed")["files"] == len(names)
        assert httpx2.get(index).text.count("Package: ") == len(names)
    asked = [line.split()[1] for line in scene.upstream.requests if "/killed/pool/" in line]
    # What was on its way when the server died comes once more; what was stored does not, though nobody had noted it.
    assert len(asked) - len(set(asked)) <= 3 * 4, len(asked)


def test_a_verbatim_mirror_waits_for_a_person_when_files_are_bad(scene: Scene) -> None:
    scene.publish("waits", {**deb("w-one", "1.0"), **deb("w-two", "1.0")})
    (scene.folder / "waits/pool/w-two_1.0_amd64.deb").unlink()
    scene.source("waits")
    scene.client.mirrors.add("waits", "waits", on_bad="hold")
    assert scene.run("waits")["status"] == "error"
    row = scene.client.mirrors.one("waits")
    assert row["error_code"] == "upstream.bad_files"
    assert "w-two_1.0" in str(row["error"])
    assert scene.get("/apt/waits/dists/stable/InRelease").status_code == 404
    assert scene.run("waits", accept_bad=True)["status"] == "done"
    assert set(scene.listed("waits")) == {"w-one", "w-two"}, "what the upstream has signed is shown as it is"


def entrepot(server: Server, *arguments: str, code: int = 0) -> str:
    """The command line, in this process; what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENTREPOT_URL", server.url)
        patch.setenv("ENTREPOT_TOKEN", server.token())
        patch.setenv("NO_COLOR", "1")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = command_line([*arguments])
    assert ended == code, out.getvalue() + err.getvalue()
    return out.getvalue() + err.getvalue()


def test_the_command_line_previews_adds_changes_and_shows(scene: Scene) -> None:
    scene.publish("shell", {**deb("s-app", "1.0", Depends="s-lib, s-absent"), **deb("s-lib", "1.0")})
    scene.source("shell")
    assert "never synchronised" in entrepot(scene.server, "mirror", "preview", "shell", "-f", "name=s-app", code=5)
    entrepot(scene.server, "source", "sync", "shell")
    wanted = ("-f", "name=s-a*", "-f", "newest=1", "--with-dependencies")
    seen = entrepot(scene.server, "mirror", "preview", "shell", *wanted)
    assert "s-lib 1.0 amd64" in seen
    assert "s-absent (for s-app)" in seen
    assert "is none of" in entrepot(scene.server, "mirror", "preview", "shell", "-f", "size=3", code=2)
    assert "filter" in entrepot(scene.server, "mirror", "preview", "shell", "-f", "regex=(", code=2)
    assert "kind=resigned" in entrepot(scene.server, "mirror", "add", "shell", "-s", "shell", *wanted, code=2)
    entrepot(scene.server, "mirror", "add", "shell", "-s", "shell", "--resigned", "--no-run", *wanted)
    assert "never" in entrepot(scene.server, "mirror", "status", "shell")
    entrepot(scene.server, "mirror", "run", "shell")
    shown = entrepot(scene.server, "mirror", "status", "shell")
    assert "names: s-a*; newest: 1; with_dependencies: True" in shown
    assert "s-absent (for s-app)" in shown
    assert "s-app\t1.0\tamd64\tplaced" in entrepot(scene.server, "mirror", "packages", "shell", "--state", "placed")
    assert "state" in entrepot(scene.server, "mirror", "packages", "shell", "--state", "odd", code=2)
    entrepot(scene.server, "mirror", "change", "shell", "-f", "name=s-lib")
    assert scene.client.mirrors.one("shell")["filter"] == {"names": ["s-lib"]}
    entrepot(scene.server, "mirror", "change", "shell", "--everything")
    assert scene.client.mirrors.one("shell")["filter"] == {}
