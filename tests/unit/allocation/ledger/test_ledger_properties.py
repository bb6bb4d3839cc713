"""What holds for every batch: order of chunks does not matter, nothing sinks below zero, all adds up."""

from datetime import date
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocation.ledger.model import (
    Kind,
    Known,
    OpenHold,
    Outcome,
    TotalsDelta,
    Transfer,
    Verdict,
    ensure_balanced,
    hold_changes,
    totals,
)
from services.allocation.ledger.walk import decide
from shared.kernel.money import Money
from shared.kernel.periods import Period

ACCOUNTS = [UUID(int=1_000 + number) for number in range(5)]
UNBOUNDED = ACCOUNTS[0]
MONTH = Period(2024, 8)
DAY = date(2024, 8, 1)


@st.composite
def single(draw: st.DrawFn, number: int, group: UUID | None) -> Transfer:
    debit, credit = draw(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)))
    kind = draw(st.sampled_from(Kind))
    hold = UUID(int=draw(st.integers(1, 12))) if kind in (Kind.POST, Kind.VOID) else None
    repeated = draw(st.integers(0, 9)) == 0
    id_ = UUID(int=draw(st.integers(1, 12)) if repeated else number)
    return Transfer(id_, debit, credit, Money(draw(st.integers(0, 60))), kind, DAY, MONTH, hold, None, group)


@st.composite
def batches(draw: st.DrawFn) -> list[list[Transfer]]:
    """Walking units: single transfers and linked groups, some repeating ids."""
    units: list[list[Transfer]] = []
    number = 1
    for index in range(draw(st.integers(1, 14))):
        size = draw(st.sampled_from([1, 1, 1, 2, 3]))
        group = UUID(int=5_000 + index) if size > 1 else None
        units.append([draw(single(number + offset, group)) for offset in range(size)])
        number += size
    return units


class Book:
    """The simplest ledger that can be: dictionaries, one unit at a time."""

    def __init__(self) -> None:
        self.totals: dict[UUID, TotalsDelta] = {account: TotalsDelta() for account in ACCOUNTS}
        for account in ACCOUNTS[1:]:
            self.totals[account].credits_posted = 50
        self.holds: dict[UUID, OpenHold] = {}
        self.known: dict[UUID, Known] = {}

    def available(self) -> dict[UUID, int | None]:
        return {a: None if a == UNBOUNDED else total.available for a, total in self.totals.items()}

    def take(self, batch: list[Transfer]) -> list[Outcome]:
        outcomes = decide(batch, self.available(), self.holds, self.known)
        deltas = totals(outcomes)
        ensure_balanced(deltas)
        for account, delta in deltas.items():
            for name in ("debits_posted", "credits_posted", "debits_pending", "credits_pending"):
                setattr(
                    self.totals[account], name, getattr(self.totals[account], name) + getattr(delta, name)
                )
        for outcome in outcomes:
            transfer = outcome.transfer
            if outcome.to_store:
                assert transfer.id not in self.known
                self.known[transfer.id] = Known(transfer, outcome.refusal)
            if outcome.takes_effect and transfer.kind is Kind.HOLD:
                self.holds[transfer.id] = OpenHold(
                    transfer.debit_account, transfer.credit_account, transfer.amount
                )
        for hold, change in hold_changes(outcomes).items():
            old = self.holds[hold]
            self.holds[hold] = old._replace(
                posted=old.posted + change.posted, voided=old.voided + change.voided
            )
        return outcomes


def taken(units: list[list[Transfer]], chunk: int) -> tuple[Book, list[Outcome]]:
    book, outcomes = Book(), []
    for start in range(0, len(units), chunk):
        outcomes += book.take([transfer for unit in units[start : start + chunk] for transfer in unit])
    return book, outcomes


@given(batches(), st.integers(1, 14))
@settings(max_examples=120)
def test_any_chunking_decides_like_one_by_one(units: list[list[Transfer]], chunk: int) -> None:
    one_by_one, expected = taken(units, 1)
    chunked, outcomes = taken(units, chunk)
    assert outcomes == expected
    assert chunked.totals == one_by_one.totals
    assert chunked.holds == one_by_one.holds


@given(batches(), st.integers(1, 14))
@settings(max_examples=120)
def test_nothing_sinks_below_zero_and_all_adds_up(units: list[list[Transfer]], chunk: int) -> None:
    book, outcomes = taken(units, chunk)
    for account, total in book.totals.items():
        assert account == UNBOUNDED or total.available >= 0
        assert total.debits_pending >= 0
        assert total.credits_pending >= 0
    for hold in book.holds.values():
        assert hold.open >= 0
        assert hold.amount == hold.posted + hold.voided + hold.open
    for account in ACCOUNTS:
        pending = sum(hold.open for hold in book.holds.values() if hold.debit_account == account)
        assert book.totals[account].debits_pending == pending
    stored = [outcome for outcome in outcomes if outcome.to_store]
    assert len({outcome.transfer.id for outcome in stored}) == len(stored)


@given(batches(), st.integers(1, 14))
@settings(max_examples=120)
def test_a_group_is_accepted_whole_or_not_at_all(units: list[list[Transfer]], chunk: int) -> None:
    _, outcomes = taken(units, chunk)
    fates: dict[UUID, set[bool]] = {}
    for outcome in outcomes:
        if outcome.transfer.group is not None and outcome.verdict is not Verdict.CONFLICT:
            fates.setdefault(outcome.transfer.group, set()).add(outcome.verdict is Verdict.ACCEPTED)
    assert all(len(fate) == 1 for fate in fates.values())


@given(batches(), st.integers(1, 14))
def test_sending_everything_again_changes_nothing(units: list[list[Transfer]], chunk: int) -> None:
    book, _ = taken(units, chunk)
    before = {account: total.available for account, total in book.totals.items()}
    again = book.take([transfer for unit in units for transfer in unit])
    assert not any(outcome.takes_effect or outcome.to_store for outcome in again)
    assert {account: total.available for account, total in book.totals.items()} == before
