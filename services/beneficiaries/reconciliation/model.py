"""What one row of a provider's answer says, and why a row may not match.

Source: ISO 20022 external return reason codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shared.kernel.ids import id_of
from shared.kernel.periods import Period

RECONCILE = "reconcile_statement"


class Standing(StrEnum):
    """How a payment stands by everything that was answered so far: silence is unknown, never paid."""

    UNKNOWN = "unknown"
    SETTLED = "settled"
    RETURNED = "returned"


class Outcome(StrEnum):
    """What became of a payment: only a provider's answer settles."""

    SETTLED = "settled"
    RETURNED = "returned"


class Answer(NamedTuple):
    """One row of an answer, as written. `amount_vnd` is None where the row has none that can be read."""

    row: int
    reference: str
    amount_vnd: int | None
    currency: str
    outcome: Outcome
    reason_code: str | None
    value_on: date | None


UNMATCHED: Mapping[str, str] = {
    "payment_unknown": "No payment has this id; ask the provider which list it read it from.",
    "amount_differs": "The amount is not the one that was instructed; nothing was booked.",
    "line_repeated": "This payment stands in the file more than once; only the first row counts.",
    "outcome_exists": "This payment has this outcome already; nothing was booked a second time.",
    "settled_after_return": "This payment came back before; find out what is true before paying it again.",
    "list_not_instructed": "The list of this payment is not with its provider; ask who sent it.",
    "unit_foreign": "The list of this payment belongs to a unit that the uploader does not act for.",
    "provider_foreign": "This payment was instructed to another provider.",
    "currency_unknown": "Payments are made in VND.",
    "value_date_missing": "The row says not on which day it happened.",
}

REASONS: Mapping[str, str] = {
    "AC01": "wrong account",
    "AC04": "account closed",
    "AC06": "account blocked",
    "AG01": "not allowed",
    "BE01": "name mismatch",
    "CNPC": "cash not picked up",
    "MD07": "person deceased",
    "MS03": "unspecified",
    "NARR": "free text",
    "RC01": "bad bank id",
    "RR04": "regulation",
}
UNSPECIFIED = "MS03"
FREE_TEXT = "NARR"
REASON_CHARS_MAX = 140
ANSWER_DAY = 20  # answers are due by the 20th of the paying month: TT 44/2022/TT-BTC Art. 8


def answer_due_on(period: Period, instructed_on: date) -> date:
    """The 20th by which the provider has to answer: of the paying month, or the next after instructing."""
    due_on = period.first_day.replace(day=ANSWER_DAY)
    if instructed_on < due_on:
        return due_on
    month = Period.of(instructed_on)
    in_month = month.first_day.replace(day=ANSWER_DAY)
    return in_month if instructed_on < in_month else month.next().first_day.replace(day=ANSWER_DAY)


def job_id_of(statement_id: UUID) -> UUID:
    """The id of the job that matches a statement."""
    return id_of("job", RECONCILE, statement_id)
