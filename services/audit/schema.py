"""Every table of this service in one collection, for migrations and grants."""

from __future__ import annotations

from services.audit.log import tables as log
from services.audit.metadata import metadata
from services.audit.search import tables as search

__all__ = ["log", "metadata", "search"]
