"""What officers ask of the register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ApproveRegistration:
    """Confirm the sound rows of a register file that another person sent; they are entered next."""

    registration_id: UUID


@dataclass(frozen=True, slots=True)
class RejectRegistration:
    """Refuse a register file that another person sent."""

    registration_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class RequestChange:
    """Report that something about a person is different."""

    change_id: UUID
    person_number: str
    kind: str
    details: dict[str, Any]
    evidence: str


@dataclass(frozen=True, slots=True)
class DecideChange:
    """Confirm or refuse a reported change."""

    change_id: UUID
    approve: bool
