"""The walk against sixty lines of dictionaries: whatever is asked, both give the same answers and totals.

The model here is slow and obvious: it copies everything before a group and puts the copy back when one falls.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocation.ledger.model import Kind, Known, OpenHold, Outcome, Transfer, hold_changes, totals
from services.allocation.ledger.walk import decide
from shared.kernel.money import MAX_VND, Money
from shared.kernel.periods import Period

ACCOUNTS = [UUID(int=1_000 + number) for number in range(4)]
SOURCE, CLOSED = ACCOUNTS[0], UUID(int=1_999)  # the second was never opened
DAY, MONTH = date(2024, 8, 1), Period(2024, 8)
START = 100


@dataclass
class Plain:
    """Money per account, open holds, and what is known under each id."""

    money: dict[UUID, int] = field(default_factory=lambda: dict.fromkeys(ACCOUNTS[1:], START))
    open: dict[UUID, tuple[UUID, UUID, int]] = field(default_factory=dict)
    known: dict[UUID, tuple[Transfer, bool]] = field(default_factory=dict)

    def take(self, batch: Sequence[Transfer]) -> list[str]:
        """accepted, refused, repeated or conflict for each transfer, in the order of the batch."""
        answers: dict[int, str] = {}
        for members in units_of(batch):
            if batch[members[0]].group is None:
                answers[members[0]] = self.single(batch[members[0]])
            else:
                answers |= zip(members, self.group([batch[i] for i in members]), strict=True)
        return [answers[position] for position in range(len(batch))]

    def single(self, one: Transfer) -> str:
        if one.id in self.known:
            return "repeated" if self.known[one.id][0] == one else "conflict"
        done = self.moves(one)
        self.known[one.id] = (one, done)
        return "accepted" if done else "refused"

    def group(self, members: Sequence[Transfer]) -> list[str]:
        before = {one.id for one in members if one.id in self.known}
        fits = not before and len({one.id for one in members}) == len(set(members))
        kept = copy.deepcopy((self.money, self.open))
        done = fits and all(self.moves(one) for one in dict.fromkeys(members))
        if not done:
            self.money, self.open = kept
        told, seen = [], set[UUID]()
        for one in members:
            if one.id in before or one.id in seen:
                told.append("repeated" if self.known[one.id][0] == one else "conflict")
            else:
                seen.add(one.id)
                self.known[one.id] = (one, done)
                told.append("accepted" if done else "refused")
        return told

    def moves(self, one: Transfer) -> bool:
        """Whether the transfer can be made; then it is."""
        sides = (one.debit_account, one.credit_account)
        if not set(sides) <= set(ACCOUNTS) or sides[0] == sides[1] or not 0 < one.amount <= MAX_VND:
            return False
        if one.kind in {Kind.POST, Kind.VOID}:
            held = self.open.get(one.hold or SOURCE)
            if held is None or held[:2] != sides or held[2] < one.amount:
                return False
            self.open[one.hold or SOURCE] = (*sides, held[2] - one.amount)
            self.give(sides[1] if one.kind is Kind.POST else sides[0], one.amount)
            return True
        if one.hold is not None or self.money.get(sides[0], MAX_VND) < one.amount:
            return False
        self.give(sides[0], -one.amount)
        if one.kind is Kind.HOLD:
            self.open[one.id] = (*sides, one.amount)
        else:
            self.give(sides[1], one.amount)
        return True

    def give(self, account: UUID, amount: int) -> None:
        if account != SOURCE:
            self.money[account] += amount


def units_of(batch: Sequence[Transfer]) -> Iterator[list[int]]:
    """Positions that are walked together: each single one, each group where its first member stands."""
    seen = set[UUID]()
    for position, one in enumerate(batch):
        if one.group is None:
            yield [position]
        elif one.group not in seen:
            seen.add(one.group)
            yield [i for i, other in enumerate(batch) if other.group == one.group]


class Tables:
    """What the store would hold, moved on by what the walk decides."""

    def __init__(self) -> None:
        self.available: dict[UUID, int | None] = dict.fromkeys(ACCOUNTS[1:], START) | {SOURCE: None}
        self.holds: dict[UUID, OpenHold] = {}
        self.known: dict[UUID, Known] = {}

    def take(self, batch: Sequence[Transfer]) -> list[str]:
        outcomes = decide(batch, self.available, self.holds, self.known)
        for account, delta in totals(outcomes).items():
            have = self.available[account]
            self.available[account] = None if have is None else have + delta.available
        for one in outcomes:
            if one.to_store:
                self.known[one.transfer.id] = Known(one.transfer, one.refusal)
            if one.takes_effect and one.transfer.kind is Kind.HOLD:
                made = one.transfer
                self.holds[made.id] = OpenHold(made.debit_account, made.credit_account, made.amount)
        for id_, change in hold_changes(outcomes).items():
            old = self.holds[id_]
            self.holds[id_] = old._replace(
                posted=old.posted + change.posted, voided=old.voided + change.voided
            )
        return [answer_of(one) for one in outcomes]


def answer_of(one: Outcome) -> str:
    return "repeated" if one.exists else one.verdict.value


@st.composite
def transfers(draw: st.DrawFn) -> list[Transfer]:
    """Up to thirty transfers of all kinds; some are malformed, some repeat another or take its id."""
    made: list[Transfer] = []
    for number in range(1, draw(st.integers(1, 30)) + 1):
        kind = draw(st.sampled_from([Kind.DIRECT, Kind.HOLD, Kind.POST, Kind.VOID]))
        held = [one for one in made if one.kind is Kind.HOLD]
        if kind in {Kind.POST, Kind.VOID} and held and draw(st.integers(0, 5)):
            hold = draw(st.sampled_from(held))
            sides, named = (hold.debit_account, hold.credit_account), hold.id
        else:
            account = st.sampled_from([*ACCOUNTS, *ACCOUNTS, CLOSED])
            sides = draw(st.tuples(account, account))
            named = UUID(int=draw(st.integers(1, 30))) if kind in {Kind.POST, Kind.VOID} else None
        amount = draw(st.sampled_from([-1, 0, 1, 5, 20, 40, 60, 99, 100, 101, MAX_VND + 1]))
        group = draw(st.sampled_from([None, None, None, UUID(int=7_001), UUID(int=7_002)]))
        one = Transfer(UUID(int=number), *sides, Money(amount), kind, DAY, MONTH, named, None, group)
        earlier = draw(st.sampled_from([*made, one]))
        choice = draw(st.integers(0, 9))
        if choice == 0:
            one = earlier
        elif choice == 1:
            one = replace(one, id=earlier.id)
        made.append(one)
    return made


@given(transfers(), st.integers(1, 30))
@settings(max_examples=120, deadline=None)
def test_the_walk_answers_like_the_dictionaries(batch: list[Transfer], size: int) -> None:
    plain, tables = Plain(), Tables()
    for start in range(0, len(batch), size):
        part = batch[start : start + size]
        assert tables.take(part) == plain.take(part)
        assert {a: have for a, have in tables.available.items() if a != SOURCE} == plain.money
    still = {id_: one.open for id_, one in tables.holds.items()}
    assert still == {id_: left for id_, (_, _, left) in plain.open.items()}


@given(transfers())
@settings(max_examples=40, deadline=None)
def test_told_twice_the_second_time_moves_nothing(batch: list[Transfer]) -> None:
    tables = Tables()
    first = tables.take(batch)
    before = dict(tables.available)
    again = tables.take(batch)
    assert tables.available == before
    assert not {"accepted", "refused"} & set(again)
    assert [a == "conflict" for a in again] == [a == "conflict" for a in first]


@given(transfers())
@settings(max_examples=40, deadline=None)
def test_money_is_where_it_was_moved_to_or_promised(batch: list[Transfer]) -> None:
    plain = Plain()
    answers = plain.take(batch)
    tables = Tables()
    assert tables.take(batch) == answers
    came = sum(
        one.amount
        for one, answer in zip(batch, answers, strict=True)
        if answer == "accepted" and one.debit_account == SOURCE and one.kind is Kind.DIRECT
    )
    inside = sum(have for have in tables.available.values() if have is not None)
    promised = sum(one.open for one in tables.holds.values() if one.debit_account != SOURCE)
    kept = sum(one.posted for one in tables.holds.values() if one.debit_account == SOURCE)
    left_to_source = sum(
        one.amount
        for one, answer in zip(batch, answers, strict=True)
        if answer == "accepted" and one.credit_account == SOURCE and one.kind in {Kind.DIRECT, Kind.POST}
    )
    assert inside + promised == START * 3 + came + kept - left_to_source
