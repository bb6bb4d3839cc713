"""`fundtrail backup` and `fundtrail restore` as an operator types them, on an instance that does not run."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from deploy.backup import write_ahead
from deploy.backup.configuration import settings_of
from deploy.backup.moments import SPOOL, take_base, write_ahead_of
from deploy.backup.serving import Place, stopped
from deploy.cli.main import main
from deploy.local.provisioning import SERVICES
from deploy.local.state import Home, hold, reset, write_json
from shared.db.engine import make_engine
from shared.db.migrations import migrate
from shared.journal.events import EpochBegun
from shared.journal.recording import Topic, draft, record
from shared.kernel.acts import Act
from shared.kernel.clock import SystemClock
from shared.testing.waiting import wait_until
from tests.folders import fresh_folder


@contextlib.contextmanager
def reached(home: Home) -> Iterator[Place]:
    told = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    with stopped(home, told) as place:
        yield place


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """An instance that was started once: five migrated databases."""
    made = Home(fresh_folder("backup"))
    with reached(made) as place:
        for service in SERVICES:
            engine = make_engine(place.server.url(service), application="tests", pool_size=1)
            migrate(engine, service, importlib.import_module(f"services.{service}.schema").metadata)
            engine.dispose()
    yield made
    reset(made)


@pytest.fixture(autouse=True)
def told(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("FUNDTRAIL_HOME", str(home.root))
    monkeypatch.setenv("FUNDTRAIL_BACKUP_DIR", str(tmp_path / "second place"))
    return tmp_path / "second place"


def write_rows(home: Home, count: int) -> None:
    with reached(home) as place:
        engine = make_engine(place.server.url("portal"), application="tests", pool_size=1)
        with engine.begin() as connection:
            facts = [EpochBegun(number, number) for number in range(count)]
            drafts = [draft(fact) for fact in facts]
            record(connection, Act.system("tests", SystemClock().now()), drafts, Topic.TRAIL)
        engine.dispose()


def one(home: Home, query: str) -> object:
    with reached(home) as place, place.server.connect("portal") as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_a_backup_is_taken_listed_and_restored(
    home: Home, told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = one(home, "SELECT count(*) FROM journal")
    assert main(["backup"]) == 0
    (name,) = [path.name for path in told.iterdir() if path.name.startswith("backup-")]
    assert capsys.readouterr().out == f"{told / name}\n"
    assert main(["backup", "--list"]) == 0
    assert f"{name}\tdatabases\t" in capsys.readouterr().out
    assert main(["backup", "--at-most-every", "24"]) == 0
    assert capsys.readouterr().out == "The last good backup is recent enough; nothing was done.\n"
    write_rows(home, 3)
    assert main(["restore", "portal", "--from", name]) == 0
    said = capsys.readouterr().out
    assert f"portal is as it was in {name}, with {before} journal rows" in said
    assert "fundtrail epoch begin SERVICE --reason" in said
    assert one(home, "SELECT count(*) FROM journal") == before
    assert name in str(one(home, "SELECT halted FROM journal_cursor"))
    assert main(["restore", "portal", "--begin-epoch", "it was looked at"]) == 0
    assert f"begins at position {int(str(before)) + 1}" in capsys.readouterr().out
    assert one(home, "SELECT halted FROM journal_cursor") is None


def test_all_services_are_restored_and_write_again_where_the_operator_says_so(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup"]) == 0
    assert main(["restore", "all", "--from", "latest", "--begin-epoch", "the disk was lost"]) == 0
    said = capsys.readouterr().out
    for service in SERVICES:
        assert f"{service} is as it was" in said
        assert f" of {service} begins at position " in said
    assert one(home, "SELECT halted FROM journal_cursor") is None
    assert one(home, "SELECT reason FROM journal_epochs ORDER BY epoch DESC LIMIT 1") == "the disk was lost"


def test_beside_a_launcher_nothing_is_restored(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup"]) == 0
    capsys.readouterr()
    with hold(home):
        assert main(["restore", "portal", "--from", "latest"]) == 1
    said = capsys.readouterr().err
    assert f"process {os.getpid()}" in said
    assert "must not write while a database is exchanged" in said
    assert said.count("\n") == 1


def test_a_server_that_does_not_answer_is_told_in_one_line(
    home: Home, told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = {"host": "127.0.0.1", "port": 1, "user": "postgres", "password": "x", "origin": "nowhere"}
    write_json(home.addresses, {"server": away}, 0o600)
    with hold(home):
        assert main(["backup"]) == 1
    home.addresses.unlink()
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in told.iterdir()] == [".lock"]


def test_a_backup_that_does_not_exist_is_told_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup"]) == 0
    capsys.readouterr()
    assert main(["restore", "portal", "--from", "backup-20200101T000000Z"]) == 1
    assert "`fundtrail backup --list` names those it holds" in capsys.readouterr().err


def test_a_restore_of_nothing_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", "portal"]) == 2
    assert "--from BACKUP, or --until TIME" in capsys.readouterr().err


def test_without_a_backup_the_list_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--list"]) == 1
    assert capsys.readouterr().out == "Last good backup: there is none.\n"


def test_the_same_disk_is_no_second_place(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FUNDTRAIL_BACKUP_DIR")
    assert main(["backup"]) == 0
    assert f"{home.root / 'backups'} is on the same disk" in capsys.readouterr().err


def test_only_so_many_are_kept(
    told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUNDTRAIL_BACKUP_KEEP", "1")
    assert main(["backup"]) == 0
    (first,) = [path for path in told.iterdir() if path.name.startswith("backup-")]
    older = first.with_name("backup-20200101T000000Z")
    first.rename(older)
    assert main(["backup"]) == 0
    assert f"Removed {older}: only 1 are kept." in capsys.readouterr().out
    assert not older.exists()


def test_without_an_instance_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUNDTRAIL_HOME", str(tmp_path / "none"))
    assert main(["backup"]) == 1
    assert "holds no instance. Start one with `make run`" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@contextlib.contextmanager
def followed(home: Home) -> Iterator[Place]:
    """The instance's server, with its log received into the second place until the block ends."""
    shelf = settings_of(home, os.environ).shelf
    shelf.key_for_writing()
    stop = threading.Event()
    with reached(home) as place, ThreadPoolExecutor(1) as pool:
        log = write_ahead_of(place, shelf)
        following = pool.submit(log.follow, place.programs, stop)
        try:
            wait_until(lambda: log.segments() or following.done(), what="the first segment")
            yield place
            wait_until(lambda: is_received(place) or following.done(), what="the last rows' log")
        finally:
            stop.set()
            following.result(30)


