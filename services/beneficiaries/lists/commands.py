"""What officers ask of lists."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SubmitList:
    """Stand by the list as it is."""

    list_id: UUID


@dataclass(frozen=True, slots=True)
class ApproveList:
    """Approve the submission whose content was seen."""

    list_id: UUID
    content_sha256: str


@dataclass(frozen=True, slots=True)
class SendBackList:
    """Return a submitted list to the officer who prepared it."""

    list_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class WithdrawList:
    """Ask for an approved list back."""

    list_id: UUID
    reason: str
