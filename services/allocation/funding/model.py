"""How the money of a list is put together: what the provider still holds first, then the allotment.

Of the allotment, the oldest decision line pays first, so every đồng can be followed to its decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.allocation.ledger.model import Kind, Outcome, Transfer, Verdict
from shared.kernel.ids import id_of
from shared.kernel.money import Money
from shared.kernel.periods import Period


class Origin(StrEnum):
    """Where the money of a hold comes from."""

    RETURNED = "returned"
    ALLOTMENT = "allotment"


@dataclass(frozen=True, slots=True)
class ListMoney:
    """What an approved list asks for, and the accounts it concerns. Units: amount_vnd in đồng."""

    list_id: UUID
    submission: int
    period: Period
    fiscal_year: int
    unit_id: UUID
    provider: str
    line: str
    amount_vnd: int
    allotment: UUID
    returned: UUID
    provider_account: UUID


@dataclass(frozen=True, slots=True)
class Part:
    """One hold of a list: from where, by which decision line, how much."""

    origin: Origin
    decision_line: UUID | None
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledger said to a list: the parts that are held, or what is missing."""

    parts: tuple[Part, ...]
    shortfall_vnd: int

    @property
    def held(self) -> bool:
        """Whether the whole list is held."""
        return self.shortfall_vnd == 0

    def amount_from(self, origin: Origin) -> int:
        """How much of the list comes from one origin, in đồng."""
        return sum(part.amount_vnd for part in self.parts if part.origin is origin)


def divide(needed_vnd: int, returned_vnd: int, lines: Sequence[tuple[UUID, int]]) -> list[Part]:
    """The parts that make up an amount: returned money first, then decision lines, oldest first.

    Where all of it does not reach, the last part asks for the rest, and the ledger refuses the group.
    """
    parts = []
    left = needed_vnd
    from_returned = min(left, returned_vnd)
    if from_returned:
        parts.append(Part(Origin.RETURNED, None, from_returned))
        left -= from_returned
    for line, available in lines:
        taken = min(left, available)
        if taken:
            parts.append(Part(Origin.ALLOTMENT, line, taken))
            left -= taken
    if left:
        parts.append(Part(Origin.ALLOTMENT, None, left))
    return parts


def holds(money: ListMoney, parts: Sequence[Part], effective_on: date) -> list[Transfer]:
    """One hold per part, all in one linked group: they stand or fall together."""
    group = id_of("list-holds", money.list_id, money.submission)
    return [
        Transfer(
            id=id_of(
                "list-hold", money.list_id, money.submission, money.line, part.origin, part.decision_line
            ),
            debit_account=money.returned if part.origin is Origin.RETURNED else money.allotment,
            credit_account=money.provider_account,
            amount=Money(part.amount_vnd),
            kind=Kind.HOLD,
            effective_on=effective_on,
            period=money.period,
            decision_line=part.decision_line,
            group=group,
        )
        for part in parts
    ]


def answer(parts: Sequence[Part], outcomes: Sequence[Outcome]) -> Answer:
    """What the ledger's outcomes come to for the list."""
    if all(one.verdict is Verdict.ACCEPTED for one in outcomes):
        return Answer(tuple(parts), 0)
    missing = sum(one.refusal.shortfall for one in outcomes if one.refusal is not None)
    return Answer((), missing)
