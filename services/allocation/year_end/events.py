"""Facts about fiscal years."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class YearClosed:
    """A fiscal year takes no more transfers; what was under way moved on, and later facts follow it.

    `moved` says per role how much went into the successor year, `left` what stays behind for a decision.
    """

    TYPE: ClassVar[str] = "vn.fundtrail.ledger.year_closed.v1"
    KEY: ClassVar[str] = "fiscal_year"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    fiscal_year: int
    successor_year: int
    hold_count: int
    moved: tuple[dict[str, Any], ...]
    left: tuple[dict[str, Any], ...]
