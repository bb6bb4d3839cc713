"""Facts about fiscal years."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict


class MovedItem(TypedDict):
    """What went into the next year from the accounts of a role."""

    role: str
    moved_vnd: int


class LeftItem(TypedDict):
    """What stays in the accounts of a role."""

    role: str
    left_vnd: int


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
    moved: tuple[Annotated[dict[str, Any], MovedItem], ...]
    left: tuple[Annotated[dict[str, Any], LeftItem], ...]
