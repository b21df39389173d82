"""The client against a real server: every method, and every answer has the shape that its type promises."""

from __future__ import annotations

import hashlib
import io
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired, Union, get_args, get_origin, get_type_hints

import pyotp
import pytest
from tests.architecture.test_client import METHODS, Method
from tests.architecture.test_client import answer_type as returned_by
from tests.contract.client_calls import APART, ATTESTATION, CASES, PASSWORD, REFUSED
from typing_extensions import is_typeddict

from entrepot.client.api import Client
from entrepot.client.audit import AuditConditions
from entrepot.client.errors import BadAnswer, ClientError, Missing, NotSignedIn, Unavailable
from entrepot.testing.advisories import affected, osv, osv_zip
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.xdist_group("client")  # one server for all


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("client")) as found:
        yield found


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("packages")
    with Client(server.url, server.token()) as found:
        for name, version, fields in (
            ("hello", "1.0", {}),
            ("hello", "2.0", {"Depends": "hello-data (>= 1)"}),
            ("kept", "1.0", {}),
            ("gone", "1.0", {}),
            ("odd", "1.0", {"Essential": "yes"}),
        ):
            path = folder / f"{name}_{version}_all.deb"
            path.write_bytes(build_deb(name, version, fields=fields))
            found.artifacts.upload(path, distribution="jammy")
        yield found


