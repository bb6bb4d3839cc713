"""What one row of a provider's answer says, and why a row may not match.

Source: ISO 20022 external return reason codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a payment: only a provider's answer settles."""

    SETTLED = "settled"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Answer:
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
    "outcome_exists": "This payment has an outcome already; the later answer is kept as a discrepancy.",
    "list_not_instructed": "The list of this payment was not instructed or is closed.",
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
