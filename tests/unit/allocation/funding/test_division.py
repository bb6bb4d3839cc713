"""How a list's money is put together: returned money first, then the oldest decision line, to the đồng."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.funding.model import Answer, ListMoney, Origin, Part, answer, divide, holds
from services.allocation.ledger.model import Kind, Outcome, Refusal, Transfer, Verdict
from shared.kernel.periods import Period

OLD, YOUNG = UUID(int=1), UUID(int=2)
ON = date(2024, 8, 5)
MONEY = ListMoney(
    list_id=UUID(int=9),
    submission=1,
    period=Period(2024, 8),
    fiscal_year=2024,
    unit_id=UUID(int=502),
    provider="vnpost",
    line="merit_monthly",
    amount_vnd=100,
    allotment=UUID(int=21),
    returned=UUID(int=22),
    provider_account=UUID(int=23),
)


def returned(amount: int) -> Part:
    return Part(Origin.RETURNED, None, amount)


def allotted(amount: int, line: UUID | None) -> Part:
    return Part(Origin.ALLOTMENT, line, amount)


@pytest.mark.parametrize(
    ("needed", "has_returned", "lines", "expected"),
    [
        (100, 0, [(OLD, 100)], [allotted(100, OLD)]),
        (100, 0, [(OLD, 500)], [allotted(100, OLD)]),
        (100, 100, [(OLD, 500)], [returned(100)]),
        (100, 500, [(OLD, 500)], [returned(100)]),
        (100, 30, [(OLD, 500)], [returned(30), allotted(70, OLD)]),
        (100, 0, [(OLD, 60), (YOUNG, 60)], [allotted(60, OLD), allotted(40, YOUNG)]),
        (100, 1, [(OLD, 1), (YOUNG, 98)], [returned(1), allotted(1, OLD), allotted(98, YOUNG)]),
        (100, 0, [(OLD, 0), (YOUNG, 100)], [allotted(100, YOUNG)]),
        (100, 0, [], [allotted(100, None)]),
        (100, 10, [(OLD, 20)], [returned(10), allotted(20, OLD), allotted(70, None)]),
        (0, 10, [(OLD, 20)], []),
    ],
    ids=[
        "just_enough",
        "more_than_enough",
        "returned_is_enough",
        "returned_is_more",
        "both",
        "two_lines",
        "all_three",
        "empty_line",
        "nothing",
        "too_little",
        "nothing_needed",
    ],
)
def test_parts_of_a_list(
    needed: int, has_returned: int, lines: list[tuple[UUID, int]], expected: list[Part]
) -> None:
    assert divide(needed, has_returned, lines) == expected


LINES = st.lists(st.integers(0, 10**9), max_size=8).map(
    lambda amounts: [(UUID(int=number), amount) for number, amount in enumerate(amounts, 1)]
)


@given(st.integers(1, 10**10), st.integers(0, 10**9), LINES)
def test_parts_add_up_and_no_source_gives_more_than_it_has(
    needed: int, has_returned: int, lines: list[tuple[UUID, int]]
) -> None:
    parts = divide(needed, has_returned, lines)
    assert sum(part.amount_vnd for part in parts) == needed
    assert all(part.amount_vnd > 0 for part in parts)
    have = dict(lines)
    for part in parts:
        if part.origin is Origin.RETURNED:
            assert part.amount_vnd <= has_returned
        elif part.decision_line is not None:
            assert part.amount_vnd <= have[part.decision_line]


@given(st.integers(1, 10**10), st.integers(0, 10**9), LINES)
def test_a_younger_line_pays_only_when_older_ones_are_used_up(
    needed: int, has_returned: int, lines: list[tuple[UUID, int]]
) -> None:
    parts = divide(needed, has_returned, lines)
    taken = {part.decision_line: part.amount_vnd for part in parts if part.decision_line is not None}
    have = dict(lines)
    named = [line for line, _ in lines]
    last = max((named.index(line) for line in taken), default=-1)
    assert all(taken.get(line, 0) == have[line] for line in named[: max(last, 0)])
    if taken:
        assert sum(part.amount_vnd for part in parts if part.origin is Origin.RETURNED) == min(
            needed, has_returned
        )


@given(st.integers(1, 10**10), st.integers(0, 10**9), LINES)
def test_what_lacks_is_asked_for_without_a_line_so_that_the_ledger_refuses_it(
    needed: int, has_returned: int, lines: list[tuple[UUID, int]]
) -> None:
    parts = divide(needed, has_returned, lines)
    open_ended = [
        part.amount_vnd for part in parts if part.origin is Origin.ALLOTMENT and part.decision_line is None
    ]
    lacks = max(0, needed - has_returned - sum(amount for _, amount in lines))
    assert open_ended == ([lacks] if lacks else [])


def test_holds_of_a_list_are_one_group_out_of_their_own_accounts() -> None:
    parts = [returned(30), allotted(50, OLD), allotted(20, YOUNG)]
    made = holds(MONEY, parts, ON)
    assert [one.debit_account for one in made] == [MONEY.returned, MONEY.allotment, MONEY.allotment]
    assert {one.credit_account for one in made} == {MONEY.provider_account}
    assert [one.decision_line for one in made] == [None, OLD, YOUNG]
    assert [one.amount for one in made] == [30, 50, 20]
    assert {one.kind for one in made} == {Kind.HOLD}
    assert len({one.group for one in made}) == 1
    assert len({one.id for one in made}) == 3
    assert {one.period for one in made} == {MONEY.period}


def test_holds_of_the_next_submission_are_other_acts() -> None:
    first = holds(MONEY, [allotted(100, OLD)], ON)
    second = holds(replace(MONEY, submission=2), [allotted(100, OLD)], ON)
    assert first[0].id != second[0].id
    assert first[0].group != second[0].group


def outcome(of: Transfer, lacks: int | None) -> Outcome:
    if lacks is None:
        return Outcome(of, Verdict.ACCEPTED)
    return Outcome(of, Verdict.REFUSED, Refusal("insufficient_funds", "", lacks))


@pytest.mark.parametrize(
    ("lacks", "expected"),
    [
        ([None, None], 0),
        ([0, 40], 40),
        ([10, 40], 50),
    ],
    ids=["held", "one_lacks", "both_lack"],
)
def test_an_answer_is_the_parts_or_all_that_lacks(lacks: list[int | None], expected: int) -> None:
    parts = [returned(30), allotted(70, OLD)]
    made = holds(MONEY, parts, ON)
    told = answer(parts, [outcome(one, lack) for one, lack in zip(made, lacks, strict=True)])
    assert (told.shortfall_vnd, told.held) == (expected, expected == 0)
    assert told.parts == (tuple(parts) if expected == 0 else ())


def test_an_answer_says_how_much_comes_from_where() -> None:
    told = Answer((returned(30), allotted(50, OLD), allotted(20, YOUNG)), 0)
    assert (told.amount_from(Origin.RETURNED), told.amount_from(Origin.ALLOTMENT)) == (30, 70)
    assert Answer((), 5).amount_from(Origin.ALLOTMENT) == 0
