"""Every table of this service in one collection, for migrations and grants."""

from __future__ import annotations

from services.allocation.decisions import tables as decisions
from services.allocation.funding import tables as funding
from services.allocation.funding_rules import tables as funding_rules
from services.allocation.ledger import tables as ledger
from services.allocation.legal_bases import tables as legal_bases
from services.allocation.metadata import metadata
from services.allocation.units import tables as units

__all__ = ["decisions", "funding", "funding_rules", "ledger", "legal_bases", "metadata", "units"]
