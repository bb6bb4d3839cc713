from __future__ import annotations

from datetime import date

import pytest

from services.beneficiaries.register.model import (
    TRANSITIONS,
    Change,
    ChangeKind,
    ChangeState,
    decide,
)
from shared.kernel.errors import Conflict, Denied
from shared.kernel.ids import id_of
from tests.unit.beneficiaries.conftest import PERSON

REQUEST = Change(
    id_of("change", 1),
    PERSON,
    ChangeKind.DEATH,
    {"died_on": "2024-06-02"},
    "extract 12/2024",
    ChangeState.REQUESTED,
    "lan",
    date(2024, 7, 10),
    1,
)


@pytest.mark.parametrize("state", [ChangeState.APPROVED, ChangeState.REJECTED])
def test_another_person_decides(state: ChangeState) -> None:
    decide(REQUEST, state, "minh")
    with pytest.raises(Denied, match="maker_is_checker"):
        decide(REQUEST, state, "lan")


@pytest.mark.parametrize("state", [ChangeState.APPROVED, ChangeState.REJECTED])
def test_what_was_decided_stays_decided(state: ChangeState) -> None:
    decided = Change(
        REQUEST.id,
        PERSON,
        REQUEST.kind,
        REQUEST.details,
        REQUEST.evidence,
        state,
        "lan",
        REQUEST.requested_on,
        2,
    )
    for wanted in ChangeState:
        with pytest.raises(Conflict, match="change_decided"):
            decide(decided, wanted, "minh")


def test_the_table_knows_every_state() -> None:
    assert TRANSITIONS.keys() == set(ChangeState)
