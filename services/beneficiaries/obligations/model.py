"""From dues and differences to one payment: arrears are added, recoveries reduce it to no less than zero.

Source: Circular 44/2022/TT-BTC Art. 15 (arrears are paid once, in the month after the decision; overpayment
is recovered). What cannot be recovered this month stays a difference and is found again next month.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.beneficiaries.entitlements.model import Difference, Due
from shared.kernel.ids import id_of
from shared.kernel.periods import Period


class Kind(StrEnum):
    """Why an amount is owed."""

    OPENING = "opening"
    MONTHLY = "monthly"
    ARREARS = "arrears"
    RECOVERY = "recovery"


class Obligation(NamedTuple):
    """One amount with its arithmetic: due less paid before. Units: đồng; negative for a recovery.

    `amount_vnd` of a recovery may be smaller in size than due less paid: the rest is carried.
    """

    id: UUID
    person_id: UUID
    entitlement_id: UUID
    kind: Kind
    due_period: Period
    in_period: Period
    rate_id: UUID | None
    decree: str | None
    due_vnd: int
    paid_vnd: int
    amount_vnd: int


class PersonMonth(NamedTuple):
    """All obligations of one person in one paying month, and what could not be recovered in it."""

    obligations: tuple[Obligation, ...]
    carried_vnd: int

    @property
    def amount_vnd(self) -> int:
        """What is paid: never below zero."""
        return sum(one.amount_vnd for one in self.obligations)


def person_month(
    person_id: UUID, period: Period, dues: Sequence[Due], differences: Sequence[Difference]
) -> PersonMonth:
    """What one person gets in a month: the month itself, arrears, and as much recovery as that bears.

    Recoveries are taken from the oldest month on. The sum is at least 0.
    """
    lines = [_monthly(person_id, period, due) for due in dues]
    lines.extend(_late(person_id, period, one, one.amount_vnd) for one in differences if one.amount_vnd > 0)
    left = sum(line.amount_vnd for line in lines)
    carried = 0
    for one in sorted((one for one in differences if one.amount_vnd < 0), key=lambda one: one.due_period):
        taken = min(-one.amount_vnd, left)
        if taken:
            lines.append(_late(person_id, period, one, -taken))
        left -= taken
        carried += -one.amount_vnd - taken
    return PersonMonth(tuple(lines), carried)


def _monthly(person_id: UUID, period: Period, due: Due) -> Obligation:
    return Obligation(
        id=id_of("obligation", due.entitlement_id, period, period),
        person_id=person_id,
        entitlement_id=due.entitlement_id,
        kind=Kind.MONTHLY,
        due_period=period,
        in_period=period,
        rate_id=due.rate_id,
        decree=due.decree,
        due_vnd=due.amount_vnd,
        paid_vnd=0,
        amount_vnd=due.amount_vnd,
    )


def _late(person_id: UUID, period: Period, one: Difference, amount_vnd: int) -> Obligation:
    return Obligation(
        id=id_of("obligation", one.entitlement_id, one.due_period, period),
        person_id=person_id,
        entitlement_id=one.entitlement_id,
        kind=Kind.ARREARS if amount_vnd > 0 else Kind.RECOVERY,
        due_period=one.due_period,
        in_period=period,
        rate_id=one.rate_id,
        decree=one.decree,
        due_vnd=one.due_vnd,
        paid_vnd=one.paid_vnd,
        amount_vnd=amount_vnd,
    )
