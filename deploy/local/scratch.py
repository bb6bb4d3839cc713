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
Fill = Callable[[Addresses], None]

TEMPLATE_LOCK = 7_402_021
UNFINISHED = "_unfinished"


class ScratchDatabases:
    """Fresh databases on a server whose roles are provisioned."""

    def __init__(self, server: Server, passwords: Mapping[str, str]) -> None:
        self._server = server
        self._passwords = passwords

    @contextlib.contextmanager
    def fresh(
        self, service: str, migrate: Migrate | None = None, fill: Fill | None = None
    ) -> Iterator[Addresses]:
        """A database, dropped afterwards.

        `migrate` gets the owner's address of its template, and `fill` all addresses of a template made
        from that one; each once per server, and `fill` once per name of the function.
        """
        template = "template0" if migrate is None else self._migrated(service, migrate)
        if fill is not None:
            template = self._template(service, f"{service}_{fill.__name__}", template, fill)
        name = f"{service}_{uuid.uuid4().hex[:12]}"
        with self._server.connect() as connection:
            ensure_database(connection, service, name, template)
        if migrate is None:
            grant_schema(self._server, service, name)
        try:
            yield self._addresses(service, name)
        finally:
            with self._server.connect() as connection:
                _drop(connection, name)

    def _migrated(self, service: str, migrate: Migrate) -> str:
        def make(addresses: Addresses) -> None:
            grant_schema(self._server, service, f"{service}_template{UNFINISHED}")
            migrate(addresses.owner)

        return self._template(service, f"{service}_template", "template0", make)

    def _template(self, service: str, name: str, base: str, make: Fill) -> str:
        unfinished = name + UNFINISHED
        with self._server.connect() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                _drop(connection, unfinished)
                ensure_database(connection, service, unfinished, base)
                make(self._addresses(service, unfinished))
                renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                connection.execute(renamed.format(sql.Identifier(unfinished), sql.Identifier(name)))
        return name

    def _addresses(self, service: str, database: str) -> Addresses:
        return addresses_of(self._server, service, database, self._passwords)


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
