"""Every table of this service in one collection, for migrations and grants."""

from __future__ import annotations

from services.beneficiaries.lists import tables as lists
from services.beneficiaries.metadata import metadata
from services.beneficiaries.obligations import tables as obligations
from services.beneficiaries.openings import tables as openings
from services.beneficiaries.payroll import tables as payroll
from services.beneficiaries.rates import tables as rates
from services.beneficiaries.reconciliation import tables as reconciliation
from services.beneficiaries.register import tables as register
from services.beneficiaries.units import tables as units

__all__ = [
    "lists",
    "metadata",
    "obligations",
    "openings",
    "payroll",
    "rates",
    "reconciliation",
    "register",
    "units",
]
