"""Facts about money that moved, or was refused to move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NotRequired, TypedDict


class TransferItem(TypedDict):
    """One transfer and what became of it; `code` and `shortfall_vnd` say why it was refused."""

    transfer_id: str
    kind: str
    debit_account: str
    credit_account: str
    amount_vnd: int
    period: str
    verdict: str
    hold_id: NotRequired[str]
    line_id: NotRequired[str]
    reverses: NotRequired[str]
    code: NotRequired[str]
    shortfall_vnd: NotRequired[int]


@dataclass(frozen=True, slots=True)
class TransfersDecided:
    """The ledger accepted or refused transfers; each item says which, between which accounts, and why."""

    TYPE: ClassVar[str] = "vn.fundtrail.ledger.transfers_decided.v1"
    KEY: ClassVar[str] = "batch_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("batch_id",)

    batch_id: str
    items: tuple[Annotated[dict[str, Any], TransferItem], ...]
