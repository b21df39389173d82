"""The solver against every assignment there is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.domain.dependencies.formula import AnyOf, Both, Either, Formula, clauses, negation
from entrepot.domain.dependencies.solver import Solver, TooHard

VARIABLES = 8
literals = st.integers(1, VARIABLES).flatmap(lambda number: st.sampled_from([number, -number]))
# Mostly "if this is taken, one of those": the shape of dependencies, which needs choices to be undone.
dependency = st.tuples(st.integers(1, VARIABLES), st.lists(st.integers(1, VARIABLES), max_size=3)).map(
    lambda pair: [-pair[0], *pair[1]]
)
exclusion = st.tuples(st.integers(1, VARIABLES), st.integers(1, VARIABLES)).map(lambda pair: [-pair[0], -pair[1]])
any_clause = st.one_of(dependency, dependency, exclusion, st.lists(literals, min_size=1, max_size=4))


def holds(clause: list[int], taken: set[int]) -> bool:
    return any((literal in taken) if literal > 0 else (-literal not in taken) for literal in clause)


def solvable(wanted: list[list[int]]) -> bool:
    subsets = itertools.chain.from_iterable(
        itertools.combinations(range(1, VARIABLES + 1), size) for size in range(VARIABLES + 1)
    )
    return any(all(holds(clause, set(taken)) for clause in wanted) for taken in subsets)


@settings(max_examples=250, deadline=None)
@given(st.lists(any_clause, min_size=4, max_size=30), st.lists(any_clause, max_size=6))
def test_it_finds_a_choice_exactly_when_there_is_one(first: list[list[int]], later: list[list[int]]) -> None:
    solver = Solver(10**6)
    for wanted, new in ((first, first), ([*first, *later], later)):
        for clause in ([[1]] if new is first else []) + new:
            solver.add(clause)
        found = solver.solve()
        assert (found is not None) == solvable([[1], *wanted])
        assert found is None or all(holds(clause, found) for clause in [[1], *wanted])


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(st.lists(any_clause, max_size=6), st.lists(literals, max_size=4)), min_size=2, max_size=6))
def test_what_is_assumed_holds_for_one_call(calls: list[tuple[list[list[int]], list[int]]]) -> None:
    solver, wanted = Solver(10**6), [[1]]
    solver.add([1])
    for new, assumed in calls:
        for clause in new:
            solver.add(clause)
        wanted += new
        here = [*wanted, *([literal] for literal in assumed)]
        found = solver.solve(assumed)
        assert (found is not None) == solvable(here)
        assert found is None or all(holds(clause, found) for clause in here)


def test_the_order_of_a_clause_is_a_preference_and_nothing_is_taken_for_nothing() -> None:
    solver = Solver(1000)
    for clause in ([1], [-1, 4, 2, 3], [-4, 5, 6]):
        solver.add(clause)
    assert solver.solve() == {1, 4, 5}
    solver.add([-5])
    assert solver.solve() == {1, 4, 6}
    solver.add([-6])
    assert solver.solve() == {1, 2}


def test_it_gives_up_in_time() -> None:
    """More pigeons than holes: the classic that takes exponential work."""
    solver, holes = Solver(50_000), 9
    for pigeon in range(holes + 1):
        solver.add([pigeon * holes + hole + 1 for hole in range(holes)])
    for hole in range(holes):
        for a, b in itertools.combinations(range(holes + 1), 2):
            solver.add([-(a * holes + hole + 1), -(b * holes + hole + 1)])
    with pytest.raises(TooHard):
        solver.solve()


def tree(depth: int) -> st.SearchStrategy[Formula]:
    leaf = st.builds(AnyOf, st.lists(st.integers(2, 6), max_size=2).map(tuple), st.booleans())
    if not depth:
        return leaf
    parts = st.lists(tree(depth - 1), min_size=1, max_size=3).map(tuple)
    return st.one_of(leaf, st.builds(Both, parts), st.builds(Either, parts))


def value(formula: Formula, taken: set[int]) -> bool:
    match formula:
        case AnyOf():
            return bool(taken.intersection(formula.packages)) is not formula.negated
        case Both():
            return all(value(part, taken) for part in formula.parts)
        case Either():
            return any(value(part, taken) for part in formula.parts)


@settings(max_examples=100, deadline=None)
@given(tree(3))
def test_clauses_say_what_the_formula_says(formula: Formula) -> None:
    numbers = itertools.count(100)
    made = clauses(formula, [-1], lambda: next(numbers))
    opposite = clauses(negation(formula), [-1], lambda: next(numbers))
    for bits in range(32):
        taken = {1, *(number for place, number in enumerate(range(2, 7)) if bits >> place & 1)}
        for said, wanted in ((made, value(formula, taken)), (opposite, not value(formula, taken))):
            solver = Solver(10_000)
            for clause in said:
                solver.add(clause)
            for number in range(1, 7):
                solver.add([number if number in taken else -number])
            assert (solver.solve() is not None) == wanted
