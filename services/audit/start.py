"""What this service starts with: its tables, its keys and what it loads."""

from __future__ import annotations

import os

from services.audit.config import log_origin
from services.audit.log.keys import ensure_log
from services.audit.schema import metadata
from services.audit.search.handlers import ensure_cursor
from shared import migration
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.settings import Settings


def load(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """A log is begun under a key that stays outside the database."""
    with unit_of_work.begin(Act.system("audit", unit_of_work.clock.now(), "first start")) as work:
        ensure_log(work, settings.keys_dir, log_origin(os.environ))
        ensure_cursor(work)


def migrate(settings: Settings) -> int:
    """The exit status once everything is there."""
    return migration.run("audit", metadata, settings, load)
