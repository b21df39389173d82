"""Scripts for other servers push packages that the stock clients then install: Gitea's paths, aptly's API, dput."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from entrepot.testing.clients import AptRoot, DnfRoot, missing_programs
from entrepot.testing.maintainer import Maintainer
from entrepot.testing.packages import build_deb, build_rpm
from entrepot.testing.server import Server, running_server

_MISSING = missing_programs("apt-get", "curl", "dput", "gpg", "dnf")
pytestmark = [
    pytest.mark.clients,
    pytest.mark.xdist_group("other ways in"),
    pytest.mark.skipif(bool(_MISSING), reason=f"NOT INSTALLED HERE: {', '.join(_MISSING)}"),
]

NewSuite = Callable[..., str]
_numbers = count(1)


@pytest.fixture(scope="session")
def token(maintainer: Maintainer) -> str:
    answer = maintainer.client.post("/auth/api-tokens", json={"name": "other ways in", "role": "maintainer"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def curl(*arguments: str) -> tuple[int, str]:
    """Status and body of one request."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code}", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def stored(folder: Path, data: bytes, name: str) -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


class TestGitea:
    def test_one_curl_line_and_apt_installs(
        self, tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite, token: str
    ) -> None:
        suite = new_suite(components=["main", "extra"])
        package = stored(tmp_path, build_deb("from-gitea", "1.0"), "whatever.bin")
        url = f"{server.url}/api/packages/acme/debian/pool/{suite}/extra/upload"
        status, body = curl("--user", f"ci:{token}", "--upload-file", package, url)
        assert (status, json.loads(body)["status"]) == (201, "published"), body
        # The addresses that such clients already have lead to the same content.
        apt = AptRoot(tmp_path / "apt")
        key = httpx2.get(f"{server.url}/api/packages/acme/debian/repository.key")
        assert key.text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
        (tmp_path / "gitea.asc").write_text(key.text)
        line = f"deb [signed-by={tmp_path}/gitea.asc] {server.url}/api/packages/acme/debian {suite} extra\n"
        apt.add_line(line, "gitea")
        apt.update().checked()
        apt.install("from-gitea").checked()
        assert apt.installed() == {"from-gitea": "1.0"}

    def test_repeated_and_conflicting_uploads(
        self, tmp_path: Path, server: Server, new_suite: NewSuite, token: str
    ) -> None:
        url = f"{server.url}/api/packages/acme/debian/pool/{new_suite()}/main/upload"
        first = stored(tmp_path, build_deb("twice", "1.0"), "a")
        other = stored(tmp_path, build_deb("twice", "1.0", depends="something"), "b")
        junk = stored(tmp_path, b"junk", "c")
        who = ("--user", f"ci:{token}")
        assert curl(*who, "--upload-file", first, url)[0] == 201
        assert curl(*who, "--upload-file", first, url)[0] == 200
        assert curl(*who, "--upload-file", other, url)[0] == 409
        assert curl(*who, "--upload-file", junk, url)[0] == 422
        assert curl(*who, "--upload-file", first, url.replace("/main/", "/absent/"))[0] == 400
        assert (
            curl(*who, "--upload-file", first, f"{server.url}/api/packages/a/debian/pool/absent/main/upload")[0] == 400
        )
        assert curl("--user", "ci:wrong", "--upload-file", first, url)[0] == 401
        assert curl("--upload-file", first, url)[0] == 401
        assert curl(*who, "-X", "PUT", url)[0] == 400

    def test_an_rpm_to_a_group(self, tmp_path: Path, server: Server, new_suite: NewSuite, token: str) -> None:
        suite = new_suite("rpm")
        package = stored(tmp_path, build_rpm("rpm-from-gitea", "1.0"), "x.rpm")
        url = f"{server.url}/api/packages/acme/rpm/{suite}/upload"
        status, body = curl("--user", f"ci:{token}", "--upload-file", package, url)
        assert (status, json.loads(body)["distribution"]) == (201, suite), body
        repo = httpx2.get(f"{server.url}/api/packages/acme/rpm/{suite}.repo").text
        dnf = DnfRoot(tmp_path / "dnf")
        dnf.add_repo(repo, suite)
        dnf.install("rpm-from-gitea").checked()

    def test_a_token_for_one_distribution_writes_into_no_other(
        self, tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite
    ) -> None:
        allowed, other = new_suite(), new_suite()
        answer = maintainer.client.post(
            "/auth/api-tokens", json={"name": f"only {allowed}", "distributions": [allowed]}
        )
        who = ("--user", f"ci:{answer.json()['token']}")
        package = stored(tmp_path, build_deb("limited", "1.0"), "x")
        base = f"{server.url}/api/packages/acme/debian/pool"
        assert curl(*who, "--upload-file", package, f"{base}/{other}/main/upload")[0] == 403
        assert curl(*who, "--upload-file", package, f"{base}/{allowed}/main/upload")[0] == 201


