"""Facts about payment lists. All have the list as key, so they arrive in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

LIST_SUBJECTS = ("list_id", "unit_id")


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
    lines: tuple[dict[str, Any], ...]


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
    lines: tuple[dict[str, Any], ...]


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
    items: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ListExported:
    """The list left the house as a file for its provider."""

    TYPE: ClassVar[str] = "vn.fundtrail.lists.exported.v1"
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
    lines: tuple[dict[str, Any], ...]
