"""What becomes of a payment at a simulated provider: a hash of seed and payment id decides, so runs repeat.

About 2 % come back with a reason of ISO 20022's external code list, 0.1 % are never heard of again.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass

RETURNED_PER_MILLE = 20
SILENT_PER_MILLE = 1
THOUSAND = 1000

# ISO 20022 external return reason codes; the words are for people who read the sheet.
REASONS = {
    "MD07": "người hưởng đã chết",
    "CNPC": "không đến nhận trong thời hạn",
    "AC01": "sai số tài khoản",
    "AC04": "tài khoản đã đóng",
    "BE01": "họ tên không khớp",
}
REASONS_OF_POST = ("MD07", "CNPC", "BE01")
REASONS_OF_BANK = ("MD07", "AC01", "AC04", "BE01")


class Result(enum.Enum):
    """What the provider will say."""

    PAID = "paid"
    RETURNED = "returned"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one payment; a returned one has a reason."""

    result: Result
    reason: str | None = None


def outcome_of(seed: str, payment_id: str, reasons: tuple[str, ...]) -> Outcome:
    """The outcome of a payment, the same at every repeat."""
    digest = hashlib.sha256(f"{seed}|{payment_id}".encode()).digest()
    draw = int.from_bytes(digest[:8]) % THOUSAND
    if draw < SILENT_PER_MILLE:
        return Outcome(Result.SILENT)
    if draw < SILENT_PER_MILLE + RETURNED_PER_MILLE:
        return Outcome(Result.RETURNED, reasons[digest[8] % len(reasons)])
    return Outcome(Result.PAID)
