"""Write the migration that brings a service's tables from the last revision to what its code says.

Used by `make revision SERVICE=... MESSAGE=...`; it works on a database of its own that it makes and drops.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from alembic import command
from alembic.operations.ops import MigrationScript
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, text

from shared.db.migrations import config_for, upgrade

SCRATCH = "fundtrail_revision"


def main() -> int:
    """Write one revision file; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service")
    parser.add_argument("message")
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"), help="a server's address")
    arguments = parser.parse_args()
    if not arguments.database:
        sys.stderr.write("Set DATABASE_URL to a PostgreSQL server on which a scratch database may be made.\n")
        return 2
    server = create_engine(arguments.database, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {SCRATCH}"))
        connection.execute(text(f"CREATE DATABASE {SCRATCH}"))
        try:
            write_revision(
                arguments.service,
                arguments.message,
                server.url.set(database=SCRATCH).render_as_string(hide_password=False),
            )
        finally:
            connection.execute(text(f"DROP DATABASE {SCRATCH} WITH (FORCE)"))
    return 0


def write_revision(service: str, message: str, url: str) -> None:
    """A new file under the service's migrations, unless nothing has changed."""
    metadata: MetaData = importlib.import_module(f"services.{service}.schema").metadata
    engine = create_engine(url)
    with engine.connect() as connection:
        config = config_for(service)
        config.attributes["connection"] = connection
        upgrade(connection, service)
        number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
        command.revision(
            config,
            message,
            autogenerate=True,
            rev_id=f"{number:04d}",
            process_revision_directives=_leave_out_empty,
        )
    sys.stdout.write(f"{service}: {len(metadata.tables)} tables compared\n")
    engine.dispose()


def _leave_out_empty(_: object, __: object, directives: list[MigrationScript]) -> None:
    operations = directives[0].upgrade_ops
    if operations is not None and operations.is_empty():
        directives.clear()


if __name__ == "__main__":
    sys.exit(main())
