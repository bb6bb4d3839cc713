"""What this service starts with: its tables, its keys and what it loads."""

from __future__ import annotations

from services.notifications.schema import metadata
from shared import migration
from shared.settings import Settings


def migrate(settings: Settings) -> int:
    """The exit status once everything is there."""
    return migration.run("notifications", metadata, settings)