class TestAptly:
    def test_files_then_repo_then_publish(
        self, tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite, token: str
    ) -> None:
        suite, api, who = new_suite(), f"{server.url}/api", ("--user", f"ci:{token}")
        good = stored(tmp_path, build_deb("from-aptly", "1.0"), "from-aptly_1.0_all.deb")
        bad = stored(tmp_path, b"junk", "bad_1.0_all.deb")
        status, body = curl(*who, "-X", "POST", "-F", f"file=@{good}", "-F", f"file=@{bad}", f"{api}/files/{suite}")
        assert (status, json.loads(body)) == (200, [f"{suite}/from-aptly_1.0_all.deb", f"{suite}/bad_1.0_all.deb"])
        assert suite in json.loads(curl(*who, f"{api}/files")[1])
        status, body = curl(*who, "-X", "POST", f"{api}/repos/{suite}/file/{suite}")
        report = json.loads(body)
        assert (status, report["FailedFiles"]) == (200, [f"{suite}/bad_1.0_all.deb"])
        assert report["Report"]["Added"] == ["from-aptly_1.0_all added"]
        assert json.loads(curl(*who, f"{api}/files/{suite}")[1]) == ["bad_1.0_all.deb"]
        assert curl(*who, "-X", "DELETE", f"{api}/files/{suite}")[0] == 200
        assert curl(*who, f"{api}/files/{suite}")[0] == 404
        body = '{"Signing": {"Skip": false}}'
        status, shown = curl(
            *who, "-X", "PUT", "-H", "Content-Type: application/json", "--data", body, f"{api}/publish/:./{suite}"
        )
        assert (status, json.loads(shown)["Distribution"]) == (200, suite)
        apt = AptRoot(tmp_path / "apt")
        apt.add_source(maintainer.sources(suite), suite)
        apt.update().checked()
        apt.install("from-aptly").checked()
        [key] = json.loads(curl(*who, f"{api}/repos/{suite}/packages")[1])
        assert key.startswith("Pall from-aptly 1.0 ")
        [details] = json.loads(curl(*who, f"{api}/repos/{suite}/packages?format=details&q=from-aptly")[1])
        assert (details["Key"], details["Package"]) == (key, "from-aptly")
        gone = json.dumps({"PackageRefs": [key]})
        assert curl(*who, "-X", "DELETE", "--data", gone, f"{api}/repos/{suite}/packages")[0] == 200
        assert json.loads(curl(*who, f"{api}/repos/{suite}/packages")[1]) == []

    def test_a_file_by_put_is_added_alone(
        self, tmp_path: Path, server: Server, new_suite: NewSuite, token: str
    ) -> None:
        suite, api, who = new_suite(), f"{server.url}/api", ("--user", f"ci:{token}")
        package = stored(tmp_path, build_deb("by-put", "1.0"), "by-put_1.0_all.deb")
        assert curl(*who, "--upload-file", package, f"{api}/files/{suite}/by-put_1.0_all.deb")[0] == 200
        status, body = curl(*who, "-X", "POST", f"{api}/repos/{suite}/file/{suite}/by-put_1.0_all.deb")
        assert (status, json.loads(body)["Report"]["Added"]) == (200, ["by-put_1.0_all added"])
        again = json.loads(curl(*who, "-X", "POST", f"{api}/repos/{suite}/file/{suite}/by-put_1.0_all.deb")[1])
        assert again["FailedFiles"] == [f"{suite}/by-put_1.0_all.deb"]

    def test_files_are_seen_by_their_sender_only(
        self, tmp_path: Path, server: Server, maintainer: Maintainer, token: str
    ) -> None:
        package = stored(tmp_path, build_deb("private", "1.0"), "private_1.0_all.deb")
        url = f"{server.url}/api/files/private/private_1.0_all.deb"
        assert curl("--user", f"ci:{token}", "--upload-file", package, url)[0] == 200
        body = {"username": "stranger", "password": "SecurePass1!", "role": "uploader"}
        assert maintainer.client.post("/auth/users", json=body).status_code == 201
        assert curl("--user", "stranger:SecurePass1!", f"{server.url}/api/files/private")[0] == 404

    def test_repos_are_distributions(self, server: Server, token: str) -> None:
        api, who = f"{server.url}/api", ("--user", f"admin:{server.password}")
        name = f"aptly{next(_numbers)}"
        created = curl(*who, "-X", "POST", "--data", json.dumps({"Name": name, "Comment": "made here"}), f"{api}/repos")
        assert (created[0], json.loads(created[1])["Comment"]) == (201, "made here")
        assert curl(*who, "-X", "POST", "--data", json.dumps({"Name": name}), f"{api}/repos")[0] == 400
        assert json.loads(curl(*who, f"{api}/repos/{name}")[1])["DefaultDistribution"] == name
        assert name in {repo["Name"] for repo in json.loads(curl(*who, f"{api}/repos")[1])}
        assert name in {one["Distribution"] for one in json.loads(curl(*who, f"{api}/publish")[1])}
        assert curl("--user", f"ci:{token}", "-X", "POST", "--data", '{"Name": "no"}', f"{api}/repos")[0] == 403
        assert "Version" in json.loads(curl(f"{api}/version")[1])


