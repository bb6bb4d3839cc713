"""Databases for tests: migrated once per service, then copied for each test within hundredths of a second."""

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
    """Fresh databases on a server whose roles are provisioned, made and dropped by one connection."""

    def __init__(self, server: Server, passwords: Mapping[str, str]) -> None:
        self._server = server
        self._passwords = passwords
        self._templates: set[str] = set()
        self._open: psycopg.Connection[Any] | None = None

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        """The one that is open, or another one where its server was stopped and came back."""
        try:
            if self._open is not None:
                self._open.execute("SELECT 1")
        except psycopg.OperationalError:
            self._open = None
        if self._open is None:
            self._open = self._server.connect()
        return self._open

    def close(self) -> None:
        """No database is made any more."""
        if self._open is not None:
            self._open.close()

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
        ensure_database(self._connection, service, name, template)
        if migrate is None:
            grant_schema(self._server, service, name)
        try:
            yield self._addresses(service, name)
        finally:
            self._drop(name)

    def _migrated(self, service: str, migrate: Migrate) -> str:
        def make(addresses: Addresses) -> None:
            grant_schema(self._server, service, f"{service}_template{UNFINISHED}")
            migrate(addresses.owner)

        return self._template(service, f"{service}_template", "template0", make)

    def _template(self, service: str, name: str, base: str, make: Fill) -> str:
        if name not in self._templates:
            with self._locked():
                if not self._exists(name):
                    self._make(service, name, base, make)
            self._templates.add(name)
        return name

    def _make(self, service: str, name: str, base: str, make: Fill) -> None:
        unfinished = name + UNFINISHED
        self._drop(unfinished)
        ensure_database(self._connection, service, unfinished, base)
        make(self._addresses(service, unfinished))
        renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        self._connection.execute(renamed.format(sql.Identifier(unfinished), sql.Identifier(name)))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._connection.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
        try:
            yield
        finally:
            self._connection.execute("SELECT pg_advisory_unlock(%s)", (TEMPLATE_LOCK,))

    def _exists(self, name: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        return found.fetchone() is not None

    def _drop(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._connection.execute(statement.format(sql.Identifier(name)))

    def _addresses(self, service: str, database: str) -> Addresses:
        return addresses_of(self._server, service, database, self._passwords)
