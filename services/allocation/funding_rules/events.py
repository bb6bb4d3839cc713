"""Facts about funding rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict


class RuleItem(TypedDict):
    """From which money one purpose may be paid, and by which article."""

    rule_id: str
    purpose: str
    component: str
    source: str
    capital_kind: str
    article_id: str
    valid_from: str
    valid_to: str | None


@dataclass(frozen=True, slots=True)
class FundingRulesLoaded:
    """Rules were taken in."""

    TYPE: ClassVar[str] = "vn.fundtrail.funding_rules.loaded.v1"
    KEY: ClassVar[str] = "batch"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    batch: str
    items: tuple[Annotated[dict[str, Any], RuleItem], ...]
