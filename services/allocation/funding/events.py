"""Facts about the money of lists. All have the list as key, so they arrive in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict

SUBJECTS = ("list_id", "unit_id")


class DecisionLineItem(TypedDict):
    """How much of a decision's line is held for the list."""

    line_id: str
    decision_id: str
    amount_vnd: int


class HeldLine(TypedDict):
    """One line of the list and where its money comes from."""

    line: str
    amount_vnd: int
    from_returned_vnd: int
    from_allotment_vnd: int
    decision_lines: list[DecisionLineItem]


class MissingLine(TypedDict):
    """One line of the list and what is missing for it."""

    line: str
    needed_vnd: int
    available_vnd: int
    shortfall_vnd: int


@dataclass(frozen=True, slots=True)
class FundsHeld:
    """The whole list is covered; each line says from which decision lines."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.held.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    list_id: str
    submission: int
    unit_id: str
    lines: tuple[Annotated[dict[str, Any], HeldLine], ...]


@dataclass(frozen=True, slots=True)
class FundsRefused:
    """The list is not covered; nothing is held, and each line says what is missing."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.refused.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    list_id: str
    submission: int
    unit_id: str
    lines: tuple[Annotated[dict[str, Any], MissingLine], ...]


@dataclass(frozen=True, slots=True)
class FundsDrawn:
    """The money of the list is in the provider's hands."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.drawn.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    list_id: str
    submission: int
    unit_id: str
    provider: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class FundsVoided:
    """What was held for the list is free again."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.voided.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    list_id: str
    submission: int
    unit_id: str


@dataclass(frozen=True, slots=True)
class WithdrawalTooLate:
    """The list cannot be had back: the Treasury has confirmed its money."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.withdrawal_too_late.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    list_id: str
    submission: int
    unit_id: str


@dataclass(frozen=True, slots=True)
class FundsPosted:
    """What a provider answered moved money: to spent, or to what it still holds."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.posted.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = (*SUBJECTS, "statement_id")

    list_id: str
    unit_id: str
    statement_id: str
    chunk: int
    kind: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class LateReturnUnmatched:
    """Money came back that was spent in a year closed since; somebody has to explain it in the open year."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.late_return_unmatched.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = (*SUBJECTS, "statement_id")

    list_id: str
    unit_id: str
    statement_id: str
    chunk: int
    fiscal_year: int
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class ListFundsClosed:
    """The ledger's own posts equal the sums with which the list was closed."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.list_closed.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    list_id: str
    unit_id: str
    settled_vnd: int
    returned_vnd: int
    unknown_vnd: int


@dataclass(frozen=True, slots=True)
class ListCloseRefused:
    """The sums with which the list was closed are not those that the ledger posted."""

    TYPE: ClassVar[str] = "vn.fundtrail.funds.close_refused.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = SUBJECTS

    list_id: str
    unit_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class WithdrawalRequested:
    """The Treasury is asked to move money to a provider, net of what it still holds."""

    TYPE: ClassVar[str] = "vn.fundtrail.withdrawals.requested.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = (*SUBJECTS, "withdrawal_id")

    withdrawal_id: str
    list_id: str
    submission: int
    unit_id: str
    provider: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class WithdrawalConfirmed:
    """The Treasury moved the money."""

    TYPE: ClassVar[str] = "vn.fundtrail.withdrawals.confirmed.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = (*SUBJECTS, "withdrawal_id")

    withdrawal_id: str
    list_id: str
    submission: int
    unit_id: str
    amount_vnd: int
    reference: str


@dataclass(frozen=True, slots=True)
class WithdrawalRefused:
    """The Treasury did not move the money, and says why."""

    TYPE: ClassVar[str] = "vn.fundtrail.withdrawals.refused.v1"
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = (*SUBJECTS, "withdrawal_id")

    withdrawal_id: str
    list_id: str
    submission: int
    unit_id: str
    reason: str
