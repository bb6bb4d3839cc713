"""Four eyes for any number of persons, steps, roles and deputies: never one pair of eyes for two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.approvals import (
    Deputy,
    Step,
    ensure_compatible,
    ensure_deputy,
    ensure_maker_is_not_checker,
    ensure_order,
    ensure_other_person,
)
from shared.kernel.errors import Conflict, Denied

PERSONS = st.sampled_from(["an", "ba", "chi", "dung", "em"])
STEPS = tuple(Step(name, f"lists.{name}") for name in ("submit", "check", "approve", "issue"))
NAMES = [step.name for step in STEPS]
DAY = date(2024, 8, 5)
DAYS = st.integers(-30, 30).map(lambda days: DAY + timedelta(days=days))
ROLES = ["maker", "checker", "head", "inspector"]
PAIRS = st.sets(
    st.tuples(st.sampled_from(ROLES), st.sampled_from(ROLES)).filter(lambda pair: pair[0] != pair[1]),
    max_size=4,
)


def refusal_of(check: Callable[[], object]) -> Denied | None:
    """Why it was denied, or None where it was not."""
    try:
        check()
    except Denied as refusal:
        return refusal
    return None


@given(st.sets(PERSONS, max_size=4), PERSONS, st.none() | PERSONS)
def test_who_had_a_hand_in_it_checks_nothing_and_neither_does_his_deputy(
    makers: set[str], actor: str, behalf: str | None
) -> None:
    refusal = refusal_of(lambda: ensure_maker_is_not_checker(makers, actor, behalf))
    assert (refusal is not None) == (actor in makers or behalf in makers)
    if refusal is not None:
        assert refusal.code == "maker_is_checker"
        assert actor in refusal.message
        assert "nother person" in refusal.message


@given(PERSONS, PERSONS, st.none() | PERSONS)
def test_one_maker_is_the_case_of_many_with_one(maker: str, actor: str, behalf: str | None) -> None:
    one = refusal_of(lambda: ensure_other_person(maker, actor, behalf))
    many = refusal_of(lambda: ensure_maker_is_not_checker([maker], actor, behalf))
    assert (one is not None) == (many is not None) == (maker in {actor, behalf})


def test_names_are_compared_to_the_letter() -> None:
    ensure_other_person("an", "An")
    ensure_other_person("an", "an ")
    ensure_other_person("", "an", None)


@given(st.sets(st.sampled_from(ROLES)), PAIRS)
def test_roles_are_refused_exactly_when_a_forbidden_pair_is_among_them(
    roles: set[str], pairs: set[tuple[str, str]]
) -> None:
    forbidden = [pair for pair in pairs if set(pair) <= roles]
    refusal = refusal_of(lambda: ensure_compatible(roles, pairs))
    assert (refusal is not None) == bool(forbidden)
    if refusal is not None:
        assert any(all(role in refusal.message for role in pair) for pair in forbidden)


@given(st.lists(st.sampled_from(ROLES), min_size=2, max_size=6), PAIRS)
def test_the_order_and_number_of_roles_and_pairs_do_not_matter(
    roles: list[str], pairs: set[tuple[str, str]]
) -> None:
    def answer(held: list[str], barred: set[tuple[str, str]]) -> str:
        refusal = refusal_of(lambda: ensure_compatible(held, barred))
        return refusal.message if refusal else ""

    first = answer(roles, pairs)
    assert answer(roles[::-1], pairs) == first
    assert answer(roles * 2, pairs) == first
    assert answer(roles, {(b, a) for a, b in pairs}) == first


@pytest.mark.parametrize("taken", range(len(STEPS)))
def test_the_next_step_is_due_and_no_other(taken: int) -> None:
    done = NAMES[:taken]
    assert ensure_order(STEPS, done, NAMES[taken]) == STEPS[taken]
    for later in NAMES[taken + 1 :]:
        with pytest.raises(Conflict, match=f"{NAMES[taken]} is due") as refused:
            ensure_order(STEPS, done, later)
        assert refused.value.code == "step_out_of_order"
    for earlier in done:
        with pytest.raises(Conflict) as refused:
            ensure_order(STEPS, done, earlier)
        assert refused.value.code == "step_already_taken"


@pytest.mark.parametrize("order", list(permutations(NAMES)), ids="-".join)
def test_there_is_one_order_of_steps_and_no_other(order: tuple[str, ...]) -> None:
    taken: list[str] = []
    for wanted in order:
        try:
            taken.append(ensure_order(STEPS, taken, wanted).name)
        except Conflict:
            break
    assert (taken == list(order)) == (list(order) == NAMES)
    assert taken == NAMES[: len(taken)]


@pytest.mark.parametrize("wanted", ["", "Submit", "submit ", "withdraw", "approve\n"])
def test_a_step_that_nobody_knows_is_answered_with_those_there_are(wanted: str) -> None:
    with pytest.raises(Conflict, match="submit, check, approve, issue") as refused:
        ensure_order(STEPS, [], wanted)
    assert refused.value.code == "step_unknown"


def test_when_all_is_done_nothing_is_due() -> None:
    for name in NAMES:
        with pytest.raises(Conflict) as refused:
            ensure_order(STEPS, NAMES, name)
        assert refused.value.code == "step_already_taken"
    with pytest.raises(Conflict):
        ensure_order((), [], "submit")


DEPUTIES = st.lists(
    st.builds(
        lambda of, by, first, days: Deputy(of, by, first, first + timedelta(days=days)),
        PERSONS,
        PERSONS,
        DAYS,
        st.integers(0, 20),
    ),
    max_size=5,
)


@given(DEPUTIES, PERSONS, PERSONS, DAYS)
def test_a_deputy_acts_exactly_when_an_appointment_covers_the_day(
    deputies: list[Deputy], of: str, by: str, day: date
) -> None:
    fitting = [one for one in deputies if (one.of, one.by) == (of, by)]
    covering = [one for one in fitting if one.from_on <= day <= one.to_on]
    refusal = refusal_of(lambda: ensure_deputy(deputies, of, by, day))
    assert (refusal is None) == bool(covering)
    if refusal is None:
        assert ensure_deputy(deputies, of, by, day) in covering
    else:
        assert refusal.code == ("deputy_out_of_time" if fitting else "deputy_not_appointed")
        assert all(one.from_on.isoformat() in refusal.message for one in fitting)


@pytest.mark.parametrize(("offset", "covered"), [(-1, False), (0, True), (1, True), (2, True), (3, False)])
def test_both_days_of_an_appointment_belong_to_it(offset: int, covered: bool) -> None:  # noqa: FBT001 - a table
    appointed = Deputy("an", "ba", DAY, DAY + timedelta(days=2))
    assert appointed.covers(DAY + timedelta(days=offset)) is covered


def test_a_deputy_of_one_is_nobodys_else_and_not_the_other_way_round() -> None:
    appointed = [Deputy("an", "ba", DAY, DAY)]
    assert ensure_deputy(appointed, "an", "ba", DAY) == appointed[0]
    for of, by in (("ba", "an"), ("an", "chi"), ("chi", "ba")):
        with pytest.raises(Denied, match="is not appointed"):
            ensure_deputy(appointed, of, by, DAY)
