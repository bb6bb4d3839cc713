"""Every table of this service in one collection, for migrations and grants."""

from __future__ import annotations

from services.notifications.deliveries import tables as deliveries
from services.notifications.messages import tables as messages
from services.notifications.metadata import metadata
from services.notifications.units import tables as units

__all__ = ["deliveries", "messages", "metadata", "units"]
