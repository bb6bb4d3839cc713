"""Which money a purpose is paid from: component, source and capital kind, by date, each under an article."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from uuid import UUID

from services.allocation.ledger.model import AccountKey, CapitalKind, Role
from services.allocation.legal_bases.model import article_id_of
from shared.kernel.errors import Rejected
from shared.kernel.ids import id_of


@dataclass(frozen=True, slots=True)
class FundingRule:
    """A dated rule with the article it rests on."""

    id: UUID
    purpose: str
    component: str
    source: str
    capital_kind: CapitalKind
    article_id: UUID
    valid_from: date
    valid_to: date | None

    def account(
        self, fiscal_year: int, unit: UUID | None, role: Role, party: str | None = None
    ) -> AccountKey:
        """The account of this money in a role, for a unit and, where it has one, a party."""
        return AccountKey(fiscal_year, self.component, self.source, self.capital_kind, unit, role, party)


def rule_for(rules: Iterable[FundingRule], purpose: str, on: date) -> FundingRule:
    """The rule for a purpose on a day. Raises: Rejected funding_rule_missing."""
    for rule in rules:
        if (
            rule.purpose == purpose
            and rule.valid_from <= on
            and (rule.valid_to is None or on <= rule.valid_to)
        ):
            return rule
    raise Rejected("funding_rule_missing", f"No rule says which money {purpose} is paid from on {on}.")


def published_rules() -> list[FundingRule]:
    """The rules that lie beside this module."""
    path = files("services.allocation.funding_rules").joinpath("data/funding_rules.csv")
    with path.open(encoding="utf-8") as file:
        return [_rule(row) for row in csv.DictReader(file)]


def _rule(row: dict[str, str]) -> FundingRule:
    return FundingRule(
        id=id_of("funding-rule", row["purpose"], row["valid_from"]),
        purpose=row["purpose"],
        component=row["component"],
        source=row["source"],
        capital_kind=CapitalKind(row["capital_kind"]),
        article_id=article_id_of(row["instrument"], row["article"], row["article_purpose"]),
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
    )
