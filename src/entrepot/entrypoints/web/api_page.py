"""The API for people: its OpenAPI document as one page, without a script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Part = Mapping[str, Any]

_CODE = re.compile(r"`+([^`]+)`+")
_DEEPEST = 5
_INDENT = "  "
_SAID_BY_ITSELF = "Successful Response"


def operations(document: Part) -> str:
    """HTML: a list of themes, and below each its operations, closed until somebody opens them."""
    themes: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, found in document["paths"].items():
        for verb, operation in found.items():
            themes[(operation.get("tags") or ["other"])[0]].append(_operation(document, verb, path, operation))
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    links = " ".join(f"<a href='#{escape(name)}'>{escape(name)}</a>" for name, rows in themes.items() if rows)
    sections = "".join(
        f"<h2 id='{escape(name)}'>{escape(name.capitalize())}</h2><p class='hint'>{escape(about[name])}</p>"
        + "".join(rows)
        for name, rows in themes.items()
        if rows
    )
    return f"<nav class='themes' aria-label='Themes'>{links}</nav>{sections}"


def _operation(document: Part, verb: str, path: str, operation: Part) -> str:
    return (
        f"<details class='operation'><summary><span class='verb'>{verb.upper()}</span><code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary>"
        f"<p>{_prose(operation.get('description', ''))}</p><p class='hint'>{_who(operation)}</p>"
        f"{_query(operation)}{_body(document, operation)}{''.join(_answers(document, operation))}</details>"
    )


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _who(operation: Part) -> str:
    if permissions := operation.get("x-permissions"):
        codes = " and ".join(f"<code>{escape(code)}</code>" for code in permissions)
        return f"Asks for the permission {codes}: role {escape(operation['x-role'])}, or a custom one."
    if {} in operation.get("security", ()) or not operation.get("security"):
        return "Open."
    return "For whoever is signed in."


def _query(operation: Part) -> str:
    rows = [
        f"<li><code>{escape(one['name'])}</code> {escape(_kind(one.get('schema', {})))}"
        f"{' (needed)' if one.get('required') else ''} {_prose(one.get('description', ''))}</li>"
        for one in operation.get("parameters", ())
        if one["in"] == "query"
    ]
    return f"<h3>Query</h3><ul>{''.join(rows)}</ul>" if rows else ""


def _body(document: Part, operation: Part) -> str:
    shown = []
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        example = content.get("example", schema.get("example"))
        text = json.dumps(example, indent=2) if example is not None else "\n".join(_form(document, schema, 0))
        shown.append(f"<h3>Body, <code>{escape(media)}</code></h3><pre>{escape(text)}</pre>")
    return "".join(shown)


def _answers(document: Part, operation: Part) -> Iterator[str]:
    refused = []
    for code, answer in operation["responses"].items():
        found = _resolved(document, answer)
        if code >= "400":
            refused.append(f"<li><code>{escape(code)}</code> {_prose(found.get('description', ''))}</li>")
            continue
        text = found.get("description", "").replace(_SAID_BY_ITSELF, "")
        yield f"<h3>{escape(code)} {_prose(text)}</h3>"
        for media, content in found.get("content", {}).items():
            if media != "application/json":
                yield f"<p><code>{escape(media)}</code></p>"
            else:
                yield f"<pre>{escape(chr(10).join(_form(document, content.get('schema', {}), 0)))}</pre>"
    if refused:
        yield f"<h3>Refused</h3><ul>{''.join(refused)}</ul>"


def _resolved(document: Part, part: Part) -> Part:
    """What a reference stands for."""
    while "$ref" in part:
        found: Part = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _form(document: Part, schema: Part, depth: int) -> list[str]:
    """Lines of a shape: names with their kinds; ``?`` behind what may be absent."""
    schema = _resolved(document, schema)
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) == 1:
        lines = _form(document, choices[0], depth)
        return [*lines[:-1], lines[-1] + (" or null" if len(schema["anyOf"]) > 1 else "")]
    if schema.get("type") == "array":
        inner = _form(document, schema.get("items", {}), depth)
        return [f"[{inner[0]}", *inner[1:-1], f"{inner[-1]}, ...]"] if len(inner) > 1 else [f"[{inner[0]}, ...]"]
    fields = schema.get("properties")
    if not fields or depth >= _DEEPEST:
        return [_kind(schema)]
    needed = set(schema.get("required", ()))
    lines = ["{"]
    for name, kind in fields.items():
        first, *rest = _form(document, kind, depth + 1)
        lines += [
            f"{_INDENT}{name}{'' if name in needed else '?'}: {first}",
            *(f"{_INDENT}{line}" for line in rest),
        ]
    return [*lines, "}"]


def _kind(schema: Part) -> str:
    """A word or two for a value."""
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(one) for one in schema["enum"])
    if "anyOf" in schema:
        kinds = dict.fromkeys(_kind(one) for one in schema["anyOf"] if one.get("type") != "null")
        return " or ".join(kinds)
    kind = schema.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
