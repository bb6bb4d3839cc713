"""Facts about what providers answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NotRequired, TypedDict


class AnsweredLine(TypedDict):
    """The sum of one line of the list in this answer."""

    line: str
    count: int
    amount_vnd: int


class AnsweredItem(TypedDict):
    """What the provider says about one payment."""

    payment_id: str
    person_id: str
    amount_vnd: int
    value_on: str
    reason_code: NotRequired[str]


@dataclass(frozen=True, slots=True)
class StatementMatched:
    """A provider's answer was compared with what was instructed."""

    TYPE: ClassVar[str] = "vn.fundtrail.statements.matched.v1"
    KEY: ClassVar[str] = "statement_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("statement_id",)

    statement_id: str
    provider: str
    document: str
    row_count: int
    matched_count: int
    unmatched_count: int


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What one chunk of a statement says about a list: sums by line, and payment by payment."""

    TYPE: ClassVar[str]
    KEY: ClassVar[str] = "list_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("list_id", "statement_id")

    list_id: str
    statement_id: str
    chunk: int
    lines: tuple[Annotated[dict[str, Any], AnsweredLine], ...]
    items: tuple[Annotated[dict[str, Any], AnsweredItem], ...]


class PaymentsSettled(ProviderAnswer):
    """The provider says that these payees were paid, with the amounts that were instructed."""

    TYPE = "vn.fundtrail.payments.settled.v1"


class PaymentsReturned(ProviderAnswer):
    """The provider says that these payees could not be paid, and why; the money is still in its hands."""

    TYPE = "vn.fundtrail.payments.returned.v1"


class PaymentsReturnedLate(ProviderAnswer):
    """The provider says that money it had told to be paid came back after all: spent turns into returned."""

    TYPE = "vn.fundtrail.payments.returned_late.v1"


@dataclass(frozen=True, slots=True)
class StatementRowExplained:
    """An officer found out why a row did not match; the words stay in the register, their hash is told."""

    TYPE: ClassVar[str] = "vn.fundtrail.statements.row_explained.v1"
    KEY: ClassVar[str] = "statement_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("statement_id",)

    statement_id: str
    row: int
    code: str
    explanation_sha256: str
