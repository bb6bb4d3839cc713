from __future__ import annotations

from dataclasses import replace

import pytest

from services.beneficiaries.lists.model import (
    PAST,
    TRANSITIONS,
    State,
    ensure_may_take,
    list_id_of,
    reissue_list_id_of,
)
from shared.kernel.errors import Conflict
from tests.unit.beneficiaries.conftest import NUI_THANH, THANG_BINH, month
from tests.unit.beneficiaries.lists.test_list_model import SUBMITTED

AUGUST = month("2024-08")


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("answer", sorted(PAST))
def test_an_answer_moves_a_list_changes_nothing_or_is_refused(state: State, answer: State) -> None:
    found = replace(SUBMITTED, state=state)
    if state in PAST[answer]:
        assert ensure_may_take(found, answer) is False
    elif answer in TRANSITIONS[state]:
        assert ensure_may_take(found, answer) is True
    else:
        with pytest.raises(Conflict, match="list_state"):
            ensure_may_take(found, answer)


@pytest.mark.parametrize("answer", sorted(PAST))
def test_an_answer_told_again_at_once_changes_nothing(answer: State) -> None:
    assert ensure_may_take(replace(SUBMITTED, state=answer), answer) is False


def test_money_in_the_providers_hands_is_behind_every_later_state() -> None:
    assert PAST[State.DRAWN] == {State.DRAWN, State.INSTRUCTED, State.CLOSING, State.CLOSED}


def test_a_list_that_was_not_approved_waits_for_no_answer() -> None:
    for answer in PAST:
        assert not PAST[answer] & {State.COMPUTED, State.SUBMITTED, State.APPROVED}


def test_a_reissue_has_a_list_of_its_own_for_month_unit_provider_and_number() -> None:
    ids = {
        reissue_list_id_of(AUGUST, NUI_THANH, "POST-QNA", 1),
        reissue_list_id_of(AUGUST, NUI_THANH, "POST-QNA", 2),
        reissue_list_id_of(AUGUST, NUI_THANH, "BANK-QNA", 1),
        reissue_list_id_of(AUGUST, THANG_BINH, "POST-QNA", 1),
        reissue_list_id_of(month("2024-09"), NUI_THANH, "POST-QNA", 1),
        list_id_of(AUGUST, NUI_THANH, "POST-QNA"),
    }
    assert len(ids) == 6
