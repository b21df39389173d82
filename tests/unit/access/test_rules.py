"""Names, addresses, roles and passwords: what is taken, and the reason when it is not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.domain.model.actor import Actor, Role, name_key
from entrepot.domain.policy.permissions import Permission, demand, permitted
from entrepot.errors import AlreadyExists, InvalidRequest, PermissionDenied, WeakPassword
from entrepot.services.access.passwords import check_rule, fits, hash_password
from entrepot.services.access.rules import (
    can_be_token_name,
    can_be_username,
    check_email,
    check_full_name,
    check_token_name,
    check_username,
    roles_named,
)


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z0-9._-]{3,64}", fullmatch=True))
def test_names_within_the_grammar_have_a_key_that_fits_the_column(name: str) -> None:
    if any(char.isalnum() for char in name):
        assert can_be_username(name)
        assert 0 < len(name_key(name)) <= 64
        assert name_key(name) == name_key(name.swapcase()) == name_key(f" {name}. ")
    else:
        assert not can_be_username(name)


@settings(deadline=None)
@given(st.text())
def test_a_key_does_not_change_when_it_is_taken_again_or_in_another_form(name: str) -> None:
    key = name_key(name)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert name_key(unicodedata.normalize(form, name)) == key


@settings(deadline=None)
@given(st.text())
def test_whatever_is_taken_as_a_name_is_plain(name: str) -> None:
    for can_be in (can_be_username, can_be_token_name):
        if can_be(name):
            assert name.isascii()
            assert name.isprintable()
            assert name == name.strip()
            assert "/" not in name


def test_the_name_of_the_server_itself_is_taken() -> None:
    for name in ("system", "SYSTEM", "System."):
        with pytest.raises(AlreadyExists):
            check_username(name)
    check_username("systems")


@pytest.mark.parametrize("name", ["ci", "GitHub Actions (prod)", "deploy@host:22", "a", "x" * 64])
def test_tokens_have_names_that_people_give(name: str) -> None:
    check_token_name(name)


@pytest.mark.parametrize("name", ["", " ci", "ci ", "TOK_1", "tok_1", "a/b", "é", "x" * 65, "a\n", "-ci"])
def test_other_names_of_tokens_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        check_token_name(name)


def test_texts_are_one_line() -> None:
    check_full_name("Rita O'Réault 👩\u200d💻")
    for text in ("a\nb", "a\0", "\x1b[31m", "x" * 257):
        with pytest.raises(InvalidRequest):
            check_full_name(text)
    for text in ("", "rita@example.org", "a+b@c"):
        check_email(text)
    for text in ("rita", "a@b@c", "a b@c", "a@b\r\nBcc: x@y", "@", "a@", "x" * 65 + "@y", "a\0@b"):
        with pytest.raises(InvalidRequest):
            check_email(text)


def test_roles_have_their_alias() -> None:
    assert roles_named(["viewer"]) == roles_named(["reader"]) == {Role.READER}
    assert roles_named([role.value for role in Role]) == set(Role)
    for words in ([], ["Admin"], ["admin", ""], ["root"]):
        with pytest.raises(InvalidRequest):
            roles_named(words)


@pytest.mark.parametrize("password", ["Aaaaaaa1", "Aaaaaaa!", "A       ", "Ä1234567", "A1" * 64])
def test_good_passwords(password: str) -> None:
    check_rule(password)


@pytest.mark.parametrize(
    ("password", "reason"),
    [("Aaaaaa1", "8 to 128"), ("A1" * 64 + "x", "8 to 128"), ("aaaaaaa1", "upper-case"), ("Aaaaaaaa", "digit")],
)
def test_weak_passwords_are_refused_with_the_part_that_fails(password: str, reason: str) -> None:
    with pytest.raises(WeakPassword, match=reason):
        check_rule(password)


def test_a_password_fits_however_a_keyboard_writes_it() -> None:
    stored = hash_password("Grüße-2026")
    assert fits(stored, unicodedata.normalize("NFD", "Grüße-2026"))
    assert not fits(stored, "Gruße-2026")
    assert not fits(None, "a password that nobody has")
    assert not fits("not a hash", "x")


def test_a_scope_leaves_only_what_is_known_to_ask_for_the_suite() -> None:
    free = Actor("token:ci", frozenset({Role.ADMIN}), account="rita")
    bound = Actor("token:ci", frozenset({Role.ADMIN}), account="rita", scope=frozenset({"main/jammy"}))
    assert all(permitted(free, permission) for permission in Permission)
    allowed = {permission for permission in Permission if permitted(bound, permission)}
    assert Permission.PACKAGE_UPLOAD in allowed
    assert not allowed & {Permission.USER_WRITE, Permission.TOKEN_WRITE, Permission.SUITE_WRITE}
    with pytest.raises(PermissionDenied, match="limited"):
        demand(bound, Permission.USER_WRITE)