def changes(folder: Path, source: str, distribution: str, files: dict[str, bytes]) -> Path:
    """A .changes file beside the files that it lists."""
    rows: dict[str, list[str]] = {"Checksums-Sha1": [], "Checksums-Sha256": [], "Files": []}
    for name, data in files.items():
        (folder / name).write_bytes(data)
        rows["Checksums-Sha1"].append(f" {hashlib.sha1(data).hexdigest()} {len(data)} {name}")
        rows["Checksums-Sha256"].append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}")
        rows["Files"].append(f" {hashlib.md5(data).hexdigest()} {len(data)} misc optional {name}")
    head = [
        "Format: 1.8",
        "Date: Sat, 21 Nov 2026 12:00:00 +0000",
        f"Source: {source}",
        "Binary: " + " ".join(name.partition("_")[0] for name in files if name.endswith(".deb")),
        "Architecture: all",
        "Version: 1.0",
        f"Distribution: {distribution}",
        "Urgency: medium",
        "Maintainer: Package Builder <builder@example.org>",
        "Changed-By: Package Builder <builder@example.org>",
        "Description:",
        f" {source} - made for a test",
        "Changes:",
        f" {source} (1.0) {distribution}; urgency=medium",
        " .",
        "   * First.",
    ]
    lists = [f"{field}:\n" + "\n".join(lines) for field, lines in rows.items()]
    path = folder / f"{source}_1.0_all.changes"
    path.write_text("\n".join([*head, *lists]) + "\n")
    return path


def dput(folder: Path, server: Server, user: str, password: str, upload: Path, incoming: str) -> str:
    """The stock dput, which asks for the password on its input."""
    configuration = folder / "dput.cf"
    configuration.write_text(
        "[DEFAULT]\nhash = md5\n\n[ours]\n"
        f"fqdn = {server.url.removeprefix('http://')}\nmethod = http\nincoming = {incoming}\nlogin = {user}\n"
        "allow_unsigned_uploads = 1\nrun_lintian = 0\ncheck_version = 0\n"
    )
    done = subprocess.run(
        ["dput", "--unchecked", "--debug", "--force", "--config", str(configuration), "ours", str(upload)],
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        start_new_session=True,
        env={**os.environ, "HOME": str(folder)},
    )
    return f"{done.returncode}\n{done.stdout}\n{done.stderr}"