def faults(value: Any, hint: Any, place: str = "answer") -> list[str]:
    """Where a value is not what a type says, down to the last TypedDict."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return faults(value, inner[0], place)
    if is_typeddict(hint):
        hints = get_type_hints(hint, include_extras=True)
        if not isinstance(value, dict):
            return [f"{place} is no object"]
        found = [
            f"{place}.{name} is not there"
            for name, kind in hints.items()
            if get_origin(kind) is not NotRequired and name not in value
        ]
        return found + [
            fault for name in hints if name in value for fault in faults(value[name], hints[name], f"{place}.{name}")
        ]
    if origin in (Union, typing.types.UnionType):  # type: ignore[attr-defined]
        return [] if any(not faults(value, one, place) for one in inner) else [f"{place} is {value!r}, not {hint}"]
    if origin is typing.Literal:
        return [] if value in inner else [f"{place} is {value!r}"]
    if origin is list:
        return (
            [fault for number, one in enumerate(value) for fault in faults(one, inner[0], f"{place}[{number}]")]
            if isinstance(value, list)
            else [f"{place} is no list"]
        )
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            return [f"{place} is no object"]
        return [fault for name, one in value.items() for fault in faults(one, inner[1], f"{place}.{name}")]
    if hint is object:
        return []
    if hint is type(None) and value is None:
        return []
    kinds: Any = (int, float) if hint is float else hint
    fits = isinstance(value, kinds) and not (hint is int and isinstance(value, bool))
    return [] if fits else [f"{place} is {value!r}, not {hint}"]


def answer_type(label: str) -> Any:
    return returned_by(next(each for each in METHODS if each.label == label))


@pytest.mark.parametrize(("label", "call"), CASES, ids=[f"{number}-{label}" for number, (label, _) in enumerate(CASES)])
def test_an_answer_has_its_shape(client: Client, label: str, call: Callable[[Client], Any]) -> None:
    assert faults(call(client), answer_type(label)) == []


@pytest.mark.parametrize(("label", "call", "kind"), REFUSED, ids=[label for label, _, _ in REFUSED])
def test_a_refusal_is_an_error_of_the_client(
    client: Client, label: str, call: Callable[[Client], Any], kind: type[ClientError]
) -> None:
    with pytest.raises(kind) as refused:
        call(client)
    assert refused.value.code
    assert (refused.value.status or 0) < 500 or isinstance(refused.value, Unavailable)
    assert label


def test_a_file_is_sent_to_a_feed(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(osv_zip([osv("DEBIAN-CVE-2026-0001", affected("Debian:12", "a"))]))
    answer = client.feeds.send("debian", path)
    assert faults(answer, answer_type("feeds.send")) == []
    assert answer["feed"] == "debian"
    assert [feed["name"] for feed in client.feeds.status()["feeds"]] == ["debian"]


def test_no_method_is_left_out() -> None:
    tried = {label for label, _ in CASES} | APART | {label for label, _, _ in REFUSED}
    known: list[Method] = METHODS
    aliases = {"retention.retention", "retention.run_retention"}
    assert {method.label for method in known} - tried - aliases == set()


def test_a_session_and_a_second_factor_from_begin_to_end(server: Server, client: Client) -> None:
    client.people.create_user("dora", PASSWORD, role="reader")
    with Client(server.url) as stranger:
        token = stranger.account.sign_in("dora", PASSWORD)["access_token"]
    with Client(server.url, token) as dora:
        dora.account.change_password(PASSWORD, "Another-Pass1")
        assert faults(dora.second_factor.state(), answer_type("second_factor.state")) == []
        begun = dora.second_factor.begin()
        assert faults(begun, answer_type("second_factor.begin")) == []
        codes = dora.second_factor.confirm(pyotp.TOTP(begun["secret"]).now())["recovery_codes"]
        codes = dora.second_factor.renew_recovery_codes(codes[0])["recovery_codes"]
        with Client(server.url) as stranger:
            challenge = stranger.account.sign_in("dora", "Another-Pass1")
            assert challenge.get("mfa_required") is True
            assert stranger.account.send_code(challenge.get("mfa_token", ""), codes[0])["access_token"]
        assert dora.second_factor.disable("Another-Pass1")["mfa_enabled"] is False
        codes = dora.second_factor.confirm(pyotp.TOTP(dora.second_factor.begin()["secret"]).now())["recovery_codes"]
        client.people.remove_second_factor("dora")
        assert dora.second_factor.state()["mfa_enabled"] is False
        dora.account.log_out()
        with pytest.raises(NotSignedIn):
            dora.account.me()


def test_files_are_taken_whole_or_refused(client: Client, tmp_path: Path) -> None:
    target, told = io.BytesIO(), [0]
    done = client.versions.download(target, "hello", "1.0", progress=told.append)
    assert target.getvalue() == build_deb("hello", "1.0")
    assert (done.filename, done.size_bytes, sum(told)) == ("hello_1.0_all.deb", len(target.getvalue()), done.size_bytes)
    with pytest.raises(BadAnswer, match="larger than 100 bytes"):
        client.versions.download(io.BytesIO(), "hello", "1.0", most_bytes=100)
    document = io.BytesIO()
    client.provenance.document(document, "hello", "1.0", hashlib.sha256(ATTESTATION).hexdigest())
    assert document.getvalue() == ATTESTATION
    with pytest.raises(Missing):
        client.versions.download(io.BytesIO(), "hello", "9.9")
    listed = io.BytesIO()
    assert client.sbom.package(listed, "hello", "1.0").filename == "hello_1.0.cdx.json"
    with pytest.raises(Missing, match="nothing is known"):
        client.sbom.vex(listed, "hello", "1.0")
    assert client.sbom.export(listed, format_="spdx", distribution="jammy").filename == "jammy.sbom.spdx.json"
    exports = io.BytesIO()
    signed = client.audit.export(exports, AuditConditions(action="upload"), format_="json", sign=True)
    assert signed.signature is not None
    assert signed.signature.startswith(b"-----BEGIN PGP SIGNATURE-----")
    assert signed.count >= 5
    assert client.audit.export_archive(io.BytesIO(), AuditConditions(start="2026-01-01")).file.filename.endswith(".zip")
    assert client.audit.export_user(io.BytesIO(), "admin").file.size_bytes > 100
    assert client.audit.key().startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert "entrepot_" in client.server.metrics()


def test_events_come_as_they_happen_and_go_on_where_they_were(client: Client) -> None:
    told = list(client.dashboard.events(after=0, follow=False))
    numbers = [event.number for event in told if event.number is not None]
    assert numbers == sorted(numbers)
    assert {str(event.data["type"]) for event in told} >= {"audit_log", "package_upload"}
    assert list(client.dashboard.events(after=numbers[-1], follow=False)) == []
    watching = client.dashboard.events(after=numbers[-1])
    client.people.create_user("newcomer", PASSWORD, role="reader")
    assert next(watching).data["type"] == "audit_log"
    watching.close()  # type: ignore[attr-defined]
    assert all(event.data["type"] == "log" for event in client.logs.stream(after=0, follow=False))


def test_a_synchronisation_is_watched_from_begin_to_end(client: Client) -> None:
    client.sources.add("keyless", "rpm", "http://192.0.2.1/rpm")
    told = list(client.sources.watch("keyless"))
    assert told[-1].data["status"] == "error"
    job = client.sources.jobs()["jobs"][0]["job_id"]
    assert faults(client.sources.job(job), answer_type("sources.job")) == []
    assert [event.data for event in client.sources.follow(job)][-1] == told[-1].data
    assert client.sources.remove("keyless")["status"] == "deleted"


def test_settings_are_read_and_changed(client: Client) -> None:
    assert client.settings.change({"retention_days": 90})["retention_days"] == 90
    assert client.settings.all()["retention_days"] == 90
    client.settings.change({"retention_days": None})
