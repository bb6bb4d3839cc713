"""An act: who does something, for whom, why and when; it stands beside everything recorded under it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.kernel.clock import business_date


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, for whom, why and when; it stands beside everything that is recorded under it."""

    actor: str
    occurred_at: datetime
    on_behalf_of: str | None = None
    unit: str | None = None
    reason: str | None = None
    correlation: str | None = None
    causation: str | None = None
    traceparent: str | None = None
    backdated: bool = False

    @property
    def business_date(self) -> date:
        """The date on which law, tree, scope and open period are judged."""
        return business_date(self.occurred_at)

    @classmethod
    def system(cls, service: str, occurred_at: datetime, reason: str | None = None) -> Act:
        """An act of the service itself, such as loading its reference data."""
        return cls(actor=f"system:{service}", occurred_at=occurred_at, reason=reason)
