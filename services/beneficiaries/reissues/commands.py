"""What officers ask of payments that came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ReissuePayments:
    """Pay again, through a provider, what came back of a list: the given payments, or all that can be."""

    list_id: UUID
    provider: str
    payment_ids: Sequence[UUID] | None
