"""What this service starts with: its tables, its keys and what it loads."""

from __future__ import annotations

from services.portal.first import ensure_administrator, ensure_notifications_account
from services.portal.schema import metadata
from services.portal.sessions.tokens import ensure_key
from shared import migration
from shared.db.unit_of_work import UnitOfWork
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """A signing key and a first administrator exist."""
    ensure_key(settings.keys_dir)
    ensure_administrator(unit_of_work, settings.state_dir)
    ensure_notifications_account(unit_of_work, settings.state_dir)


def migrate(settings: Settings) -> int:
    """The exit status once everything is there."""
    return migration.run("portal", metadata, settings, load)
