"""Databases and roles: one database per service, and in it an owner, the service itself, and a reader.

A role can enter its own database only. The owner makes the tables, the service gets what each table grants
it, the reader sees everything and can write nothing: checks and inspections connect as the reader.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from deploy.local.postgres import Server

SERVICES = ("allocation", "beneficiaries", "notifications", "audit", "portal")
BUS = "bus"
ROLES = ("owner", "service", "reader")
PASSWORD_BYTES = 24
PROVISION_LOCK = 7_402_020

ROLE_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "owner": {"idle_in_transaction_session_timeout": "60s"},
    "service": {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"},
    "reader": {
        "default_transaction_read_only": "on",
        "statement_timeout": "300s",
        "idle_in_transaction_session_timeout": "60s",
    },
}
DATABASE_GRANTS = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {owner}, {service}",
    "GRANT CONNECT ON DATABASE {database} TO {reader}",
)
SCHEMA_GRANTS = (
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {service}, {reader}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON TABLES TO {reader}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON SEQUENCES TO {reader}",
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one database, one for each of its roles."""

    owner: str
    service: str
    reader: str


def provision(
    server: Server, secret_file: Path, services: Sequence[str] = (*SERVICES, BUS)
) -> dict[str, Addresses]:
    """The addresses of every database, which exist afterwards with roles and passwords as the file says.

    Idempotent: a second call changes nothing but the passwords, if the file was lost.
    """
    passwords = _passwords(secret_file, [f"{service}_{role}" for service in services for role in ROLES])
    with server.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (PROVISION_LOCK,))
        for service in services:
            ensure_roles(connection, service, passwords)
            ensure_database(connection, service, service)
    for service in services:
        grant_schema(server, service, service)
    return {service: addresses_of(server, service, service, passwords) for service in services}


def addresses_of(server: Server, service: str, database: str, passwords: Mapping[str, str]) -> Addresses:
    """The addresses by which a service's roles reach a database."""
    names = [f"{service}_{role}" for role in ROLES]
    return Addresses(*(server.url(database, name, passwords[name]) for name in names))


def ensure_roles(connection: psycopg.Connection[Any], service: str, passwords: Mapping[str, str]) -> None:
    """The service's three roles exist with these passwords and their limits."""
    for role in ROLES:
        name = f"{service}_{role}"
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        statement = sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Literal(passwords[name])))
        for setting, value in ROLE_SETTINGS[role].items():
            change = sql.SQL("ALTER ROLE {} SET {} = {}")
            connection.execute(
                change.format(sql.Identifier(name), sql.Identifier(setting), sql.Literal(value))
            )


def ensure_database(
    connection: psycopg.Connection[Any], service: str, database: str, template: str = "template0"
) -> None:
    """The database exists, belongs to the service's owner, and lets in only the service's roles."""
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
        # Files are copied faster than their pages go through the log.
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy")
        names = [sql.Identifier(name) for name in (database, f"{service}_owner", template)]
        connection.execute(statement.format(*names))
    _run(connection, DATABASE_GRANTS, service, database)


def grant_schema(server: Server, service: str, database: str) -> None:
    """The owner owns the schema; the service may use it; the reader may read whatever the owner makes."""
    with server.connect(database) as connection:
        _run(connection, SCHEMA_GRANTS, service, database)


def _run(connection: psycopg.Connection[Any], statements: Sequence[str], service: str, database: str) -> None:
    names = {role: sql.Identifier(f"{service}_{role}") for role in ROLES}
    for statement in statements:
        connection.execute(sql.SQL(statement).format(database=sql.Identifier(database), **names))


def _passwords(path: Path, names: Sequence[str]) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in missing}
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(known, file, indent=1)
        partial.replace(path)
    return known
