"""What officers ask of decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.allocation.decisions.model import Header


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line as an officer gives it."""

    label: str
    text: str
    unit_id: UUID | None
    article_id: UUID
    amount_vnd: int
    quantity: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DraftDecision:
    """Write a decision."""

    decision_id: UUID
    header: Header
    lines: tuple[NewLine, ...]


@dataclass(frozen=True, slots=True)
class ReviseDecision:
    """Rewrite a draft, or what was sent back: a new header and new lines in place of those it has."""

    decision_id: UUID
    header: Header
    lines: tuple[NewLine, ...]


@dataclass(frozen=True, slots=True)
class WithdrawDecision:
    """Give up a decision that was not issued."""

    decision_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class SubmitDecision:
    """Ask for approval."""

    decision_id: UUID


@dataclass(frozen=True, slots=True)
class ApproveDecision:
    """Approve what another person prepared."""

    decision_id: UUID


@dataclass(frozen=True, slots=True)
class SendBackDecision:
    """Return a decision to the person who prepared it."""

    decision_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class IssueDecision:
    """Put the decision into force under the number and date of the signed paper."""

    decision_id: UUID
    number: str
    issued_on: date
