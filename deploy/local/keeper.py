"""A server for tests that lives exactly as long as somebody uses it, even when the users are killed.

Every user holds a shared file lock. The keeper, a process of its own, starts the server, writes down how to
reach it, and then waits for the exclusive lock: the kernel grants it once the last user has gone.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO

from psycopg import sql

from deploy.local.kafka import ensure_library, find_tools, library_folder, start_kafka
from deploy.local.postgres import Server, start_server
from deploy.local.provisioning import provision
from deploy.local.spawn import CannotStart, tail, wait_until

START_TIMEOUT_S = 960.0
SALT_BYTES = 16

# A test may lose its data to a power cut; it never loses them to a kill.
TEST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "300",
}


@contextlib.contextmanager
def lease(kind: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """How to reach the server of a kind (`postgres` or `kafka`), shared by all who name the same folder.

    Raises: CannotStart with what the keeper said.
    """
    home = folder / kind
    home.mkdir(parents=True, exist_ok=True)
    with (home / "users.lock").open("w") as users, (home / "start.lock").open("w") as starting:
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_EX)
        address = home / "address.json"
        if not address.exists():
            _start_keeper(kind, home, address)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield json.loads(address.read_text())


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Keep one server until its last user has gone; the exit status."""
    kind, home = sys.argv[1], Path(sys.argv[2])
    with (home / "users.lock").open("w") as users:
        try:
            address, stop = SERVERS[kind](home)
        except CannotStart as error:
            sys.stderr.write(f"{error}\n")
            return 1
        try:
            _write(home / "address.json", address)
            _wait_for_last_user(users)
        finally:
            stop()
            shutil.rmtree(home, ignore_errors=True)
            with contextlib.suppress(OSError):
                home.parent.rmdir()  # the other keeper may still be at work there
    return 0


def _start_keeper(kind: str, home: Path, address: Path) -> None:
    log = home / "keeper.log"
    with log.open("ab") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.keeper", kind, str(home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_until(lambda: address.exists() or keeper.poll() is not None, START_TIMEOUT_S)
    keeper.returncode = (
        keeper.poll() or 0
    )  # it outlives us on purpose: no warning when this handle is dropped
    if not address.exists():
        raise CannotStart(tail(log))


def _wait_for_last_user(users: IO[str]) -> None:
    fcntl.flock(users, fcntl.LOCK_EX)


def _write(path: Path, content: Mapping[str, str]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content))
    partial.rename(path)


def _postgres(home: Path) -> tuple[Mapping[str, str], Callable[[], None]]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    running = start_server(home, free_port(), home / "postgres.log", environment, print, TEST_SETTINGS)
    secrets = home / "databases.json"
    provision(running.server, secrets)
    words = json.loads(secrets.read_text())
    _ease_sign_in(running.server, {**words, running.server.user: running.server.password})
    passwords = {f"password:{role}": word for role, word in words.items()}
    server = {name: str(value) for name, value in asdict(running.server).items()}
    return {**server, **passwords}, running.stop


def _ease_sign_in(server: Server, words: Mapping[str, str]) -> None:
    """Passwords are hashed once instead of 4,096 times, a third of a connection: a test makes ten of them.

    Source: RFC 5802, 3; PostgreSQL's documentation of pg_authid.
    """
    with server.connect() as connection:
        for role, word in words.items():
            salt = os.urandom(SALT_BYTES)
            salted = hashlib.pbkdf2_hmac("sha256", word.encode(), salt, 1)
            stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
            checked = hmac.digest(salted, b"Server Key", "sha256")
            told = [base64.b64encode(part).decode() for part in (salt, stored, checked)]
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            verifier = sql.Literal("SCRAM-SHA-256$1:{}${}:{}".format(*told))
            connection.execute(statement.format(sql.Identifier(role), verifier))


def _kafka(home: Path) -> tuple[Mapping[str, str], Callable[[], None]]:
    tools = find_tools(os.environ)
    if isinstance(tools, str):
        raise CannotStart(tools)
    library = ensure_library(library_folder(os.environ), tools, print)
    running = start_kafka(home, (free_port(), free_port()), library, tools, home / "kafka.log")
    return {"url": running.url}, running.stop


SERVERS = {"postgres": _postgres, "kafka": _kafka}

if __name__ == "__main__":
    sys.exit(main())
