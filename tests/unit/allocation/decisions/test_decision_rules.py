"""Who may move a decision on, which lines the law covers, what issuing moves."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.decisions.model import (
    LINES_MAX,
    TERMINAL,
    TRANSITIONS,
    Decision,
    DecisionKind,
    DecisionUnlawful,
    Header,
    Line,
    State,
    accounts_of,
    ensure_amounts,
    ensure_lawful,
    ensure_may_become,
    ensure_may_check,
    line_id_of,
    transfers,
)
from services.allocation.ledger.model import CapitalKind, Kind, Role
from services.allocation.legal_bases.model import Article, Instrument
from shared.kernel.errors import Conflict, Denied, Rejected
from shared.kernel.money import MAX_VND

PROVINCE, DISTRICT = UUID(int=49), UUID(int=509)
ISSUED_ON = date(2024, 7, 24)
DECREE = Instrument(
    id=UUID(int=1),
    code="ND-75-2021",
    number="NĐ 75/2021",
    kind="nghị định",
    issuer="Chính phủ",
    subject="",
    signed_on=None,
    effective_from=date(2021, 9, 15),
    effective_to=None,
    confirmed=True,
    source="",
)
GRAVES = Article(UUID(int=2), DECREE, "11", "cemetery_grave_new", "", 10_000_000, "vỏ mộ")
DONOR = Article(UUID(int=3), DECREE, "toàn văn", "cemetery_work", "", None, None)
LAPSED = replace(
    DONOR, id=UUID(int=4), instrument=replace(DECREE, effective_from=None, effective_to=date(2023, 8, 14))
)
ARTICLES = {article.id: article for article in (GRAVES, DONOR, LAPSED)}


def line(amount: int, article: Article = DONOR, quantity: int | None = None, position: int = 1) -> Line:
    id_ = line_id_of(UUID(int=9), 1, position)
    return Line(id_, position, str(position), "Xã Quế Minh", DISTRICT, article.id, amount, quantity)


def decision(
    state: State = State.DRAFT, kind: DecisionKind = DecisionKind.ALLOCATION, *lines: Line
) -> Decision:
    header = Header(
        kind=kind,
        title="Phân bổ",
        fiscal_year=2024,
        component="merit",
        source="central",
        capital_kind=CapitalKind.RECURRENT,
        issuing_unit_id=PROVINCE,
        demonstration=True,
    )
    return Decision(
        id=UUID(int=9),
        header=header,
        state=state,
        prepared_by="lan",
        approved_by=None,
        version=1,
        lines=lines or (line(5), line(7, position=2)),
    )


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("to", State)
def test_only_the_listed_steps_are_open(state: State, to: State) -> None:
    if to in TRANSITIONS.get(state, frozenset()):
        ensure_may_become(decision(state), to)
    else:
        with pytest.raises(Conflict) as caught:
            ensure_may_become(decision(state), to)
        assert caught.value.code == "decision_state"


def test_issued_and_withdrawn_are_final() -> None:
    assert {State.ISSUED, State.WITHDRAWN} == TERMINAL


@pytest.mark.parametrize(
    ("state", "to"),
    [(State.SUBMITTED, State.APPROVED), (State.SUBMITTED, State.SENT_BACK), (State.APPROVED, State.ISSUED)],
)
def test_the_maker_never_checks_his_own_decision(state: State, to: State) -> None:
    ensure_may_check(decision(state), "minh", to)
    with pytest.raises(Denied) as caught:
        ensure_may_check(decision(state), "lan", to)
    assert caught.value.code == "maker_is_checker"


@pytest.mark.parametrize("to", [State.APPROVED, State.SENT_BACK])
def test_whoever_had_a_hand_in_a_decision_does_not_check_it(to: State) -> None:
    made_by_two = replace(decision(State.SUBMITTED), makers=("hoa", "lan"))
    ensure_may_check(made_by_two, "minh", to)
    for maker in ("hoa", "lan"):
        with pytest.raises(Denied):
            ensure_may_check(made_by_two, maker, to)


def test_whoever_approved_a_decision_does_not_issue_it() -> None:
    approved = replace(decision(State.APPROVED), approved_by="minh")
    ensure_may_check(approved, "tuan", State.ISSUED)
    with pytest.raises(Denied):
        ensure_may_check(approved, "minh", State.ISSUED)


def test_a_decision_without_lines_or_with_too_many_is_refused() -> None:
    for lines in ([], [line(1)] * (LINES_MAX + 1)):
        with pytest.raises(Rejected) as caught:
            ensure_lawful(lines, ARTICLES, ISSUED_ON)
        assert caught.value.code == "lines_missing"


def test_a_line_up_to_its_ceiling_is_lawful() -> None:
    ensure_lawful([line(120_000_000, GRAVES, 12), line(1, DONOR, position=2)], ARTICLES, ISSUED_ON)


def test_a_line_above_its_ceiling_is_refused_in_words_an_officer_knows() -> None:
    with pytest.raises(DecisionUnlawful) as caught:
        ensure_lawful([line(120_000_000, GRAVES, 10, position=14)], ARTICLES, ISSUED_ON)
    assert caught.value.code == "ceiling_exceeded"
    assert caught.value.message == (
        "Dòng 14: 12.000.000 đồng một vỏ mộ vượt mức 10.000.000 đồng của Điều 11 NĐ 75/2021"
    )
    assert (caught.value.faults[0].row, caught.value.faults[0].pointer) == (14, "/lines/13/amount_vnd")


@given(st.integers(1, 10**12), st.integers(1, 10**5))
def test_a_ceiling_is_compared_to_the_last_dong(amount: int, quantity: int) -> None:
    lawful = amount <= 10_000_000 * quantity
    try:
        ensure_lawful([line(amount, GRAVES, quantity)], ARTICLES, ISSUED_ON)
    except DecisionUnlawful:
        assert not lawful
    else:
        assert lawful


def test_a_ceiling_needs_a_quantity() -> None:
    with pytest.raises(DecisionUnlawful) as caught:
        ensure_lawful([line(1, GRAVES)], ARTICLES, ISSUED_ON)
    assert caught.value.code == "quantity_missing"


def test_a_lapsed_instrument_covers_nothing_from_the_day_after() -> None:
    ensure_lawful([line(5, LAPSED)], ARTICLES, date(2023, 8, 14))
    with pytest.raises(DecisionUnlawful) as caught:
        ensure_lawful([line(5, LAPSED)], ARTICLES, date(2023, 8, 15))
    assert caught.value.code == "instrument_lapsed"
    assert "14/08/2023" in caught.value.message


def test_an_instrument_covers_nothing_before_its_first_day() -> None:
    ensure_lawful([line(5, DONOR)], ARTICLES, date(2021, 9, 15))
    with pytest.raises(DecisionUnlawful) as caught:
        ensure_lawful([line(5, DONOR)], ARTICLES, date(2021, 9, 14))
    assert caught.value.code == "instrument_not_yet_in_force"
    assert "15/09/2021" in caught.value.message


def test_all_faults_of_all_lines_come_at_once() -> None:
    lines = [line(5, LAPSED), line(20_000_000, GRAVES, 1, 2), line(1, GRAVES, None, 3)]
    with pytest.raises(DecisionUnlawful) as caught:
        ensure_lawful([*lines, replace(line(1, position=4), article_id=UUID(int=77))], ARTICLES, ISSUED_ON)
    assert [(fault.row, fault.code) for fault in caught.value.faults] == [
        (1, "instrument_lapsed"), (2, "ceiling_exceeded"), (3, "quantity_missing"), (4, "article_unknown"),
    ]  # fmt: skip


@pytest.mark.parametrize("amounts", [[0], [-1], [1, 0], [MAX_VND + 1], [1, MAX_VND]])
def test_amounts_are_above_zero_and_within_bounds(amounts: list[int]) -> None:
    ensure_amounts([1, MAX_VND - 1])
    with pytest.raises(Rejected) as caught:
        ensure_amounts(amounts)
    assert caught.value.code == "amount_out_of_range"


def test_an_appropriation_fills_the_envelope_and_an_allocation_divides_it() -> None:
    source, envelope = accounts_of(decision(kind=DecisionKind.APPROPRIATION), replace(line(5), unit_id=None))
    assert (source.role, envelope.role, envelope.unit) == (Role.SOURCE, Role.ENVELOPE, PROVINCE)
    for kind in (DecisionKind.ALLOCATION, DecisionKind.SUPPLEMENT):
        debit, credit = accounts_of(decision(kind=kind), line(5))
        assert debit == envelope
        assert (credit.role, credit.unit) == (Role.ALLOTMENT, DISTRICT)


def test_issuing_moves_all_lines_in_one_linked_group_under_ids_that_repeat() -> None:
    subject = decision(State.APPROVED)
    moved = transfers(subject, ISSUED_ON)
    assert moved == transfers(subject, ISSUED_ON)
    assert sum(transfer.amount for transfer in moved) == subject.total_vnd == 12
    assert len({transfer.group for transfer in moved}) == 1
    assert None not in {transfer.group for transfer in moved}
    assert {transfer.kind for transfer in moved} == {Kind.DIRECT}
    assert len({transfer.id for transfer in moved}) == 2
    assert [transfer.decision_line for transfer in moved] == [line.id for line in subject.lines]
