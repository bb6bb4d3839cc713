from __future__ import annotations

from dataclasses import replace

import pytest

from services.beneficiaries.register.events import PersonsRegistered
from services.beneficiaries.register.handlers import (
    ITEM_BYTES_PER_EVENT,
    ITEMS_PER_EVENT,
    _parts,
    _registered,
)
from services.beneficiaries.register.model import (
    REGISTRATION_TRANSITIONS,
    WHAT_TO_DO,
    Registration,
    RegistrationState,
    decide_registration,
)
from shared.journal.recording import DATA_BYTES_MAX, draft
from shared.kernel import canonical
from shared.kernel.errors import Conflict, Denied, Rejected
from shared.kernel.ids import id_of

SENT = Registration(id_of("registration", 1), "0" * 64, RegistrationState.PREPARED, 5, 1, 7, "lan", 2)
DECISIONS = (RegistrationState.APPROVED, RegistrationState.REJECTED)
OPEN = {
    RegistrationState.APPROVED: {RegistrationState.PREPARED},
    RegistrationState.REJECTED: {RegistrationState.PREPARED, RegistrationState.READING},
}


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("state", RegistrationState)
def test_a_file_is_decided_once_and_approved_only_when_it_was_read(
    state: RegistrationState, decision: RegistrationState
) -> None:
    found = replace(SENT, state=state)
    if state in OPEN[decision]:
        decide_registration(found, decision, "minh")
    else:
        with pytest.raises(Conflict, match="registration_state"):
            decide_registration(found, decision, "minh")


@pytest.mark.parametrize("decision", DECISIONS)
def test_who_sent_a_file_decides_nothing_about_it(decision: RegistrationState) -> None:
    with pytest.raises(Denied, match="maker_is_checker"):
        decide_registration(SENT, decision, "lan")


def test_a_file_without_a_sound_row_is_rejected_and_not_approved() -> None:
    empty = replace(SENT, accepted_count=0)
    decide_registration(empty, RegistrationState.REJECTED, "minh")
    with pytest.raises(Rejected, match="registration_empty"):
        decide_registration(empty, RegistrationState.APPROVED, "minh")


def test_what_has_entered_or_was_rejected_stays_so() -> None:
    ends = {state for state, following in REGISTRATION_TRANSITIONS.items() if not following}
    assert ends == {RegistrationState.ENTERED, RegistrationState.REJECTED}
    assert REGISTRATION_TRANSITIONS.keys() == WHAT_TO_DO.keys() == set(RegistrationState)


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], []),
        ([900], [1]),
        ([900] * ITEMS_PER_EVENT, [ITEMS_PER_EVENT]),
        ([900] * (2 * ITEMS_PER_EVENT + 1), [ITEMS_PER_EVENT, ITEMS_PER_EVENT, 1]),
        ([ITEM_BYTES_PER_EVENT // 2] * 3, [2, 1]),
        ([ITEM_BYTES_PER_EVENT, 1], [1, 1]),
        ([ITEM_BYTES_PER_EVENT + 1, 1], [1, 1]),
    ],
    ids=["none", "one", "just full", "over full", "heavy", "full by one", "too heavy alone"],
)
def test_items_are_parted_by_number_and_weight_in_their_order(sizes: list[int], parts: list[int]) -> None:
    items = [bytes([n % 256]) * size for n, size in enumerate(sizes)]
    found = list(_parts(items))
    assert [len(part) for part in found] == parts
    assert [item for part in found for item in part] == items


def test_the_heaviest_part_stands_in_one_row_of_the_journal() -> None:
    per_item = ITEM_BYTES_PER_EVENT // ITEMS_PER_EVENT
    told = _registered([canonical.encode({"n": "x" * (per_item - 8)})] * ITEMS_PER_EVENT)
    assert ITEM_BYTES_PER_EVENT <= len(told.data) <= DATA_BYTES_MAX


def test_what_is_told_of_staged_items_is_what_would_be_told_of_the_items_themselves() -> None:
    items: tuple[dict[str, object], ...] = tuple(
        {"person_id": str(n), "sealed_name": "Hoà" * n, "entitlements": [{"code": "TB"}]} for n in range(5)
    )
    told = _registered([canonical.encode(item) for item in items])
    assert told == draft(PersonsRegistered(told.key, items))
