"""Facts about payments that are paid again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict


class ReissuedItem(TypedDict):
    """One payment that is made in place of one that came back."""

    payment_id: str
    reissue_of: str
    person_id: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class PaymentsReissued:
    """Payments that came back stand in a new list; each item names the new payment and the old one."""

    TYPE: ClassVar[str] = "vn.fundtrail.payments.reissued.v1"
    KEY: ClassVar[str] = "from_list_id"  # in order with what was answered about the payments that came back
    SUBJECTS: ClassVar[tuple[str, ...]] = ("from_list_id", "list_id", "unit_id")

    from_list_id: str
    list_id: str
    unit_id: str
    provider: str
    chunk: int
    items: tuple[Annotated[dict[str, Any], ReissuedItem], ...]