def is_received(place: Place) -> bool:
    with place.server.connect() as connection:
        rows = connection.execute(
            "SELECT flush_lsn >= pg_current_wal_insert_lsn() FROM pg_stat_replication"
            " WHERE application_name = 'pg_receivewal'"
        ).fetchall()
    return rows == [(True,)]


def add_rows(place: Place, count: int) -> datetime:
    """A moment after which the rows are there and nothing else is."""
    engine = make_engine(place.server.url("portal"), application="tests", pool_size=1)
    with engine.begin() as connection:
        facts = [EpochBegun(number, number) for number in range(count)]
        drafts = [draft(fact) for fact in facts]
        record(connection, Act.system("tests", SystemClock().now()), drafts, Topic.TRAIL)
    with engine.begin() as connection:
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    engine.dispose()
    return moment


def test_a_database_goes_back_to_any_moment_since_a_base(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(write_ahead, "LOOK_EVERY_S", 0.1)
    with followed(home) as place:
        folder = take_base(
            place, settings_of(home, os.environ).shelf, datetime.now(UTC).replace(microsecond=0)
        )
        before = rows_of(place)
        first = add_rows(place, 5)
        add_rows(place, 7)
        with place.server.connect() as connection:
            connection.execute("SELECT pg_switch_wal()")
        second = add_rows(place, 11)
        last = add_rows(place, 13)
    for moment, rows in ((second, 23), (first, 5)):
        assert main(["restore", "portal", "--until", moment.isoformat()]) == 0
        said = capsys.readouterr().out
        assert f"portal is as it was at {moment.isoformat()}, with {before + rows} journal rows" in said
        with reached(home) as place:
            assert rows_of(place) == before + rows
    assert folder.name in str(one(home, "SELECT halted FROM journal_cursor"))
    assert main(["restore", "portal", "--until", (last + timedelta(hours=1)).isoformat()]) == 1
    assert "The log in the second place ends before" in capsys.readouterr().err
    assert main(["restore", "portal", "--until", "2020-01-01T00:00"]) == 1
    assert "holds no base from before 2019-12-31 17:00:00 UTC" in capsys.readouterr().err
    ensure_nothing_is_left(home)


def test_a_receiver_that_was_killed_while_it_filled_a_segment_goes_on(home: Home) -> None:
    with followed(home):
        pass
    spool = home.root / SPOOL
    (opened,) = spool.glob("*.partial")
    os.truncate(opened, write_ahead.SEGMENT_BYTES // 2)
    with followed(home):
        pass
    (opened,) = spool.glob("*.partial")
    assert opened.stat().st_size == write_ahead.SEGMENT_BYTES


def test_what_was_written_and_checkpointed_while_the_receiver_was_away_is_received(home: Home) -> None:
    with followed(home):
        pass
    with reached(home) as place:
        for _ in range(3):
            add_rows(place, 1)
            with place.server.connect() as connection:
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("CHECKPOINT")
    with followed(home) as place:
        log = write_ahead_of(place, settings_of(home, os.environ).shelf)
    names = log.segments()
    assert len(names) > 3
    write_ahead.ensure_without_gap(names[0], names)


def rows_of(place: Place) -> int:
    with place.server.connect("portal") as connection:
        row = connection.execute("SELECT count(*) FROM journal").fetchone()
    return int(str(row[0])) if row else 0


def ensure_nothing_is_left(home: Home) -> None:
    with reached(home) as place, place.server.connect() as connection:
        names = [str(name) for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()]
        assert not [name for name in names if name.endswith("_restored")]
        (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    assert not (Path(str(data)).parent / "recovering").exists()
