"""Every table of this service in one collection, for migrations and grants."""

from __future__ import annotations

from services.allocation.metadata import metadata
from services.allocation.units import tables as units

__all__ = ["metadata", "units"]
