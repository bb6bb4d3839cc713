"""Facts about payment lists. All have the list as key, so they arrive in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NotRequired, TypedDict

LIST_SUBJECTS = ("list_id", "unit_id")


class FundingLine(TypedDict):
    """What one line of the list needs."""

    line: str
    purpose: str
    amount_vnd: int


class ObligationItem(TypedDict):
    """One amount that a payment pays: what was due less what was paid before."""

    kind: str
    due_period: str
    entitlement_id: str
    rate_id: str | None
    decree: str | None
    due_vnd: int
    paid_vnd: int
    amount_vnd: int


class InstructedItem(TypedDict):
    """One payment that the provider is told to make."""

    payment_id: str
    list_id: str
    person_id: str
    line: str
    amount_vnd: int
    obligations: list[ObligationItem]
    reissue_of: NotRequired[str]


class ClosedLine(TypedDict):
    """How one line of the list ended."""

    line: str
    instructed_vnd: int
    settled_vnd: int
    returned_vnd: int
    unknown_vnd: int


@dataclass(frozen=True, slots=True)
class ListSubmitted:
    """An officer stands by a list: these payments, this sum, this content."""

    TYPE: ClassVar[str] = "vn.fundtrail.lists.submitted.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = LIST_SUBJECTS

    list_id: str
    submission: int
    period: str
    fiscal_year: int
    unit_id: str
    provider: str
    channel: str
    payment_count: int
    total_vnd: int
    content_sha256: str
    lines: tuple[Annotated[dict[str, Any], FundingLine], ...]


@dataclass(frozen=True, slots=True)
class ListApproved:
    """Another person approved just this submission; its funds are to be held."""

    TYPE: ClassVar[str] = "vn.fundtrail.lists.approved.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = LIST_SUBJECTS

    list_id: str
    submission: int
    period: str
    fiscal_year: int
    unit_id: str
    provider: str
    channel: str
    payment_count: int
    total_vnd: int
    content_sha256: str
    lines: tuple[Annotated[dict[str, Any], FundingLine], ...]


@dataclass(frozen=True, slots=True)
class ListSentBack:
    """Another person did not approve the submission; the list is back with the officer who prepared it."""

    TYPE: ClassVar[str] = "vn.fundtrail.lists.sent_back.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = LIST_SUBJECTS

    list_id: str
    submission: int
    unit_id: str


@dataclass(frozen=True, slots=True)
class ListWithdrawalRequested:
    """An officer wants the list back; allocation decides whether it is not too late."""

    TYPE: ClassVar[str] = "vn.fundtrail.lists.withdrawal_requested.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = LIST_SUBJECTS

    list_id: str
    submission: int
    unit_id: str


@dataclass(frozen=True, slots=True)
class PaymentsInstructed:
    """The provider is told to pay these."""

    TYPE: ClassVar[str] = "vn.fundtrail.payments.instructed.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = LIST_SUBJECTS

    list_id: str
    unit_id: str
    submission: int
    chunk: int
    items: tuple[Annotated[dict[str, Any], InstructedItem], ...]


@dataclass(frozen=True, slots=True)
class ListExported:
    """The list left the house as a file for its provider."""

    TYPE: ClassVar[str] = "vn.fundtrail.lists.exported.v1"
    TOPIC: ClassVar[str] = "trail"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = LIST_SUBJECTS

    list_id: str
    unit_id: str
    format: str
    content_sha256: str


@dataclass(frozen=True, slots=True)
class ListClosed:
    """Every payment has its outcome or is known to be unknown; the sums are final for this list."""

    TYPE: ClassVar[str] = "vn.fundtrail.lists.closed.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = LIST_SUBJECTS

    list_id: str
    unit_id: str
    unknown_count: int
    lines: tuple[Annotated[dict[str, Any], ClosedLine], ...]
