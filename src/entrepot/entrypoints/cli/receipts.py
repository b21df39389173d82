"""What became of pushed files, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from entrepot.client.answers import Upload
from entrepot.client.errors import ClientError
from entrepot.entrypoints.cli.failures import exit_code_of, explain
from entrepot.entrypoints.cli.output import Output
from entrepot.entrypoints.cli.text import one_line, words

_NOT_FINISHED = "not sent, or its answer was not waited for; pushing it again is fine"

Snippets = Mapping[str, Sequence[str]]
"""Lines for clients, by distribution."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A file and its answer, its error, or neither when it was not sent or not waited for."""

    path: Path
    answer: Upload | None = None
    error: ClientError | None = None


def report(output: Output, pushed: Sequence[Pushed], snippets: Snippets) -> None:
    """Everything that is to be printed after a push."""
    if output.as_json:
        output.json({"results": [_as_json(each) for each in pushed]})
    elif output.quiet:
        output.ids(f"{each.answer['package']}={each.answer['version']}" for each in pushed if each.answer)
    for each in pushed:
        if each.answer is not None and not (output.as_json or output.quiet):
            _tell(output, each.answer)
    for each in pushed:
        _complain(output, each)
    if not (output.as_json or output.quiet):
        _conclude(output, pushed, snippets)


def _as_json(each: Pushed) -> dict[str, object]:
    if each.answer is not None:
        return {"file": str(each.path), "ok": True, "answer": each.answer}
    if each.error is None:
        return {"file": str(each.path), "ok": False, "error": {"code": "not_finished", "detail": _NOT_FINISHED}}
    error: dict[str, object] = {
        "code": each.error.code,
        "detail": each.error.detail,
        "status": each.error.status,
        "exit_code": int(exit_code_of(each.error)),
    }
    return {"file": str(each.path), "ok": False, "error": error}


def _tell(output: Output, answer: Upload) -> None:
    name, version, arch, where = (
        one_line(answer.get(part, "?")) for part in ("package", "version", "arch", "distribution")
    )
    text = f"{name} {version} {arch} in {where}"
    if answer.get("generation") is not None:
        text += f", generation {one_line(answer.get('generation'))}"
    if answer.get("duplicate"):
        text += " (was there already)"
    output.verdict(one_line(answer["status"]), text)
    checks = _checks(_mapping(answer.get("pipeline")))
    if checks:
        output.line(f"  {checks}")
    missing = words(_mapping(answer.get("validation")).get("deps_missing"))
    if missing:
        output.line(f"  missing dependencies: {missing}")
    for warning in answer.get("warnings") or []:
        output.line(f"  note: {one_line(warning)}")
    if answer["status"] not in {"published", "pending_review"} and answer.get("message"):
        output.line(f"  {one_line(answer.get('message'))}")


def _complain(output: Output, each: Pushed) -> None:
    if each.error is not None:
        lines, _ = explain(each.error)
        head = lines[0].removeprefix("entrepot: ")
        output.note(f"entrepot: {one_line(each.path.name)}: {head}")
        for line in lines[1:]:
            output.note(line)
        for step in _failed_steps(each.error.body):
            output.note(f"  {step}")
    elif each.answer is None:
        output.note(f"entrepot: {one_line(each.path.name)}: {_NOT_FINISHED} [not_finished]")


def _checks(pipeline: Mapping[str, object]) -> str:
    """What was found, then what was not looked for: a check that was skipped is no good news."""
    shown = {one_line(name).replace("_", " "): one_line(word) for name, word in pipeline.items()}
    found = ", ".join(f"{name} {word}" for name, word in shown.items() if word != "skipped")
    skipped = ", ".join(name for name, word in shown.items() if word == "skipped")
    return "; ".join(part for part in (found, f"not run: {skipped}" if skipped else "") if part)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _failed_steps(body: Mapping[str, object]) -> list[str]:
    steps = _mapping(body.get("validation")).get("steps")
    return [
        f"{one_line(step.get('name', ''))}: {one_line(step.get('message', ''))}"
        for step in (steps if isinstance(steps, list) else [])
        if isinstance(step, dict) and step.get("passed") is False
    ]


def _conclude(output: Output, pushed: Sequence[Pushed], snippets: Snippets) -> None:
    """How clients get the packages, once per distribution."""
    if len(pushed) > 1:
        came_in = sum(each.answer is not None for each in pushed)
        output.note(f"{came_in} of {len(pushed)} files came in")
    for suite, lines in snippets.items():
        output.line()
        output.line(f"# on a client of {one_line(suite)}, as root")
        for line in lines:
            output.line(one_line(line))
