from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.lists.model import (
    TERMINAL,
    TRANSITIONS,
    PaymentList,
    State,
    content_hash,
    ensure_may_approve,
    ensure_may_become,
    list_id_of,
    payment_id_of,
)
from services.beneficiaries.lists.tables import lists
from shared.kernel.errors import Conflict, Denied
from shared.kernel.ids import id_of
from tests.unit.beneficiaries.conftest import NUI_THANH, PERSON, THANG_BINH, month

LIST_ID = list_id_of(month("2024-08"), NUI_THANH, "POST-QNA")
SUBMITTED = PaymentList(
    LIST_ID, month("2024-08"), NUI_THANH, "POST-QNA", "post", State.SUBMITTED, 1, 2, 5_000, "hash", "lan", 2
)
LINES = st.lists(
    st.tuples(st.uuids(), st.uuids(), st.integers(1, 10**9)), max_size=8, unique_by=lambda x: x[0]
)


def test_every_state_is_reached_and_left_as_the_table_says() -> None:
    assert TRANSITIONS.keys() == set(State)
    assert {state for following in TRANSITIONS.values() for state in following} == set(State)
    assert frozenset({State.CLOSED}) == TERMINAL


def test_the_database_knows_the_same_states() -> None:
    (check,) = [str(c.sqltext) for c in lists.constraints if str(c.name).endswith("_state")]  # type: ignore[attr-defined]
    assert {state.value for state in State} == {word for word in check.split("'") if word.isalpha()}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("wanted", State)
def test_a_list_goes_only_where_the_table_lets_it(state: State, wanted: State) -> None:
    found = replace(SUBMITTED, state=state)
    if wanted in TRANSITIONS[state]:
        ensure_may_become(found, wanted)
    else:
        with pytest.raises(Conflict, match="list_state"):
            ensure_may_become(found, wanted)


def test_no_way_leads_from_money_in_hand_back_to_before_it() -> None:
    """Once the provider has the money, a list can only be paid, answered and closed."""
    reached: set[State] = set()
    todo = [State.DRAWN]
    while todo:
        for state in TRANSITIONS[todo.pop()] - reached:
            reached.add(state)
            todo.append(state)
    assert reached == {State.INSTRUCTED, State.CLOSING, State.CLOSED}


def test_the_maker_cannot_approve_and_another_can() -> None:
    with pytest.raises(Denied, match="maker_is_checker"):
        ensure_may_approve(SUBMITTED, "lan")
    ensure_may_approve(SUBMITTED, "minh")


def test_only_what_was_submitted_can_be_approved() -> None:
    with pytest.raises(Conflict, match="list_state"):
        ensure_may_approve(replace(SUBMITTED, state=State.COMPUTED), "minh")


def test_a_list_is_one_per_month_district_and_provider() -> None:
    others = {
        list_id_of(month("2024-09"), NUI_THANH, "POST-QNA"),
        list_id_of(month("2024-08"), THANG_BINH, "POST-QNA"),
        list_id_of(month("2024-08"), NUI_THANH, "BANK-QNA"),
    }
    assert len(others | {LIST_ID}) == 4
    assert list_id_of(month("2024-08"), NUI_THANH, "POST-QNA") == LIST_ID


def test_a_person_has_one_payment_in_a_list() -> None:
    assert payment_id_of(LIST_ID, PERSON) == payment_id_of(LIST_ID, PERSON)
    assert payment_id_of(LIST_ID, PERSON) != payment_id_of(LIST_ID, id_of("person", "P-2"))


def text_of(line: tuple[UUID, UUID, int]) -> str:
    return "|".join(map(str, line))


def hash_of(lines: list[tuple[UUID, UUID, int]]) -> str:
    return content_hash([text_of(line) for line in lines])


@given(LINES, st.data())
def test_any_change_of_any_line_changes_the_hash(
    lines: list[tuple[UUID, UUID, int]], data: st.DataObject
) -> None:
    before = hash_of(lines)
    assert before == hashlib.sha256("".join(f"{text_of(line)}\n" for line in lines).encode()).hexdigest()
    if lines:
        which = data.draw(st.integers(0, len(lines) - 1))
        payment, someone, amount = lines[which]
        assert hash_of([*lines[:which], (payment, someone, amount + 1), *lines[which + 1 :]]) != before
        assert hash_of([*lines[:which], *lines[which + 1 :]]) != before
