"""Taking in funding rules, and reading them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.allocation.funding_rules.events import FundingRulesLoaded
from services.allocation.funding_rules.model import FundingRule
from services.allocation.funding_rules.tables import funding_rules
from services.allocation.ledger.model import CapitalKind
from shared.db.unit_of_work import Work

BATCH = "published"


def load_funding_rules(work: Work, rules: Sequence[FundingRule]) -> int:
    """The number of rules that were new; those that are there stay as they are."""
    new = set(
        work.connection.scalars(
            upsert(funding_rules).on_conflict_do_nothing(index_elements=["id"]).returning(funding_rules.c.id),
            [{name: getattr(rule, name) for name in rule.__slots__} for rule in rules],
        )
    )
    if new:
        work.record(FundingRulesLoaded(BATCH, tuple(_item(rule) for rule in rules if rule.id in new)))
    return len(new)


def all_rules(connection: Connection) -> list[FundingRule]:
    """Every stored rule."""
    return [
        FundingRule(
            row.id,
            row.purpose,
            row.component,
            row.source,
            CapitalKind(row.capital_kind),
            row.article_id,
            row.valid_from,
            row.valid_to,
        )
        for row in connection.execute(select(funding_rules))
    ]


def _item(rule: FundingRule) -> dict[str, Any]:
    return {
        "rule_id": str(rule.id),
        "purpose": rule.purpose,
        "component": rule.component,
        "source": rule.source,
        "capital_kind": rule.capital_kind.value,
        "article_id": str(rule.article_id),
        "valid_from": rule.valid_from.isoformat(),
        "valid_to": rule.valid_to.isoformat() if rule.valid_to else None,
    }
