"""Facts about funding rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FundingRulesLoaded:
    """Rules were taken in."""

    TYPE: ClassVar[str] = "vn.fundtrail.funding_rules.loaded.v1"
    KEY: ClassVar[str] = "batch"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    batch: str
    items: tuple[dict[str, Any], ...]
