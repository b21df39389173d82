"""The official schemas of CycloneDX and the reader and rules of SPDX, for documents of ours."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs
from cyclonedx.model.bom import Bom
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

_SCHEMAS = files("cyclonedx.schema") / "_res"
_PARTS = ("spdx", "jsf-0.82", "cryptography-defs")


def _schema(name: str) -> dict[str, Any]:
    return dict(json.loads((_SCHEMAS / f"{name}.SNAPSHOT.schema.json").read_text(encoding="utf-8")))


@cache
def _cyclonedx(version: str) -> jsonschema_rs.Validator:
    registry = jsonschema_rs.Registry(
        [(f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", _schema(name)) for name in _PARTS]
    )
    schema = _schema(f"bom-{version}")
    return jsonschema_rs.validator_for(schema, registry=registry, validate_formats=True)


def cyclonedx_faults(document: dict[str, Any]) -> list[str]:
    """What the schemas of 1.6 and 1.7 say against it, and references that lead nowhere."""
    found = [f"1.6 {fault.instance_path}: {fault.message}" for fault in _cyclonedx("1.6").iter_errors(document)]
    newer = {**document, "specVersion": "1.7"}
    found += (f"1.7 {fault.instance_path}: {fault.message}" for fault in _cyclonedx("1.7").iter_errors(newer))
    Bom.from_json(document)  # type: ignore[attr-defined]
    refs = [part["bom-ref"] for part in _flat([document["metadata"]["component"], *document["components"]])]
    found += (f"{ref} is there twice" for ref in {ref for ref in refs if refs.count(ref) > 1})
    pointed = [ref for one in document["dependencies"] for ref in (one["ref"], *one.get("dependsOn", ()))]
    return found + [f"{ref} leads nowhere" for ref in pointed if ref not in refs]


def _flat(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for part in parts for one in (part, *_flat(part.get("components", [])))]


def spdx_faults(document: dict[str, Any]) -> list[str]:
    """What the tools of SPDX say against it."""
    parsed = JsonLikeDictParser().parse(document)  # type: ignore[no-untyped-call]
    return [message.validation_message for message in validate_full_spdx_document(parsed, "SPDX-2.3")]
