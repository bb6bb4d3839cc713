"""Facts about rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class RatesLoaded:
    """Published amounts of one decree were taken in."""

    TYPE: ClassVar[str] = "vn.fundtrail.rates.loaded.v1"
    KEY: ClassVar[str] = "batch"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    batch: str
    items: tuple[dict[str, Any], ...]
