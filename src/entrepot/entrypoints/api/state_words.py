"""States, snapshots, differences and environments in the words of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.domain.model.snapshot import Move, Snapshot
from entrepot.domain.model.suite import Suite
from entrepot.entrypoints.api.words import when
from entrepot.services.snapshots.comparison import Difference, Risk
from entrepot.services.snapshots.environments import Change, Plan, Shown
from entrepot.services.snapshots.keeping import Frozen
from entrepot.services.snapshots.merge_jobs import MOST_TOLD
from entrepot.services.snapshots.merging import Selection, Version
from entrepot.services.snapshots.references import MOMENT, State


def snapshot_words(frozen: Frozen) -> dict[str, Any]:
    """A snapshot, with what shows it."""
    return {**_snapshot(frozen.snapshot, frozen.suite), "shown_in": list(frozen.shown_in)}


def _snapshot(snapshot: Snapshot, suite: Suite) -> dict[str, Any]:
    top = "apt" if suite.format.value == "deb" else "rpm"
    return {
        "name": snapshot.name,
        "distribution": suite.codename,
        "archive": suite.archive.name,
        "format": suite.format.value,
        "content_id": snapshot.content_id,
        "packages": snapshot.generation.package_count,
        "size_bytes": snapshot.size_bytes,
        "description": snapshot.description,
        "published_at": when(snapshot.generation.published_at),
        "created_at": when(snapshot.created_at),
        "created_by": snapshot.created_by,
        "path": f"/{top}/{suite.archive.name}/snapshot/{snapshot.name}/",
        "merged_from": list(snapshot.merged_from),
        "rule": snapshot.rule or None,
    }


def state_words(state: State) -> dict[str, Any]:
    """Which generation a reference meant."""
    return {
        "reference": state.reference,
        "distribution": state.suite.codename,
        "generation": state.generation.number if state.generation.number > 0 else None,
        "published_at": when(state.generation.published_at),
        "time": state.generation.published_at.strftime(MOMENT),
        "packages": state.generation.package_count,
    }


def selection_words(selection: Selection, limit: int) -> dict[str, Any]:
    """What a merge consists of; of conflicts and of what is left out the first so many are named."""
    return {
        "distribution": selection.suite.codename,
        "packages": selection.package_count,
        "size_bytes": selection.size_bytes,
        "possible": selection.possible,
        "states": [
            {**state_words(state), "taken": taken}
            for state, taken in zip(selection.states, selection.taken_from, strict=True)
        ],
        "counts": dict(selection.counts),
        "conflicts": [
            {
                "kind": one.kind,
                "name": one.name,
                "arch": one.architecture,
                "taken": [_version(each) for each in one.taken],
                "dropped": [_version(each) for each in one.dropped],
            }
            for one in selection.conflicts[:limit]
        ],
        "left_out": [
            {"name": one.name, "version": one.version, "arch": one.architecture, "reason": one.reason}
            for one in selection.left_out[:limit]
        ],
    }


def merge_words(selection: Selection | None, made: Frozen | None, limit: int = MOST_TOLD) -> dict[str, Any]:
    """The answer about a merge; without a selection it is not known any more what was chosen."""
    chosen = {} if selection is None else selection_words(selection, limit)
    snapshot = None if made is None else snapshot_words(made)
    return {"status": "planned" if made is None else "merged", "snapshot": snapshot, **chosen}


def _version(one: Version) -> dict[str, str]:
    return {"state": one.reference, "version": one.version, "sha256": one.digest}


def difference_words(difference: Difference, limit: int) -> dict[str, Any]:
    """Counts of all lines, and the first so many."""
    return {
        "from": state_words(difference.older),
        "to": state_words(difference.newer),
        "identical": not difference.lines,
        "counts": dict(difference.counts),
        "changes": [
            {
                "change": line.kind,
                "name": line.name,
                "arch": line.architecture,
                "component": line.component,
                "from_versions": list(line.before),
                "to_versions": list(line.after),
            }
            for line in difference.lines[:limit]
        ],
        "vulnerabilities": {
            "known": difference.delta.known,
            "fixed": [_risk(one) for one in difference.delta.fixed[:limit]],
            "introduced": [_risk(one) for one in difference.delta.introduced[:limit]],
        },
        "total": len(difference.lines),
        "truncated": len(difference.lines) > limit,
    }


def _risk(risk: Risk) -> dict[str, Any]:
    return {"id": risk.id, "severity": risk.severity.value, "name": risk.name, "version": risk.version}


def environment_words(shown: Shown) -> dict[str, Any]:
    """An environment and what it shows."""
    one = shown.environment
    return {
        "name": one.name,
        "description": one.description,
        "protected": one.protected,
        "created_at": when(one.created_at),
        "created_by": one.created_by,
        "distributions": [move_words(move) for move in shown.positions],
    }


def move_words(move: Move) -> dict[str, Any]:
    """Where an environment was pointed to."""
    return {
        "number": move.number,
        "distribution": move.suite.codename,
        "snapshot": None if move.snapshot is None else _snapshot(move.snapshot, move.suite),
        "moved_at": when(move.moved_at),
        "moved_by": move.moved_by,
        "reason": move.reason,
    }


def plan_words(plan: Plan, limit: int) -> dict[str, Any]:
    """What a move changes, and what speaks against it."""
    return {
        "environment": plan.environment.name,
        "protected": plan.environment.protected,
        "harmless": all(change.harmless for change in plan.changes),
        "changes": [_change(change, limit) for change in plan.changes],
        "unchanged": list(plan.unchanged),
    }


def _change(change: Change, limit: int) -> dict[str, Any]:
    return {
        "distribution": change.suite.codename,
        "from": None if change.before is None else change.before.name,
        "to": change.after.name,
        "difference": None if change.difference is None else difference_words(change.difference, limit),
        "would_break": [
            {"name": one.name, "version": one.version, "arch": one.architecture, "needs": list(one.needs)}
            for one in change.broken
        ],
        "refused": [
            {"name": one.name, "version": one.version, "arch": one.architecture, "reason": one.reason}
            for one in change.objections
        ],
    }


def moves_words(moves: Sequence[Move]) -> list[dict[str, Any]]:
    """Each of them."""
    return [move_words(move) for move in moves]
