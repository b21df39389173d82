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
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.architecture.test_client import METHODS, Method
from tests.architecture.test_client import answer_type as returned_by
from typing_extensions import is_typeddict

from entrepot.adapters.attestation.keys import fingerprint_of
from entrepot.client.api import Client, Selection
from entrepot.client.audit import AuditConditions
from entrepot.client.errors import BadAnswer, BadInput, ClientError, Missing, NotSignedIn, Unavailable
from entrepot.testing.advisories import affected, osv, osv_zip
from entrepot.testing.attestations import attested, statement
from entrepot.testing.packages import build_deb
from entrepot.testing.server import Server, running_server

pytestmark = pytest.mark.xdist_group("client")  # one server for all

PASSWORD = "SecurePass1!"
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC_KEY = PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
FINGERPRINT = fingerprint_of(PRIVATE_KEY.public_key())
ATTESTATION = attested(PRIVATE_KEY, statement(build_deb("hello", "1.0")))


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


def case(theme: str, method: str, *arguments: Any, **named: Any) -> tuple[str, Callable[[Client], Any]]:
    """A call of a method."""
    return f"{theme}.{method}", lambda client: getattr(getattr(client, theme), method)(*arguments, **named)


# In order: later calls rely on what earlier ones made.
CASES = [
    case("server", "health"),
    case("server", "setup_status"),
    case("server", "preflight"),
    case("server", "license"),
    case("server", "activate_license", "a key"),
    case("server", "remove_license"),
    case("account", "me"),
    case("account", "forgot_password", "nobody"),
    case("artifacts", "packages", Selection()),
    case("artifacts", "__call__", Selection(distribution="jammy"), status="published"),
    case("artifacts", "one", "hello"),
    case("artifacts", "manifest", "hello", "2.0"),
    case("versions", "all", "hello"),
    case("versions", "compare", "hello", "1.0", "2.0"),
    case("versions", "dependencies", "hello"),
    case("versions", "dependencies", "hello", version="1.0"),
    case("versions", "install", "hello", version="1.0", distribution="jammy"),
    case("versions", "snapshot", "hello", "1.0"),
    case("versions", "why", "hello", "1.0", distribution="jammy"),
    case("distributions", "__call__", "deb"),
    case("distributions", "packages", "jammy", text="hello", architecture="amd64"),
    case("distributions", "archives"),
    case("distributions", "initialise", "trixie", description="next"),
    case("suites", "create", "rpm", "special", "el9", description="of one team"),
    case("suites", "all", "rpm", "special"),
    case("suites", "one", "deb", "main", "jammy"),
    case("suites", "change", "rpm", "special", "el9", label="Special"),
    case("suites", "states", "deb", "main", "jammy"),
    case("promotions", "targets", "hello", "jammy"),
    case("promotions", "promote", "hello", "jammy", "noble", version="1.0"),
    case("promotions", "promote", "hello", "jammy", "noble", version="1.0"),
    case("promotions", "promote_artifact", "kept", "jammy", "noble"),
    case("promotions", "migrate", "jammy", "noble", ["gone"]),
    case("promotions", "held", status="all"),
    case("antivirus", "status"),
    case("grype", "status"),
    case("vulnerabilities", "__call__", severity="high", distribution="jammy"),
    case("vulnerabilities", "posture", "jammy"),
    case("vulnerabilities", "packages", status="published", severity="low", text="hello"),
    case("vulnerabilities", "of", "hello", "2.0"),
    case("vulnerabilities", "rescan", "hello", "2.0"),
    case("vulnerabilities", "compare_again"),
    case("feeds", "status"),
    case("feeds", "refresh"),
    case("sbom", "preview", distribution="jammy", limit=1),
    case("snapshots", "freeze", "jammy", "first"),
    case("snapshots", "all", "jammy"),
    case("snapshots", "one", "jammy", "first"),
    case("snapshots", "merge", ["jammy@first", "noble"], "jammy", "both", dry_run=True),
    case("snapshots", "merge", ["jammy@first", "noble"], "jammy", "both", rule="first"),
    case("snapshots", "diff", "jammy@first", "jammy"),
    case("snapshots", "contents", "jammy@first"),
    case("environments", "create", "prod", "what machines have"),
    case("environments", "all"),
    case("environments", "plan", "prod", ["jammy@first"]),
    case("environments", "point", "prod", ["jammy@first"], reason="first"),
    case("environments", "one", "prod"),
    case("environments", "history", "prod"),
    case("snapshots", "freeze", "jammy", "second"),
    case("environments", "point", "prod", ["jammy@second"]),
    case("environments", "roll_back", "prod", reason="no"),
    case("environments", "change", "prod", description="machines"),
    case("environments", "take_out", "prod", "jammy"),
    case("environments", "remove", "prod"),
    case("snapshots", "remove", "jammy", "first"),
    case("errata", "issue", "jammy", ["kept=1.0"], code="E-1", cves=["CVE-2026-12345"], severity="high"),
    case("errata", "all", "jammy"),
    case("errata", "one", "jammy", "E-1"),
    case("errata", "amend", "jammy", "E-1", title="kept: mended"),
    case("errata", "withdraw", "jammy", "E-1"),
    case("rollouts", "begin", "jammy", ["kept=1.0"], [10, 50]),
    case("rollouts", "pause", "jammy", 1),
    case("rollouts", "resume", "jammy", 1),
    case("rollouts", "all", "jammy"),
    case("rollouts", "finish", "jammy", 1),
    case("provenance", "trust_key", "jammy", PUBLIC_KEY, name="builder"),
    case("provenance", "trusted_keys", "jammy"),
    case("provenance", "distrust_key", "jammy", FINGERPRINT),
    case("provenance", "set_rules", "jammy", [{"builder": "https://example.org/*"}]),
    case("provenance", "rules", "jammy"),
    case("provenance", "set_rules", "jammy", []),
    case("provenance", "attest", "hello", "1.0", ATTESTATION),
    case("provenance", "attestations", "hello", "1.0", distribution="jammy"),
    case("provenance", "show", "hello", "1.0"),
    case("jobs", "__call__", kind="upload", status="done", mine=True),
    case("retention", "pin", "kept", "1.0", reason="for the ships"),
    case("retention", "unpin", "kept", "1.0"),
    case("retention", "collection_preview", 1, 0),
    case("retention", "collect_versions", 100),
    case("retention", "overview"),
    case("retention", "run"),
    case("retention", "next_sync"),
    case("reviews", "queue"),
    case("reviews", "assign", "odd", "1.0", "admin"),
    case("reviews", "decide", "odd", "1.0", "exception", "it has to be", expires_in_days=3),
    case("decisions", "all", package="odd"),
    case("decisions", "mine"),
    case("decisions", "unassigned"),
    case("decisions", "change", 1, expires_in_days=20),
    case("decisions", "assign", 1, None),
    case("decisions", "resolve", "odd", "1.0", "done"),
    case("decisions", "about", "odd", "1.0"),
    case("decisions", "check"),
    case("decisions", "report"),
    case("decisions", "revoke", 1, "not after all"),
    case("reviews", "queue", text="odd"),
    case("reviews", "quarantine", "odd", "1.0", "not at all"),
    case("artifacts", "delete_version", "gone", "1.0", distribution="noble"),
    case("artifacts", "delete", "gone"),
    case("artifacts", "renew_indexes"),
    case("keys", "all"),
    case("keys", "places"),
    case("keys", "rotate", archive="apt/main"),
    case("keys", "extend", "2y", "apt/main"),
    case("keys", "retire", "apt/main", force=True),
    case("people", "create_user", "carla", PASSWORD, role="uploader", full_name="Carla"),
    case("people", "users", text="carla"),
    case("people", "change_user", "carla", role=["uploader", "auditor"], email="carla@example.org"),
    case("people", "reset_password", "carla", "Another-Pass1"),
    case("people", "create_api_token", "ci", "uploader", distributions=["jammy"], expires_days=3),
    case("people", "api_tokens"),
    case("people", "revoke_api_token", "ci"),
    case("roles", "names"),
    case("roles", "create", "watcher", ["audit.read"], label="Watcher"),
    case("roles", "all"),
    case("roles", "one", "watcher"),
    case("roles", "change", "watcher", description="looks"),
    case("roles", "permissions", "watcher"),
    case("roles", "set_permissions", "watcher", ["package.read"]),
    case("groups", "create", "team", default_role="watcher"),
    case("groups", "all"),
    case("groups", "mine"),
    case("groups", "one", "team"),
    case("groups", "change", "team", default_role=""),
    case("groups", "add_member", "team", "carla"),
    case("groups", "members", "team"),
    case("groups", "remove_member", "team", "carla"),
    case("groups", "remove", "team"),
    case("roles", "remove", "watcher"),
    case("people", "remove_user", "carla"),
    case("sources", "add", "vendor", "apt", "http://192.0.2.1/debian", distribution="bookworm"),
    case("sources", "all"),
    case("sources", "one", "vendor"),
    case("sources", "change", "vendor", label="Vendor", enabled=False),
    case("sources", "sync", "vendor"),
    case("sources", "start", "vendor"),
    case("sources", "sync_all", ["vendor"]),
    case("sources", "states"),
    case("sources", "schedule"),
    case("imports", "groups"),
    case("imports", "recipe", "FROM ubuntu:22.04\nRUN apt-get install -y hello nothing"),
    case("sources", "jobs"),
    case("sources", "active_jobs"),
    case("mirrors", "add", "vendors", "vendor", every_hours=12),
    case("mirrors", "all"),
    case("mirrors", "one", "vendors"),
    case("mirrors", "change", "vendors", every_hours=6, on_bad="skip"),
    case("mirrors", "packages", "vendors", state="held"),
    case("mirrors", "run", "vendors"),
    case("bundles", "make", ["jammy"]),
    case("bundles", "all"),
    case("bundles", "key"),
    case("mirrors", "sources"),
    case("mirrors", "switch", {"vendor": True}),
    case("mirrors", "plan"),
    case("mirrors", "change_plan", hour=5, timezone="Europe/Paris"),
    case("mirrors", "start", "vendor", limit=5),
    case("mirrors", "runs"),
    case("dashboard", "summary"),
    case("dashboard", "stats"),
    case("dashboard", "history", 7),
    case("dashboard", "trends", [7, 30], top_limit=3),
    case("dashboard", "subscribers"),
    case("downloads", "stats", 7),
    case("logs", "find", level="info", limit=5),
    case("logs", "services"),
    case("audit", "logs", AuditConditions(action="upload"), sort="asc"),
    case("audit", "integrity"),
    case("notifications", "deliveries", state="failed"),
    case("templates", "all"),
    case("templates", "one", "test"),
    case("templates", "change", "test", subject="Hello"),
    case("templates", "preview", "test", text="Hello"),
    case("templates", "reset", "test"),
    case("policy", "show"),
    case("policy", "change", {"low": "allow"}),
    case("policy", "preview", {"low": "block"}),
    case("policy", "suite", "jammy"),
    case("policy", "change_suite", "jammy", {"low": "warn"}),
    case("policy", "remove_suite", "jammy"),
    case("account", "refresh"),
]
# What a test of its own calls, and what is refused without a directory, a mail server and the like.
APART = {
    "account.sign_in",
    "account.take_session",  # with a real provider, in the tests of signing in there
    "account.send_code",
    "account.log_out",
    "account.change_password",
    "people.remove_second_factor",
    "second_factor.state",
    "second_factor.begin",
    "second_factor.confirm",
    "second_factor.renew_recovery_codes",
    "second_factor.disable",
    "artifacts.upload",
    "feeds.send",
    "artifacts.upload_watched",  # with jobs, in the tests of watching
    "jobs.events",
    "versions.download",
    "provenance.document",
    "sbom.package",
    "sbom.export",
    "sbom.vex",
    "audit.export",
    "audit.export_archive",
    "audit.export_user",
    "audit.key",
    "server.metrics",
    "dashboard.events",
    "logs.stream",
    "settings.all",
    "settings.change",
    *("imports.search", "imports.resolve", "imports.fetch", "imports.watch", "imports.package", "imports.batch"),
    "bundles.fetch",  # with files, in the tests of carrying
    "bundles.send",
    "sources.watch",
    "sources.follow",
    "sources.start_all",  # begins whatever is switched on
    "mirrors.follow_run",
    "sources.job",
    "sources.remove",  # not while it is synchronised
}
REFUSED: list[tuple[str, Callable[[Client], Any], type[ClientError]]] = [
    (*case("account", "exchange", "no token"), NotSignedIn),
    (*case("account", "set_new_password", "no token", PASSWORD), BadInput),
    (*case("server", "set_up", "no token", "second", PASSWORD), ClientError),
    (*case("promotions", "approve", "hello", 999, "why not"), Missing),
    (*case("promotions", "reject", "hello", 999, "no"), Missing),
    (*case("antivirus", "update"), Unavailable),
    (*case("grype", "update"), Unavailable),
    (*case("rollouts", "stop", "jammy", 999), Missing),
    (*case("notifications", "redeliver", "999"), Missing),
    (*case("jobs", "one", "absent"), Missing),
    (*case("jobs", "cancel", "absent"), Missing),
    (*case("sources", "cancel", "no-such-job"), Missing),
    (*case("imports", "remove_group", "absent"), Missing),
    (*case("sources", "sync_security"), BadInput),
    (*case("sources", "start", "rpm"), BadInput),
    (*case("mirrors", "run_job", "absent"), Missing),
    (*case("mirrors", "cancel_run", "absent"), Missing),
    (*case("mirrors", "remove", "absent"), Missing),
    (*case("mirrors", "preview", "absent", {"names": ["tree*"]}), Missing),
    (*case("exports", "begin", "jammy", "www"), BadInput),
    (*case("bundles", "send_from_folder", ["absent.tar"]), BadInput),
    (*case("bundles", "one", "absent"), Missing),
    (*case("bundles", "take_in", "absent"), Missing),
    (*case("bundles", "remove", "absent"), Missing),
    (*case("settings", "test_webhook"), BadInput),
    (*case("settings", "test_email", "ada@example.org"), BadInput),
    (*case("settings", "test_directory", ldap_url="ldap://127.0.0.1:9"), ClientError),
]


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
