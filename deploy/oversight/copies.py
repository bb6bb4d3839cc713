"""Copies of the five databases beside the real ones, for a drill; dropped when it ends, however it ends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.local.postgres import Server
from deploy.oversight.databases import SERVICES

SUFFIX = "_drill"
DUMP_TIMEOUT_S = 600


@contextmanager
def copied(server: Server, programs: Path) -> Iterator[dict[str, str]]:
    """The superuser's address of a copy of each database."""
    try:
        for service in SERVICES:
            _copy(server, programs, service)
        yield {service: server.url(service + SUFFIX) for service in SERVICES}
    finally:
        with server.connect() as connection:
            for service in SERVICES:
                _drop(connection, service + SUFFIX)


def _copy(server: Server, programs: Path, service: str) -> None:
    name = service + SUFFIX
    with server.connect() as connection:
        _drop(connection, name)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    environment = {**os.environ, "PGPASSWORD": server.password}
    place = ("-h", server.host, "-p", str(server.port), "-U", server.user)
    dump = subprocess.Popen(
        [programs / "pg_dump", *place, "--format=custom", "--compress=0", "--no-owner", "--no-acl", service],
        env=environment,
        stdout=subprocess.PIPE,
    )
    restore = [str(programs / "pg_restore"), *place, "--no-owner", "--exit-on-error", "-d", name]
    subprocess.run(restore, env=environment, stdin=dump.stdout, check=True, timeout=DUMP_TIMEOUT_S)
    if dump.wait(DUMP_TIMEOUT_S) != 0:
        raise subprocess.CalledProcessError(dump.returncode, "pg_dump")


def _drop(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def server_of(told: Mapping[str, str | int]) -> Server:
    """The server as the launcher wrote it down."""
    return Server(
        str(told["host"]), int(told["port"]), str(told["user"]), str(told["password"]), str(told["origin"])
    )
