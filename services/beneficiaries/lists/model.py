"""A payment list's way from computed to closed; who may move it, and what each move needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.kernel.approvals import ensure_maker_is_not_checker
from shared.kernel.errors import Conflict
from shared.kernel.ids import id_of
from shared.kernel.periods import Period

LINE = "merit_monthly"  # the purpose of funds that monthly merit benefits are paid from


class State(StrEnum):
    """Where a list stands."""

    COMPUTED = "computed"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    HELD = "held"
    REFUSED = "refused"
    DRAWN = "drawn"
    INSTRUCTED = "instructed"
    CLOSING = "closing"
    CLOSED = "closed"
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.COMPUTED: frozenset({State.SUBMITTED}),
    State.SUBMITTED: frozenset({State.APPROVED, State.COMPUTED}),  # by another person; or sent back
    State.APPROVED: frozenset(
        {State.HELD, State.REFUSED, State.WITHDRAWING}
    ),  # allocation decides on the money
    State.HELD: frozenset(
        {State.DRAWN, State.REFUSED, State.WITHDRAWING}
    ),  # the Treasury confirms or refuses
    State.REFUSED: frozenset({State.SUBMITTED}),  # with a new submission number
    State.DRAWN: frozenset({State.INSTRUCTED}),
    State.INSTRUCTED: frozenset(
        {State.CLOSING, State.CLOSED}
    ),  # the ledger may agree after a refusal told twice
    State.CLOSING: frozenset({State.CLOSED, State.INSTRUCTED}),  # closes only when the ledger agrees
    State.WITHDRAWING: frozenset(
        {State.WITHDRAWN, State.HELD, State.DRAWN, State.REFUSED}
    ),  # only voided holds withdraw it
    State.WITHDRAWN: frozenset({State.SUBMITTED}),
    State.CLOSED: frozenset(),
}
# An answer of allocation that is told again, or comes when the list is past it, changes nothing.
PAST: Mapping[State, frozenset[State]] = {
    State.HELD: frozenset(State) - {State.COMPUTED, State.SUBMITTED, State.APPROVED},
    State.REFUSED: frozenset({State.REFUSED}),
    State.DRAWN: frozenset({State.DRAWN, State.INSTRUCTED, State.CLOSING, State.CLOSED}),
    State.WITHDRAWN: frozenset({State.WITHDRAWN}),
    State.CLOSED: frozenset({State.CLOSED}),
}
TERMINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)


@dataclass(frozen=True, slots=True)
class PaymentList:
    """One list. Units: total_vnd in đồng."""

    id: UUID
    period: Period
    unit_id: UUID
    provider: str
    channel: str
    state: State
    submission: int
    payment_count: int
    total_vnd: int
    content_sha256: str | None
    prepared_by: str | None
    version: int


def list_id_of(period: Period, unit_id: UUID, provider: str) -> UUID:
    """The id of the list of a month, district and provider."""
    return id_of("list", period, unit_id, provider)


def reissue_list_id_of(period: Period, unit_id: UUID, provider: str, reissue: int) -> UUID:
    """The id of the list that pays again, in a month, what had come back: numbered from 1."""
    return id_of("list", period, unit_id, provider, reissue)


def payment_id_of(list_id: UUID, person_id: UUID) -> UUID:
    """The id of a person's payment in a list: the same person is in it once."""
    return id_of("payment", list_id, person_id)


def ensure_may_become(found: PaymentList, state: State) -> None:
    """Nothing, where the list may go into the state. Raises: Conflict list_state."""
    if state not in TRANSITIONS[found.state]:
        message = f"This list is {found.state}; from there it cannot become {state}."
        raise Conflict("list_state", message, state=found.state, wanted=state)


def ensure_may_take(found: PaymentList, state: State) -> bool:
    """Whether an answer of allocation moves the list into the state; False where the list has it behind it.

    Raises: Conflict list_state.
    """
    if found.state in PAST[state]:
        return False
    ensure_may_become(found, state)
    return True


def ensure_may_approve(found: PaymentList, actor: str) -> None:
    """Nothing, where the actor may approve the list.

    Raises: Conflict list_state; Denied maker_is_checker.
    """
    ensure_may_become(found, State.APPROVED)
    ensure_maker_is_not_checker([found.prepared_by or ""], actor)


def content_hash(lines: Sequence[str]) -> str:
    """The SHA-256 over what a list pays. Shape: `payment|person|amount` a line, in order of payment id."""
    return hashlib.sha256("\n".join([*lines, ""]).encode()).hexdigest()
