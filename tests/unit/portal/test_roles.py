"""Roles: what is in them, and which of them one person may not hold together."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.look.language import LANGUAGES, words_in
from services.portal.roles.model import (
    INCOMPATIBLE,
    catalogue,
    ensure_compatible,
    ensure_known,
    needs_totp,
)
from shared.kernel.errors import Denied, Rejected

# Who does the one must never be able to do the other, whatever roles the person collects.
NEVER_TOGETHER = (
    ("decisions.approve", "decisions.issue"),
    ("decisions.issue", "decisions.draft"),
    ("lists.submit", "lists.approve"),
    ("persons.import", "persons.approve"),
    ("changes.request", "changes.approve"),
    ("openings.import", "openings.approve"),
)
NAMES = sorted(catalogue())


def compatible(names: tuple[str, ...]) -> bool:
    try:
        ensure_compatible(names)
    except Denied:
        return False
    return True


def granted(names: tuple[str, ...]) -> set[str]:
    return {permission for name in names for permission in catalogue()[name].permissions}


@pytest.mark.parametrize(("one", "other"), NEVER_TOGETHER)
def test_no_two_compatible_roles_give_both_halves_of_a_check(one: str, other: str) -> None:
    for pair in itertools.combinations(NAMES, 2):
        held = granted(pair)
        assert not (compatible(pair) and {one, other} <= held), pair


def test_no_single_role_gives_both_halves_of_a_check() -> None:
    for name in NAMES:
        held = granted((name,))
        assert not any({one, other} <= held for one, other in NEVER_TOGETHER), name


@given(st.sets(st.sampled_from(NAMES), min_size=1, max_size=6))
def test_roles_are_compatible_exactly_when_no_forbidden_pair_is_among_them(names: set[str]) -> None:
    forbidden = any(pair <= names for pair in INCOMPATIBLE)
    assert compatible(tuple(names)) is not forbidden


def test_every_forbidden_pair_names_roles_that_exist() -> None:
    assert {name for pair in INCOMPATIBLE for name in pair} <= set(NAMES)
    assert all(len(pair) == 2 for pair in INCOMPATIBLE)


def test_a_refusal_names_the_pair_and_the_reason() -> None:
    with pytest.raises(Denied, match="finance_officer and head: who prepares must not check") as refused:
        ensure_compatible(["head", "accountant", "finance_officer"])
    assert refused.value.code == "roles_incompatible"


def test_unknown_roles_are_named_together_with_those_that_exist() -> None:
    with pytest.raises(Rejected) as refused:
        ensure_known(["head", "emperor", "duke"])
    assert refused.value.code == "role_unknown"
    assert "duke, emperor" in refused.value.message
    assert "finance_officer" in refused.value.message


def test_known_roles_pass() -> None:
    ensure_known(NAMES)
    ensure_known([])


def test_whoever_approves_issues_inspects_or_administers_needs_a_second_factor() -> None:
    marks = ("decisions.approve", "decisions.issue", "lists.approve", "audit.search", "users.manage")
    for name in NAMES:
        if set(marks) & granted((name,)):
            assert needs_totp([name]), name


def test_one_role_that_needs_a_second_factor_is_enough() -> None:
    assert needs_totp(["back_dater", "head"])
    assert not needs_totp(["back_dater", "finance_officer"])
    assert not needs_totp([])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_role_and_permission_is_called_something_of_its_own(language: str) -> None:
    codes = [f"roles.{name}" for name in catalogue()]
    codes += [f"permissions.{one}" for one in granted(tuple(catalogue()))]
    called = {code: words_in(language, code) for code in codes}
    assert [code for code, text in called.items() if text == code] == []
    assert len(set(called.values())) == len(called)


def test_every_role_has_permissions_without_repeats() -> None:
    for role in catalogue().values():
        assert role.permissions
        assert len(set(role.permissions)) == len(role.permissions)


def test_dating_back_is_a_permission_of_its_own() -> None:
    holders = [name for name in NAMES if "acts.backdate" in granted((name,))]
    assert holders == ["back_dater"]
