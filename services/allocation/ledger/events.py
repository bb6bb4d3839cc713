"""Facts about money that moved, or was refused to move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class TransfersDecided:
    """The ledger accepted or refused transfers; each item says which, between which accounts, and why."""

    TYPE: ClassVar[str] = "vn.fundtrail.ledger.transfers_decided.v1"
    KEY: ClassVar[str] = "batch_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("batch_id",)

    batch_id: str
    items: tuple[dict[str, Any], ...]
