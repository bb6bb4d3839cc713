"""Examples of single rules; what holds for every batch is in test_ledger_properties.py."""

from datetime import date
from uuid import UUID

import pytest

from services.allocation.ledger.model import (
    BOUNDED,
    UNBOUNDED,
    AccountKey,
    CapitalKind,
    HoldDelta,
    Kind,
    Known,
    LedgerBroken,
    OpenHold,
    Outcome,
    Refusal,
    Role,
    TotalsDelta,
    Transfer,
    Verdict,
    ensure_balanced,
    hold_changes,
    totals,
)
from services.allocation.ledger.walk import decide
from shared.kernel.money import MAX_VND, Money
from shared.kernel.periods import Period

SOURCE, ALLOTMENT, PROVIDER, SPENT = (UUID(int=number) for number in range(1, 5))
AVAILABLE = {SOURCE: None, ALLOTMENT: 100, PROVIDER: 0, SPENT: 0}


def make(
    number: int,
    debit: UUID,
    credit: UUID,
    amount: int,
    kind: Kind = Kind.DIRECT,
    hold: int | None = None,
    group: int | None = None,
) -> Transfer:
    return Transfer(
        id=UUID(int=number),
        debit_account=debit,
        credit_account=credit,
        amount=Money(amount),
        kind=kind,
        effective_on=date(2024, 8, 1),
        period=Period(2024, 8),
        hold=None if hold is None else UUID(int=hold),
        group=None if group is None else UUID(int=group),
    )


def decided(*batch: Transfer, known: dict[UUID, Known] | None = None) -> list[Outcome]:
    return decide(batch, AVAILABLE, {}, known or {})


def codes(outcomes: list[Outcome]) -> list[str]:
    return [outcome.refusal.code if outcome.refusal else "" for outcome in outcomes]


def test_money_that_is_there_moves() -> None:
    (outcome,) = decided(make(10, ALLOTMENT, PROVIDER, 100))
    assert outcome.verdict is Verdict.ACCEPTED
    assert outcome.takes_effect
    assert totals([outcome])[ALLOTMENT].available == -100


def test_money_that_is_not_there_is_refused_with_the_shortfall() -> None:
    (outcome,) = decided(make(10, ALLOTMENT, PROVIDER, 130))
    assert outcome.verdict is Verdict.REFUSED
    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.shortfall) == ("insufficient_funds", 30)
    assert outcome.to_store
    assert totals([outcome]) == {}


def test_an_unbounded_account_gives_what_is_asked() -> None:
    (outcome,) = decided(make(10, SOURCE, ALLOTMENT, MAX_VND))
    assert outcome.takes_effect


def test_money_that_arrives_earlier_in_a_batch_may_leave_later() -> None:
    outcomes = decided(make(10, SOURCE, ALLOTMENT, 50), make(11, ALLOTMENT, PROVIDER, 150))
    assert codes(outcomes) == ["", ""]
    swapped = decided(make(11, ALLOTMENT, PROVIDER, 150), make(10, SOURCE, ALLOTMENT, 50))
    assert codes(swapped) == ["insufficient_funds", ""]


def test_a_hold_takes_money_out_of_reach_until_it_is_voided() -> None:
    hold = make(10, ALLOTMENT, PROVIDER, 80, Kind.HOLD)
    outcomes = decided(
        hold,
        make(11, ALLOTMENT, SPENT, 30),
        make(12, ALLOTMENT, PROVIDER, 80, Kind.VOID, hold=10),
        make(13, ALLOTMENT, SPENT, 30),
    )
    assert codes(outcomes) == ["", "insufficient_funds", "", ""]


def test_held_money_reaches_the_other_side_only_when_posted() -> None:
    outcomes = decided(
        make(10, ALLOTMENT, PROVIDER, 80, Kind.HOLD),
        make(11, PROVIDER, SPENT, 1),
        make(12, ALLOTMENT, PROVIDER, 30, Kind.POST, hold=10),
        make(13, PROVIDER, SPENT, 30),
    )
    assert codes(outcomes) == ["", "insufficient_funds", "", ""]


