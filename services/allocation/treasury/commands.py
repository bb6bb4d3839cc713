"""What the Treasury answers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ConfirmWithdrawal:
    """The money was moved, under the Treasury's reference."""

    withdrawal_id: UUID
    reference: str


@dataclass(frozen=True, slots=True)
class RefuseWithdrawal:
    """The money was not moved."""

    withdrawal_id: UUID
    reason: str
