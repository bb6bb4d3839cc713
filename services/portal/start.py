"""What this service starts with: its tables, its keys and what it loads."""

from __future__ import annotations

from pathlib import Path

from services.portal import config
from services.portal.first import ensure_administrator, ensure_notifications_account
from services.portal.schema import metadata
from services.portal.sessions.tokens import ensure_key as ensure_issuer_key
from services.portal.users.factors import ensure_key as ensure_factor_key
from services.portal.users.factors import load_factors
from shared import migration
from shared.db.unit_of_work import UnitOfWork
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """The keys, a first administrator and the account of the service that notifies exist."""
    ensure_keys(settings.keys_dir)
    factors = load_factors(settings.keys_dir)
    ensure_administrator(unit_of_work, factors, settings.state_dir)
    ensure_notifications_account(unit_of_work, factors, settings.state_dir)


def ensure_keys(keys_dir: Path) -> None:
    """The keys that sign tokens and cookies and seal second factors and kept forms lie in the folder."""
    ensure_issuer_key(keys_dir)
    ensure_factor_key(keys_dir)
    config.ensure_keys(keys_dir)


def migrate(settings: Settings) -> int:
    """The exit status once everything is there."""
    return migration.run("portal", metadata, settings, load)
