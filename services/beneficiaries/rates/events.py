"""Facts about rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict


class RateItem(TypedDict):
    """One published monthly amount."""

    rate_id: str
    decree: str
    code: str
    injury_percent: int | None
    amount_vnd: int
    applies_from: str
    known_from: str


@dataclass(frozen=True, slots=True)
class RatesLoaded:
    """Published amounts of one decree were taken in."""

    TYPE: ClassVar[str] = "vn.fundtrail.rates.loaded.v1"
    KEY: ClassVar[str] = "batch"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    batch: str
    items: tuple[Annotated[dict[str, Any], RateItem], ...]
