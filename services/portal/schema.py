"""Every table of this service in one collection, for migrations and grants."""

from __future__ import annotations

from services.portal.metadata import metadata
from services.portal.sessions import tables as sessions
from services.portal.units import tables as units
from services.portal.uploads import tables as uploads
from services.portal.users import tables as users
from services.portal.visits import tables as visits

__all__ = ["metadata", "sessions", "units", "uploads", "users", "visits"]
