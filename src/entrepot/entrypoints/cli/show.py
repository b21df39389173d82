"""``show``: one package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, cast

import typer

from entrepot.client.answers_packages import Artifact, Manifest
from entrepot.client.api import Client
from entrepot.client.errors import Missing
from entrepot.entrypoints.cli.failures import CommandFailed, ExitCode
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.session import ArchOption, DistOption, JsonOption, UrlOption, connect
from entrepot.entrypoints.cli.text import moment, one_line, package_name, size, words


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show)


def show(
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(metavar="NAME[=VERSION]", help="Package; without a version, all of it.")],
    dist: DistOption = None,
    arch: ArchOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show a package, or one version of it.

    With a version: where it comes from, what it depends on, what the checks found, who signed and who built it.
    """
    output = Output(as_json=as_json)
    wanted = package_name(package)
    if wanted.version is None and (dist or arch):
        raise CommandFailed(
            "--dist and --arch choose among files of one version", "usage", ExitCode.INVALID, "give NAME=VERSION"
        )
    body: Artifact | Manifest
    with connect(ctx, url, output) as client:
        if wanted.version is None:
            body = client.artifact(wanted.name)
        else:
            body = client.manifest(wanted.name, wanted.version, architecture=arch, distribution=dist)
            proofs = _proofs(client, wanted.name, wanted.version, body["arch"], dist)
            body = cast("Manifest", {**body, "provenance": proofs})
    if as_json:
        output.json(body)
    elif wanted.version is None:
        _show_artifact(output, body)
    else:
        _show_manifest(output, body)


def _proofs(client: Client, name: str, version: str, arch: str, dist: str | None) -> Mapping[str, object]:
    """None for what is in no distribution any more."""
    try:
        return client.provenance.show(name, version, architecture=arch, distribution=dist)
    except Missing:
        return {}


def _show_artifact(output: Output, body: Mapping[str, object]) -> None:
    info = _mapping(body.get("info"))
    output.fields(
        {
            "name": body.get("name"),
            "latest": info.get("latest"),
            "section": info.get("section"),
            "summary": info.get("description"),
        }
    )
    output.line()
    output.table(
        ("VERSION", "ARCH", "SIZE", "STATUS", "DISTRIBUTIONS", "RECEIVED (UTC)"),
        (
            (
                version,
                row.get("arch"),
                size(row.get("size_bytes")),
                row.get("status"),
                words(row.get("distributions")),
                moment(row.get("imported_at")),
            )
            for version, row in _files(_mapping(info.get("versions")))
        ),
    )


def _files(versions: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for version, value in versions.items():
        entry = _mapping(value)
        files = entry.get("files")
        rows = files if isinstance(files, list) and files else [entry]
        for row in rows:
            yield version, _mapping(row)


def _show_manifest(output: Output, body: Mapping[str, object]) -> None:
    source, integrity = _mapping(body.get("source")), _mapping(body.get("integrity"))
    output.fields(
        {
            "name": body.get("name"),
            "version": body.get("version"),
            "arch": body.get("arch"),
            "status": body.get("status"),
            "in": words(body.get("distributions")),
            "file": body.get("filename"),
            "size": size(body.get("file_size_bytes")),
            "sha256": integrity.get("sha256"),
            "section": body.get("section"),
            "maintainer": body.get("maintainer"),
            "license": body.get("license"),
            "homepage": body.get("url"),
            "received": moment(source.get("imported_at"), zone=True),
            "pinned": _pin(body.get("pin")),
            "received from": source.get("imported_by"),
            "depends": ", ".join(one_line(entry) for entry in _list(body.get("dependencies"))),
            "description": body.get("description"),
        }
    )
    for step in (_mapping(each) for each in _list(body.get("validation_steps"))):
        word = "ok" if step.get("passed") else "failed"
        output.verdict(word, f"{one_line(step.get('name', ''))}: {one_line(step.get('message', ''))}")
    _show_proofs(output, _mapping(body.get("provenance")))


def _show_proofs(output: Output, proofs: Mapping[str, object]) -> None:
    """Judged now; what the checks said may be older."""
    for one in (_mapping(each) for each in _list(proofs.get("signatures"))):
        output.line(f"{one_line(one.get('where', ''))}: {one.get('state')}, {one_line(one.get('detail', ''))}")
    for one in (_mapping(each) for each in _list(proofs.get("attestations"))):
        kind = one_line(one.get("predicate_type") or "signature by Sigstore")
        output.line(f"attestation {kind}: {one.get('state')}, {one_line(one.get('detail', ''))}")


def _pin(value: object) -> str:
    """Who pinned it and why; empty when nobody did."""
    pin = _mapping(value)
    return f"by {one_line(pin.get('pinned_by', ''))}: {one_line(pin.get('reason', ''))}".rstrip(": ") if pin else ""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
