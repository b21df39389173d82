"""The steps of an upload in the words of the contract (4.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from entrepot.domain.model.generation import Generation
from entrepot.services.intake.checks.dependencies import DependencyCheck, missing_of
from entrepot.services.intake.receipts import Receipt, ReceiptStatus
from entrepot.services.intake.steps import STRUCTURE, Step, StepStatus

_LABELS = {
    "reception": "The file arrives",
    "validation": "Checks",
    "sub_format": "Format and structure",
    "sub_provenance": "Provenance",
    "sub_antivirus": "Antivirus",
    "sub_cve": "Known vulnerabilities",
    "sub_grype": "Known vulnerabilities, by Grype",
    "sub_gpg": "Signature",
    "sub_dependencies": "Dependencies",
    "pool": "Stored in the pool",
    "manifest": "Noted in the catalog",
    "index": "Index of the distribution",
    "repo_add": "Ready for clients",
    "auto_deps": "Dependencies brought in",
}
_NAMES = {STRUCTURE: "sub_format", "signature": "sub_gpg"}
_CHECKS = ("sub_provenance", "sub_antivirus", "sub_cve", "sub_gpg", "sub_dependencies")


def contract_name(name: str) -> str:
    """``sub_...`` for a check, by its contract name where it has one."""
    if name in _LABELS:
        return name
    return _NAMES.get(name, f"sub_{name}")


def step_words(step: Step) -> dict[str, Any]:
    """The data of an ``event: step``."""
    name = contract_name(step.name)
    label = _LABELS.get(name) or step.name.replace("_", " ").replace("-", " ").capitalize()
    return {
        "name": name,
        "label": label,
        "status": step.status.value,
        "message": step.message,
        "detail": step.detail,
    }


def after_checks(receipt: Receipt, seen: set[str]) -> list[Step]:
    """What was not asked, and what the checks lead to."""
    known = {contract_name(outcome.name): outcome for outcome in receipt.outcomes}
    unseen = [name for name in _CHECKS if name not in seen]
    steps = []
    for name in unseen:
        if name in known:
            steps.append(replace(_told(receipt, name), name=name))
        elif name == "sub_gpg":
            said = (
                "the package has a signature of its own"
                if receipt.signed
                else "the package has no signature of its own"
            )
            steps.append(Step(name, StepStatus.DONE, f"{said}; the index that lists it is signed"))
        elif receipt.status is not ReceiptStatus.DUPLICATE:
            steps.append(Step(name, StepStatus.WARN, "not checked: nobody to ask is set up here"))
    return [*steps, _verdict(receipt)]


def _told(receipt: Receipt, name: str) -> Step:
    outcome = next(one for one in receipt.outcomes if contract_name(one.name) == name)
    clean = outcome.result.value in {"clean", "skipped"}
    return Step(name, StepStatus.DONE if clean else StepStatus.WARN, outcome.message, outcome.detail)


def _verdict(receipt: Receipt) -> Step:
    reasons = "; ".join(receipt.reasons)
    match receipt.status:
        case ReceiptStatus.ACCEPTED:
            return Step("validation", StepStatus.DONE, "it may be published", reasons)
        case ReceiptStatus.DUPLICATE:
            return Step("validation", StepStatus.DONE, "the same file is there already")
        case ReceiptStatus.HELD:
            return Step("validation", StepStatus.WARN, "it waits for a person", reasons)
        case ReceiptStatus.REFUSED:
            return Step("validation", StepStatus.ERROR, "it is refused", reasons)
        case ReceiptStatus.INSPECTING:
            return Step("validation", StepStatus.RUNNING, "it is still being inspected, and goes on by itself")


def before_publication(receipt: Receipt) -> list[Step]:
    """What is true once it was let in."""
    return [
        Step("pool", StepStatus.DONE, receipt.filename, receipt.digest),
        Step("manifest", StepStatus.DONE, str(receipt.key)),
        Step("index", StepStatus.RUNNING),
    ]


def after_publication(receipt: Receipt, generation: Generation | None) -> list[Step]:
    """Clients can have it, or not yet."""
    if generation is None:
        late = "its publication takes longer than the server waits, and goes on by itself"
        return [Step("index", StepStatus.WARN, late)]
    where = f"generation {generation.number} of {receipt.suite.codename}"
    details = [outcome.detail for outcome in receipt.outcomes if outcome.name == DependencyCheck.name]
    missing = [name for detail in details for name in missing_of(detail)]
    brought = (
        Step("auto_deps", StepStatus.WARN, "not in the distribution, and not brought in", ", ".join(missing))
        if missing
        else Step("auto_deps", StepStatus.DONE, "nothing is missing")
    )
    return [
        Step("index", StepStatus.DONE, where),
        Step("repo_add", StepStatus.DONE, f"{receipt.key} can be installed now"),
        brought,
    ]
