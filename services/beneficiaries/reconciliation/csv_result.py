"""Reading an answer of any length: plain text in UTF-8, a line per payment, read as a stream.

Columns, in any order: payment_id, amount_vnd, result (paid or unpaid), reason, paid_on (2024-08-05).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter

from services.beneficiaries.reconciliation.model import UNSPECIFIED, Answer, Outcome
from shared.kernel.errors import Rejected
from shared.kernel.money import MAX_VND

COLUMNS = ("payment_id", "amount_vnd", "result", "reason", "paid_on")
RESULTS = {"paid": Outcome.SETTLED, "unpaid": Outcome.RETURNED}
LINES_MAX = 2_000_000
HEADER_BYTES_MAX = 1_000
DIGITS_MAX = 16
SAID_MAX = 4_096  # different results, reasons and days whose reading is kept
AMOUNTS_MAX = 65_536  # likewise, amounts
BYTE_ORDER_MARK = "\ufeff"


def is_table(content: bytes) -> bool:
    """Whether the file says of itself that it is such a table: its first line names the payments' ids."""
    return COLUMNS[0].encode() in content[:HEADER_BYTES_MAX].partition(b"\n")[0].lower()


def read(content: bytes) -> Iterator[Answer]:
    """Every line that has a result; the row is its place in the file, the header being the first.

    Bounds: 2,000,000 lines. Raises: Rejected statement_broken where it is no such table or is cut off.
    """
    lines = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline=""), strict=True)
    try:
        places = _places(next(lines, []))
        width, picked = max(places) + 1, itemgetter(*places)
        for row, cells in enumerate(lines, 2):
            if row > LINES_MAX + 1:
                raise _broken(f"It has more than {LINES_MAX:,} lines; send it in parts.")
            if len(cells) < width:
                if not cells:
                    continue
                raise _broken(f"Line {row} has {len(cells)} cells and ends before its last column.")
            reference, amount, result, reason, paid_on = picked(cells)
            if said := _said(result, reason, paid_on):
                yield Answer(row, reference.strip(), _whole(amount), "VND", *said)
    except UnicodeDecodeError as error:
        raise _broken("It is not in UTF-8.") from error
    except csv.Error as error:
        raise _broken(f"It cannot be divided into cells ({error}).") from error


def _places(header: Sequence[str]) -> list[int]:
    names = [name.removeprefix(BYTE_ORDER_MARK).strip().lower() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise _broken(f"Its first line does not name {', '.join(missing)}.")
    return [names.index(name) for name in COLUMNS]


@lru_cache(SAID_MAX)
def _said(result: str, reason: str, paid_on: str) -> tuple[Outcome, str | None, date | None] | None:
    """What most lines of a file say alike: the outcome, its reason and the day."""
    outcome = RESULTS.get(result.strip().lower())
    if outcome is None:
        return None
    returned = outcome is Outcome.RETURNED
    return outcome, (reason.strip() or UNSPECIFIED) if returned else None, _day(paid_on)


@lru_cache(AMOUNTS_MAX)
def _whole(text: str) -> int | None:
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX):
        return None
    return amount if (amount := int(digits)) <= MAX_VND else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _broken(message: str) -> Rejected:
    return Rejected("statement_broken", f"{message} Ask the provider to send the file again.")
