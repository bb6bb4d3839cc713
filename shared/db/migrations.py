"""Migrations: Alembic per service, run by the owner; then the service's role gets just what it needs.

A table states in `info={"grants": ...}` what the service may do with it; without it, read and insert.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, Table, text

DEFAULT_GRANTS = "SELECT, INSERT"
LOCK_TIMEOUT = "5s"
MIGRATION_LOCK = 7_402_001
COMPRESSIBLE = """
    SELECT 'lz4' = ANY(s.enumvals) AND a.attcompression <> 'l' FROM pg_settings s, pg_attribute a
    WHERE s.name = 'default_toast_compression' AND a.attrelid = 'journal'::regclass AND a.attname = 'data'
"""


def migrate(engine: Engine, service: str, metadata: MetaData) -> None:
    """The database at the newest migration, with first rows and grants in place.

    Idempotent: a second run changes nothing. Two at once wait for each other.
    """
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        try:
            upgrade(connection, service)
            with connection.begin():
                _first_rows(connection)
                _compress_quickly(connection)
                _grant(connection, service, metadata)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.commit()


def config_for(service: str) -> Config:
    """Alembic's configuration of one service, without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(Path(str(files(f"services.{service}") / "migrations"))))
    return config


def run_environment(metadata: MetaData) -> None:
    """What a service's `migrations/env.py` calls: run on the connection that `migrate` holds."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        user_module_prefix=None,
    )
    with context.begin_transaction():
        context.run_migrations()


def upgrade(connection: Connection, service: str) -> None:
    """Every migration of the service has run on this connection."""
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()
    config = config_for(service)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _first_rows(connection: Connection) -> None:
    connection.execute(text("INSERT INTO journal_cursor (singleton) VALUES (true) ON CONFLICT DO NOTHING"))
    connection.execute(
        text(
            "INSERT INTO journal_epochs (epoch, first_position, reason) VALUES (1, 1, 'first start') "
            "ON CONFLICT DO NOTHING"
        )
    )


def _compress_quickly(connection: Connection) -> None:
    """New data of the journal are compressed by LZ4, where the server was built with it (docs/adr/0016).

    Only a table that is not so yet is locked for it.
    """
    if connection.scalar(text(COMPRESSIBLE)):
        connection.execute(text("ALTER TABLE journal ALTER COLUMN data SET COMPRESSION lz4"))


def _grant(connection: Connection, service: str, metadata: MetaData) -> None:
    role = f"{service}_service"
    if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}):
        return  # a database without service roles: development of migrations only
    for table in metadata.sorted_tables:
        _grant_table(connection, table, role)
    connection.execute(text(f"GRANT SELECT ON alembic_version TO {role}"))


def _grant_table(connection: Connection, table: Table, role: str) -> None:
    connection.execute(text(f"REVOKE ALL ON {table.name} FROM {role}"))
    connection.execute(text(f"GRANT {table.info.get('grants', DEFAULT_GRANTS)} ON {table.name} TO {role}"))
    for sequence in table.info.get("sequences", ()):
        connection.execute(text(f"GRANT SELECT ON SEQUENCE {sequence} TO {role}"))
