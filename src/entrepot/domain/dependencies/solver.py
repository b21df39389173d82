"""Which packages to take so that every clause holds: a small solver that learns from dead ends, and gives up in time.

A clause is a list of literals: ``n`` says that package n is taken, ``-n`` that it is not; one of them has to hold.
Nothing is taken that no clause asks for.  Literals of a clause are tried in their order, so the order is a preference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class TooHard(Exception):
    """The work that one question may cost is used up before there is an answer; an answer, too."""


class Solver:
    """Clauses can be added between calls of ``solve``; what was learnt stays, and what follows without a choice."""

    def __init__(self, most_steps: int) -> None:
        self._steps_left = most_steps
        self._units: list[int] = []
        self._watching: dict[int, list[list[int]]] = {}
        self._positive: list[list[int]] = []
        self._wanted_by: dict[int, list[list[int]]] = {}
        self._impossible = False
        self._value: dict[int, bool] = {}
        self._level_of: dict[int, int] = {}
        self._reason: dict[int, list[int]] = {}
        self._trail: list[int] = []
        self._starts: list[tuple[int, int]] = []
        self._seen = 0
        self._served = 0

    def add(self, literals: Iterable[int]) -> None:
        """One more clause."""
        self._undo()
        clause = list(dict.fromkeys(literals))
        if any(-literal in clause for literal in clause):
            return
        if not clause:
            self._impossible = True
            return
        if not any(literal < 0 for literal in clause):
            self._positive.append(clause)
        for literal in clause:
            if literal < 0:
                self._wanted_by.setdefault(-literal, []).append(list(clause))
        # What holds without any choice holds for good.
        if not any(self._holds(literal) for literal in clause):
            self._watch([literal for literal in clause if self._holds(literal) is None])

    def _watch(self, clause: list[int]) -> None:
        if len(clause) < 2:
            self._units += clause
            self._impossible = self._impossible or not clause
            return
        for literal in clause[:2]:
            self._watching.setdefault(literal, []).append(clause)

    def allow(self, steps: int) -> None:
        """What the next calls of ``solve`` may cost together, from now on."""
        self._steps_left = steps

    def solve(self, assumed: Sequence[int] = ()) -> set[int] | None:
        """What is taken; none when no choice satisfies all clauses and, this time only, these literals.

        Raises:
            TooHard: no answer within the steps that are left.
        """
        self._undo()
        self._impossible = self._impossible or not all(self._assume(literal, []) for literal in self._units)
        if self._impossible:
            return None
        self._units.clear()
        while True:
            conflict = self._propagate()
            if conflict is not None:
                if not self._starts:
                    self._impossible = True
                    return None
                self._learn(conflict)
                continue
            # Assumptions are decisions, the first ones, so that nothing that is learnt rests on them silently.
            literal = assumed[len(self._starts)] if len(self._starts) < len(assumed) else self._next()
            if literal is None:
                return {variable for variable, value in self._value.items() if value}
            self._step()
            self._starts.append((len(self._trail), self._served))
            if not self._assume(literal, []):
                return None

    def _undo(self) -> None:
        """Take back every choice; what follows without any stays."""
        if self._starts:
            self._back_to(0)
        self._served = 0

    def _step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise TooHard("the dependencies are too entangled to be solved in reasonable time")

    def _assume(self, literal: int, reason: list[int]) -> bool:
        variable, value = abs(literal), literal > 0
        known = self._value.get(variable)
        if known is not None:
            return known == value
        self._value[variable] = value
        self._level_of[variable] = len(self._starts)
        self._reason[variable] = reason
        self._trail.append(literal)
        return True

    def _holds(self, literal: int) -> bool | None:
        value = self._value.get(abs(literal))
        return None if value is None else value == (literal > 0)

    def _propagate(self) -> list[int] | None:
        """Draw all conclusions; the clause that cannot hold, if one cannot."""
        while self._seen < len(self._trail):
            false = -self._trail[self._seen]
            self._seen += 1
            watching = self._watching.get(false, [])
            kept: list[list[int]] = []
            for place, clause in enumerate(watching):
                self._step()
                if clause[0] == false:
                    clause[0], clause[1] = clause[1], clause[0]
                if self._holds(clause[0]) is True or self._moved(clause):
                    if clause[1] == false:
                        kept.append(clause)
                    continue
                kept.append(clause)
                if not self._assume(clause[0], clause):
                    self._watching[false] = kept + watching[place + 1 :]
                    return clause
            self._watching[false] = kept
        return None

    def _moved(self, clause: list[int]) -> bool:
        """Whether another literal, one that is not false, is watched in place of the second now."""
        for place in range(2, len(clause)):
            if self._holds(clause[place]) is not False:
                clause[1], clause[place] = clause[place], clause[1]
                self._watching.setdefault(clause[1], []).append(clause)
                return True
        return False

    def _learn(self, conflict: list[int]) -> None:
        """Go back to where the dead end was decided, and never come here again (first unique implication point)."""
        level, seen, counter = len(self._starts), set[int](), 0
        learnt: list[int] = []
        clause, place, literal = conflict, len(self._trail), 0
        while True:
            for other in clause:
                variable = abs(other)
                if other == literal or variable in seen or not self._level_of[variable]:
                    continue
                seen.add(variable)
                if self._level_of[variable] == level:
                    counter += 1
                else:
                    learnt.append(other)
            while True:
                place -= 1
                literal = self._trail[place]
                if abs(literal) in seen:
                    break
            counter -= 1
            if not counter:
                break
            clause = self._reason[abs(literal)]
        learnt.sort(key=lambda other: -self._level_of[abs(other)])
        back = self._level_of[abs(learnt[0])] if learnt else 0
        self._back_to(back)
        clause = [-literal, *learnt]
        self._watch(clause)
        if back or len(clause) > 1:
            self._assume(-literal, clause)
        else:
            self._assume(-literal, [])

    def _back_to(self, level: int) -> None:
        # Clauses that held by what is undone now have to be looked at again.
        start, self._served = self._starts[level]
        for literal in self._trail[start:]:
            variable = abs(literal)
            del self._value[variable], self._level_of[variable], self._reason[variable]
        del self._trail[start:]
        del self._starts[level:]
        self._seen = min(self._seen, start)

    def _next(self) -> int | None:
        """The first choice of the first clause that asks for one; none when all hold."""
        for clause in self._positive:
            found = self._open(clause)
            if found is not None:
                return found
        while self._served < len(self._trail):
            literal = self._trail[self._served]
            if literal > 0:
                for clause in self._wanted_by.get(literal, ()):
                    found = self._open(clause)
                    if found is not None:
                        return found
            self._served += 1
        return None

    def _open(self, clause: list[int]) -> int | None:
        """What to take for a clause that does not hold as things are; what is undecided is not taken."""
        choice = None
        for literal in clause:
            value = self._value.get(abs(literal))
            if value is None:
                if literal < 0:
                    return None
                choice = choice or literal
            elif value == (literal > 0):
                return None
        return choice
