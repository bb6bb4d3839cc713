"""Start one role of the portal: api, worker or migrate."""

from __future__ import annotations

import sys

from services.portal import worker
from services.portal.app import create_app
from services.portal.first import ensure_administrator, ensure_notifications_account
from services.portal.schema import metadata
from services.portal.sessions.tokens import ensure_key
from shared import entry
from shared.db.unit_of_work import UnitOfWork
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """A signing key and a first administrator exist."""
    ensure_key(settings.keys_dir)
    ensure_administrator(unit_of_work, settings.state_dir)
    ensure_notifications_account(unit_of_work, settings.state_dir)


if __name__ == "__main__":
    sys.exit(
        entry.main(
            "portal",
            {
                "api": entry.api(create_app),
                "worker": worker.run,
                "migrate": entry.migration("portal", metadata, load),
            },
        )
    )
