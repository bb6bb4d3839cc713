"""Databases for tests: migrated once per service, then copied in a tenth of a second for each test."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql

from deploy.local.postgres import Server
from deploy.local.provisioning import Addresses, addresses_of, ensure_database, grant_schema

Migrate = Callable[[str], None]

TEMPLATE_LOCK = 7_402_021


class ScratchDatabases:
    """Fresh databases on a server whose roles are provisioned."""

    def __init__(self, server: Server, passwords: Mapping[str, str]) -> None:
        self._server = server
        self._passwords = passwords

    @contextlib.contextmanager
    def fresh(self, service: str, migrate: Migrate | None = None) -> Iterator[Addresses]:
        """A database, dropped afterwards; `migrate` gets its template's owner address, once per server."""
        template = "template0" if migrate is None else self._template(service, migrate)
        name = f"{service}_{uuid.uuid4().hex[:12]}"
        with self._server.connect() as connection:
            ensure_database(connection, service, name, template)
        if migrate is None:
            grant_schema(self._server, service, name)
        try:
            yield addresses_of(self._server, service, name, self._passwords)
        finally:
            with self._server.connect() as connection:
                _drop(connection, name)

    def _template(self, service: str, migrate: Migrate) -> str:
        name, unfinished = f"{service}_template", f"{service}_template_unfinished"
        with self._server.connect() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                _drop(connection, unfinished)
                ensure_database(connection, service, unfinished)
                grant_schema(self._server, service, unfinished)
                migrate(addresses_of(self._server, service, unfinished, self._passwords).owner)
                renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                connection.execute(renamed.format(sql.Identifier(unfinished), sql.Identifier(name)))
        return name


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
