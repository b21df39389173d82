"""Groups and claims to roles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.model.actor import Role
from entrepot.domain.policy.external_roles import claims_match, roles_of_groups, roles_of_names

ADMIN = frozenset({Role.ADMIN})
NOBODY: frozenset[Role] = frozenset()


@pytest.mark.parametrize(
    ("dn", "key", "found"),
    [
        ("cn=admins,ou=groups,dc=x", "admins", ADMIN),
        ("CN=Admins,OU=groups,DC=x", "admins", ADMIN),
        ("cn=admins,ou=groups,dc=x", "CN=ADMINS, ou=groups, dc=x", ADMIN),
        ("cn=caf\\C3\\A9,dc=x", "café", ADMIN),
        ("cn=a\\, b,dc=x", "a, b", ADMIN),
        ("cn=a\\2c b,dc=x", "cn=a\\, b,dc=x", ADMIN),
        ("cn=admins,ou=others,dc=x", "cn=admins,ou=groups,dc=x", NOBODY),
        ("ou=admins,dc=x", "admins", NOBODY),
        ("cn=x,cn=admins,dc=x", "admins", NOBODY),
        # A name that has the text of another group's DN in it.
        ("cn=admins\\,ou=groups\\,dc=x", "cn=admins,ou=groups,dc=x", NOBODY),
        ("", "admins", NOBODY),
    ],
)
def test_a_group_is_found_by_dn_or_name(dn: str, key: str, found: frozenset[Role]) -> None:
    assert roles_of_groups([dn], {key: "admin"}) == found


def test_several_groups_add_up_and_unknown_roles_do_not_count() -> None:
    roles = {"a": "viewer", "b": "maintainer", "c": "king"}
    assert roles_of_names(["a", "b", "c", "d"], roles) == {Role.READER, Role.MAINTAINER}
    assert roles_of_names(["A"], roles) == NOBODY


@pytest.mark.parametrize(
    ("value", "pattern", "fits"),
    [
        ("acme/app", "acme/app", True),
        ("acme/app", "acme/*", True),
        ("acme-evil/app", "acme/*", False),
        ("acme/app", "*/app", True),
        ("refs/tags/v1", "refs/*/v*", True),
        ("acme/app2", "acme/app", False),
        ("Acme/app", "acme/app", False),
        ("", "*", True),
        ("aba", "ab*ba", False),
        (None, "*", False),
        (True, "true", True),
        (42, "42", True),
        (["x", "main"], "main", True),
        (["x"], "main", False),
        ({"a": 1}, "*", False),
        (1.5, "*", False),
    ],
)
def test_a_claim_fits_its_pattern(value: object, pattern: str, fits: bool) -> None:
    assert claims_match({"claim": value}, {"claim": pattern}) is fits


@given(st.lists(st.text("ab*", max_size=6), max_size=6), st.text("ab", max_size=12))
def test_stars_are_any_characters(parts: list[str], text: str) -> None:
    pattern = "*".join(parts)
    # The same by hand: what can be left of the text after each character of the pattern.
    left = {0}
    for char in pattern:
        left = (
            set(range(min(left, default=99), len(text) + 1))
            if char == "*"
            else {at + 1 for at in left if text[at : at + 1] == char}
        )
    assert claims_match({"c": text}, {"c": pattern}) is (len(text) in left)