def test_a_hold_is_posted_in_parts_and_the_rest_voided() -> None:
    outcomes = decided(
        make(10, ALLOTMENT, PROVIDER, 100, Kind.HOLD),
        make(11, ALLOTMENT, PROVIDER, 30, Kind.POST, hold=10),
        make(12, ALLOTMENT, PROVIDER, 50, Kind.POST, hold=10),
        make(13, ALLOTMENT, PROVIDER, 21, Kind.VOID, hold=10),
        make(14, ALLOTMENT, PROVIDER, 20, Kind.VOID, hold=10),
        make(15, ALLOTMENT, PROVIDER, 1, Kind.POST, hold=10),
    )
    assert codes(outcomes) == ["", "", "", "hold_exceeded", "", "hold_exceeded"]
    assert outcomes[3].refusal is not None
    assert outcomes[3].refusal.shortfall == 1
    assert hold_changes(outcomes) == {UUID(int=10): HoldDelta(posted=80, voided=20)}
    assert totals(outcomes)[ALLOTMENT] == TotalsDelta(debits_posted=80, debits_pending=0)


def test_a_hold_of_an_earlier_batch_is_kept_as_it_stands() -> None:
    holds = {UUID(int=10): OpenHold(ALLOTMENT, PROVIDER, 100, posted=70, voided=10)}
    posts = [make(20 + n, ALLOTMENT, PROVIDER, 15, Kind.POST, hold=10) for n in range(2)]
    assert codes(decide(posts, AVAILABLE, holds, {})) == ["", "hold_exceeded"]


@pytest.mark.parametrize(
    ("transfer", "code"),
    [
        (make(10, ALLOTMENT, UUID(int=99), 1), "account_unknown"),
        (make(10, UUID(int=99), ALLOTMENT, 1), "account_unknown"),
        (make(10, ALLOTMENT, ALLOTMENT, 1), "accounts_equal"),
        (make(10, SOURCE, ALLOTMENT, 0), "amount_invalid"),
        (make(10, SOURCE, ALLOTMENT, -5), "amount_invalid"),
        (make(10, SOURCE, ALLOTMENT, MAX_VND + 1), "amount_invalid"),
        (make(10, ALLOTMENT, PROVIDER, 1, Kind.POST, hold=77), "hold_unknown"),
        (make(10, ALLOTMENT, PROVIDER, 1, Kind.VOID), "hold_unknown"),
        (make(10, ALLOTMENT, PROVIDER, 1, Kind.DIRECT, hold=77), "hold_not_expected"),
    ],
)
def test_a_malformed_transfer_is_refused_and_moves_nothing(transfer: Transfer, code: str) -> None:
    outcomes = decided(transfer)
    assert codes(outcomes) == [code]
    assert totals(outcomes) == {}


def test_a_hold_between_other_accounts_is_not_touched() -> None:
    outcomes = decided(
        make(10, ALLOTMENT, PROVIDER, 50, Kind.HOLD),
        make(11, ALLOTMENT, SPENT, 50, Kind.POST, hold=10),
    )
    assert codes(outcomes) == ["", "hold_differs"]


def test_the_same_id_and_content_repeats_the_stored_result() -> None:
    paid, refused = make(10, ALLOTMENT, PROVIDER, 100), make(11, ALLOTMENT, PROVIDER, 5)
    reason = Refusal("insufficient_funds", "nothing left", 5)
    known = {paid.id: Known(paid), refused.id: Known(refused, reason)}
    first, second = decided(paid, refused, known=known)
    assert first == Outcome(paid, Verdict.ACCEPTED, exists=True)
    assert second == Outcome(refused, Verdict.REFUSED, reason, exists=True)
    assert not first.takes_effect
    assert not second.to_store


def test_refused_stays_refused_even_when_money_has_come() -> None:
    outcomes = decided(
        make(10, ALLOTMENT, PROVIDER, 130),
        make(11, SOURCE, ALLOTMENT, 99),
        make(10, ALLOTMENT, PROVIDER, 130),
    )
    assert [outcome.verdict for outcome in outcomes] == [Verdict.REFUSED, Verdict.ACCEPTED, Verdict.REFUSED]
    assert [outcome.to_store for outcome in outcomes] == [True, True, False]


def test_the_same_id_with_other_content_is_a_conflict() -> None:
    first, second = decided(make(10, ALLOTMENT, PROVIDER, 10), make(10, ALLOTMENT, PROVIDER, 11))
    assert first.takes_effect
    assert second.verdict is Verdict.CONFLICT
    assert not second.to_store


def test_a_group_falls_whole_and_moves_nothing() -> None:
    outcomes = decided(
        make(10, SOURCE, ALLOTMENT, 5, group=1),
        make(11, ALLOTMENT, PROVIDER, 500, group=1),
        make(12, ALLOTMENT, PROVIDER, 100),
    )
    assert codes(outcomes) == ["linked_refused", "insufficient_funds", ""]
    assert list(totals(outcomes)) == [ALLOTMENT, PROVIDER]


