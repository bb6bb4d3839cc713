"""Facts about payroll runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class PayrollComputed:
    """A month was computed for everybody, as known on a day."""

    TYPE: ClassVar[str] = "vn.fundtrail.payroll.computed.v1"
    KEY: ClassVar[str] = "run_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("run_id",)

    run_id: str
    period: str
    known_on: str
    list_count: int
    payment_count: int
    total_vnd: int
    arrears_vnd: int
    recoveries_vnd: int
    carried_vnd: int
