"""Reaching an instance's PostgreSQL whether or not the instance runs, and knowing which of the two it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.backup.programs import Programs
from deploy.local.keeper import free_port
from deploy.local.postgres import Server, start_server
from deploy.local.postgres_binaries import find_binaries
from deploy.local.provisioning import provision
from deploy.local.spawn import CannotStart
from deploy.local.state import Home, hold, read_json
from deploy.oversight.copies import server_of
from shared.kernel.errors import Conflict


@dataclass(frozen=True, slots=True)
class Place:
    """An instance's server and the programs that speak to it."""

    home: Home
    server: Server
    programs: Programs

    @classmethod
    def of(cls, home: Home, server: Server, environment: Mapping[str, str]) -> Place:
        """The place with the programs that the environment names or the machine has."""
        return cls(home, server, Programs(find_binaries(environment).folder, server))


@contextmanager
def reached(home: Home, environment: Mapping[str, str]) -> Iterator[Place]:
    """The server: the one of the running instance, else its own, started for the length of the block.

    Raises: CannotStart where there was never an instance.
    """
    if not home.passwords.exists():
        raise CannotStart(
            f"{home.root} holds no instance. Start one with `make run`, or set FUNDTRAIL_HOME to the "
            "state of the one that is meant."
        )
    with ExitStack() as stack:
        try:
            place = stack.enter_context(stopped(home, environment))
        except Conflict:
            server = server_of(read_json(home.addresses)["server"])
            place = Place.of(home, server, environment)
        yield place


@contextmanager
def stopped(home: Home, environment: Mapping[str, str]) -> Iterator[Place]:
    """The server of an instance that does not run, and that cannot start before the block ends.

    Databases and roles exist. Raises: Conflict instance_running; CannotStart where PostgreSQL does not start.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(home))
        except CannotStart as error:
            raise Conflict(
                "instance_running", f"{error} Its services must not write while a database is exchanged."
            ) from error
        log: Path = home.logs / "postgres.log"
        running = start_server(home.root, free_port(), log, environment, _say_nothing)
        stack.callback(running.stop)
        provision(running.server, home.passwords)
        yield Place.of(home, running.server, environment)


def _say_nothing(_: str) -> None:
    """The command has a sentence of its own for each step."""