def test_a_group_stands_whole_at_the_place_of_its_first_member() -> None:
    outcomes = decided(
        make(10, ALLOTMENT, PROVIDER, 60, group=1),
        make(11, ALLOTMENT, SPENT, 100),
        make(12, PROVIDER, SPENT, 60, group=1),
    )
    assert codes(outcomes) == ["", "insufficient_funds", ""]


def test_shortfalls_of_a_group_add_up_to_all_it_lacks() -> None:
    outcomes = decided(*(make(n, ALLOTMENT, PROVIDER, 60, Kind.HOLD, group=1) for n in (10, 11, 12)))
    assert [outcome.refusal.shortfall for outcome in outcomes if outcome.refusal] == [0, 20, 60]


def test_a_fallen_group_leaves_holds_as_they_were() -> None:
    outcomes = decided(
        make(10, ALLOTMENT, PROVIDER, 80, Kind.HOLD),
        make(11, ALLOTMENT, PROVIDER, 80, Kind.POST, hold=10, group=1),
        make(12, ALLOTMENT, SPENT, 20, Kind.HOLD, group=1),
        make(13, ALLOTMENT, SPENT, 1, group=1),
        make(14, ALLOTMENT, SPENT, 20, Kind.POST, hold=12),
        make(15, ALLOTMENT, PROVIDER, 80, Kind.POST, hold=10),
    )
    assert codes(outcomes) == [
        "",
        "linked_refused",
        "linked_refused",
        "insufficient_funds",
        "hold_unknown",
        "",
    ]


def test_a_group_sent_again_repeats_its_results() -> None:
    group = [make(10, ALLOTMENT, PROVIDER, 60, group=1), make(11, ALLOTMENT, PROVIDER, 40, group=1)]
    outcomes = decided(*group, *group)
    assert [outcome.exists for outcome in outcomes] == [False, False, True, True]
    assert sum(outcome.takes_effect for outcome in outcomes) == 2


def test_a_group_may_not_grow_after_it_was_decided() -> None:
    first = make(10, ALLOTMENT, PROVIDER, 60, group=1)
    outcomes = decided(first, make(11, ALLOTMENT, PROVIDER, 1, group=1), known={first.id: Known(first)})
    assert codes(outcomes) == ["", "group_incomplete"]


def test_a_conflict_inside_a_group_refuses_its_new_members() -> None:
    outcomes = decided(
        make(10, ALLOTMENT, PROVIDER, 1, group=1),
        make(10, ALLOTMENT, PROVIDER, 2, group=1),
        make(11, ALLOTMENT, PROVIDER, 3, group=1),
    )
    assert codes(outcomes) == ["linked_refused", "id_conflict", "linked_refused"]
    stored = make(20, ALLOTMENT, PROVIDER, 1)
    outcomes = decided(
        make(20, ALLOTMENT, PROVIDER, 2, group=2),
        make(21, ALLOTMENT, PROVIDER, 3, group=2),
        known={stored.id: Known(stored)},
    )
    assert codes(outcomes) == ["id_conflict", "linked_refused"]


def test_unbalanced_totals_stop_the_commit() -> None:
    ensure_balanced({ALLOTMENT: TotalsDelta(debits_posted=5), PROVIDER: TotalsDelta(credits_posted=5)})
    with pytest.raises(LedgerBroken):
        ensure_balanced({ALLOTMENT: TotalsDelta(debits_posted=5)})
    with pytest.raises(LedgerBroken):
        ensure_balanced({ALLOTMENT: TotalsDelta(debits_pending=5)})


def test_sources_and_unmatched_facts_alone_are_unbounded() -> None:
    assert {Role.SOURCE, Role.UNMATCHED} == UNBOUNDED
    assert len(BOUNDED) + len(UNBOUNDED) == len(Role)


def test_an_account_is_known_by_all_that_makes_it() -> None:
    key = AccountKey(2024, "merit", "central", CapitalKind.RECURRENT, UUID(int=502), Role.ALLOTMENT)
    again = AccountKey(2024, "merit", "central", CapitalKind.RECURRENT, UUID(int=502), Role.ALLOTMENT)
    party = AccountKey(2024, "merit", "central", CapitalKind.RECURRENT, UUID(int=502), Role.PROVIDER, "post")
    assert key.id == again.id != party.id
    assert key.bounded
    assert OpenHold(ALLOTMENT, PROVIDER, 10, 3, 2).open == 5
