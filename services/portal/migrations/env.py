"""Alembic's way in; `shared.db.migrations` holds the connection and the rules."""

from services.portal.schema import metadata
from shared.db.migrations import run_environment

run_environment(metadata)
