"""Facts about months taken over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict


class OpeningItem(TypedDict):
    """What one person was paid for one entitlement in the month."""

    person_id: str
    entitlement_id: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class OpeningTakenOver:
    """Amounts that were paid for a month before this system."""

    TYPE: ClassVar[str] = "vn.fundtrail.openings.taken_over.v1"
    KEY: ClassVar[str] = "opening_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("opening_id",)

    opening_id: str
    period: str
    chunk: int
    items: tuple[Annotated[dict[str, Any], OpeningItem], ...]


@dataclass(frozen=True, slots=True)
class OpeningClosed:
    """Another person confirmed that the month was paid so; it is never rewritten from now on."""

    TYPE: ClassVar[str] = "vn.fundtrail.openings.closed.v1"
    KEY: ClassVar[str] = "opening_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("opening_id",)

    opening_id: str
    period: str
    row_count: int
    total_vnd: int