class TestDput:
    def test_a_set_is_taken_in_whole(
        self, tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite, token: str
    ) -> None:
        suite = new_suite()
        files = {
            "from-dput_1.0_all.deb": build_deb("from-dput", "1.0", depends="from-dput-lib"),
            "from-dput-lib_1.0_all.deb": build_deb("from-dput-lib", "1.0"),
            "from-dput_1.0_all.buildinfo": b"Format: 1.0\n",
        }
        output = dput(tmp_path, server, "ci", token, changes(tmp_path, "from-dput", suite, files), "/incoming/")
        assert output.startswith("0\n"), output
        apt = AptRoot(tmp_path / "apt")
        apt.add_source(maintainer.sources(suite), suite)
        apt.update().checked()
        apt.install("from-dput").checked()
        assert apt.installed() == {"from-dput": "1.0", "from-dput-lib": "1.0"}

    def test_the_address_may_name_the_distribution(
        self, tmp_path: Path, server: Server, maintainer: Maintainer, new_suite: NewSuite
    ) -> None:
        suite = new_suite()
        upload = changes(tmp_path, "elsewhere", "UNRELEASED", {"elsewhere_1.0_all.deb": build_deb("elsewhere", "1.0")})
        output = dput(tmp_path, server, "admin", server.password, upload, f"/incoming/{suite}")
        assert output.startswith("0\n"), output
        assert maintainer.client.get("/artifacts/elsewhere/1.0").json()["distributions"] == [suite]

    @pytest.mark.parametrize(
        ("break_", "named"),
        [
            (lambda files: files.pop("half-b_1.0_all.deb"), "half-b_1.0_all.deb"),
            (lambda files: files.update({"half-b_1.0_all.deb": build_deb("half-b", "1.1")}), "half-b_1.0_all.deb"),
        ],
        ids=["missing", "altered"],
    )
    def test_an_incomplete_set_changes_nothing(
        self,
        tmp_path: Path,
        server: Server,
        maintainer: Maintainer,
        new_suite: NewSuite,
        break_: Callable[[dict[str, bytes]], Any],
        named: str,
    ) -> None:
        suite = new_suite()
        files = {"half-a_1.0_all.deb": build_deb("half-a", "1.0"), "half-b_1.0_all.deb": build_deb("half-b", "1.0")}
        upload = changes(tmp_path, "half", suite, files)
        break_(files)
        for name, data in files.items():
            assert maintainer.client.put(f"/incoming/{suite}/{name}", content=data).status_code == 201
        answer = maintainer.client.put(f"/incoming/{suite}/{upload.name}", content=upload.read_bytes())
        assert answer.status_code == 422
        assert named in answer.text
        assert maintainer.client.get("/artifacts/half-a").status_code == 404

    def test_a_malformed_package_keeps_the_others_out(
        self, tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite
    ) -> None:
        suite = new_suite()
        files = {"fine_1.0_all.deb": build_deb("fine", "1.0"), "broken_1.0_all.deb": b"!<arch>\n"}
        upload = changes(tmp_path, "mixed", suite, files)
        for name, data in files.items():
            maintainer.client.put(f"/incoming/{suite}/{name}", content=data)
        answer = maintainer.client.put(f"/incoming/{suite}/{upload.name}", content=upload.read_bytes())
        assert answer.status_code == 422
        assert maintainer.client.get("/artifacts/fine").status_code == 404

    def test_sources_alone_are_refused(self, tmp_path: Path, maintainer: Maintainer, new_suite: NewSuite) -> None:
        suite = new_suite()
        upload = changes(tmp_path, "only-source", suite, {"only-source_1.0.dsc": b"Format: 3.0\n"})
        maintainer.client.put(f"/incoming/{suite}/only-source_1.0.dsc", content=b"Format: 3.0\n")
        answer = maintainer.client.put(f"/incoming/{suite}/{upload.name}", content=upload.read_bytes())
        assert answer.status_code == 422
        assert "source packages" in answer.json()["detail"]


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """GnuPG with an uploader's and a stranger's key, made by gpg itself."""
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    for name in ("uploader", "stranger"):
        gpg(home, "--passphrase", "", "--quick-gen-key", f"{name}@example.org", "rsa3072", "sign", "never")
    (home / "uploaders.asc").write_bytes(gpg(home, "--armor", "--export", "uploader@example.org"))
    yield home
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def gpg(home: Path, *arguments: str) -> bytes:
    done = subprocess.run(["gpg", "--homedir", str(home), "--batch", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_uploads_must_be_signed_by_an_uploader_when_there_is_a_keyring(tmp_path: Path, signers: Path) -> None:
    files = {"signed_1.0_all.deb": build_deb("signed", "1.0")}
    upload = changes(tmp_path, "signed", "jammy", files)
    plain = upload.read_bytes()
    by = {
        name: gpg(signers, "--clearsign", "--local-user", f"{name}@example.org", "--output", "-", str(upload))
        for name in ("uploader", "stranger")
    }
    altered = by["uploader"].replace(b"urgency=medium", b"urgency=high")
    keyring = str(signers / "uploaders.asc")
    with running_server(tmp_path, ENTREPOT_UPLOADER_KEYRING=keyring) as server, server.client() as client:
        name, data = next(iter(files.items()))
        assert client.put(f"/incoming/{name}", content=data).status_code == 201
        for refused in (plain, by["stranger"], altered):
            answer = client.put(f"/incoming/{upload.name}", content=refused)
            assert (answer.status_code, answer.json()["error"]) == (422, "package.signature"), answer.text
        assert client.get("/artifacts/signed").status_code == 404
        answer = client.put(f"/incoming/{upload.name}", content=by["uploader"])
        assert answer.status_code == 201, answer.text
        assert [one["status"] for one in answer.json()["packages"]] == ["published"]
