"""Backup and restore on a real server: all comes back, and nothing is lost when it fails half way."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from deploy.backup.programs import Programs
from deploy.backup.restoring import Restored, restore
from deploy.backup.serving import Place
from deploy.backup.shelf import Shelf
from deploy.backup.taking import back_up
from deploy.local.postgres import Server
from deploy.local.postgres_binaries import find_binaries
from deploy.local.provisioning import SERVICES, Addresses
from deploy.local.state import Home
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.documents.store import DocumentStore
from shared.journal import positions
from shared.journal.events import EpochBegun
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.errors import Conflict, Rejected, Unavailable

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
ONE = "portal"
BOTH = ("portal", "notifications")


@dataclass
class Site:
    """An instance's databases under names of this test's own, its state folder, and the second place."""

    server: Server
    addresses: dict[str, Addresses]
    root: Path
    folder: Path
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.root / "second place", self.root / "keys" / "backup.key")
        self.place = Place(Home(self.root), self.server, Programs(self.folder, self.server))
        self.names = {service: self.name_of(service) for service in self.addresses}

    def name_of(self, service: str) -> str:
        return str(make_url(self.addresses[service].owner).database)

    def record(self, service: str, count: int) -> None:
        engine = make_engine(self.addresses[service].service, application="tests-backup", pool_size=1)
        try:
            with UnitOfWork(engine, FixedClock(NOON)).begin(Act.system("tests", NOON)) as work:
                work.record_many([EpochBegun(number, number) for number in range(count)])
        finally:
            engine.dispose()

    def back_up(self, now: datetime = NOON) -> Path:
        return back_up(self.place, self.shelf, now, self.names)

    def restore(self, *services: str, name: str = "latest") -> list[Restored]:
        return restore(self.place, self.shelf.named(name), services, self.shelf.key(), LATER, self.names)

    def rows(self, service: str, query: str) -> list[Any]:
        with psycopg.connect(self.addresses[service].owner.replace("+psycopg", "")) as connection:
            return connection.execute(query).fetchall()

    def journal(self, service: str) -> list[Any]:
        return self.rows(service, "SELECT seq, id, recorded_at, xid::text, data FROM journal ORDER BY seq")

    def databases(self) -> set[str]:
        with self.server.connect() as connection:
            found = connection.execute("SELECT datname FROM pg_database").fetchall()
        mine = tuple(self.names.values())
        return {str(name) for (name,) in found if str(name).startswith(mine)}


@pytest.fixture
def make_site(
    database: Callable[[str], Addresses], postgres_server: Server, tmp_path: Path
) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(*services: str) -> Site:
        addresses = {service: database(service) for service in services}
        made.append(Site(postgres_server, addresses, tmp_path, find_binaries(os.environ).folder))
        return made[-1]

    yield make
    for site in made:
        with site.server.connect() as connection:
            for name in site.databases() - set(site.names.values()):
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site(ONE)


def test_every_database_and_document_comes_back_as_it_was(make_site: Callable[..., Site]) -> None:
    site = make_site(*SERVICES)
    documents = DocumentStore(site.root / "documents" / "allocation", bytes(32))
    kept = documents.put(b"a decision")
    (site.root / "notifications-account.json").write_text("{}")
    for number, service in enumerate(SERVICES, 2):
        site.record(service, number)
    before = {service: site.journal(service) for service in SERVICES}
    site.back_up()
    for service in SERVICES:
        site.record(service, 3)
    shutil.rmtree(site.root / "documents")
    (site.root / "notifications-account.json").unlink()
    restored = site.restore(*SERVICES)
    assert [(one.service, one.journal_rows) for one in restored] == [
        (service, number) for number, service in enumerate(SERVICES, 2)
    ]
    assert {service: site.journal(service) for service in SERVICES} == before
    assert documents.get(kept) == b"a decision"
    assert (site.root / "notifications-account.json").read_text() == "{}"


def test_one_service_comes_back_and_the_others_stay(make_site: Callable[..., Site]) -> None:
    site = make_site(*BOTH)
    site.record("portal", 2)
    site.back_up()
    for service in BOTH:
        site.record(service, 1)
    site.restore("portal")
    assert [len(site.journal(service)) for service in BOTH] == [2, 1]


def test_the_manifest_says_how_far_each_journal_had_come(site: Site) -> None:
    site.record(ONE, 4)
    site.back_up()
    found = site.shelf.named("latest").good
    assert found is not None
    assert (found.piece(ONE).journal_rows, found.piece(ONE).epoch) == (4, 1)


def test_what_is_not_committed_when_the_backup_begins_is_not_in_it(site: Site) -> None:
    site.record(ONE, 1)
    engine = make_engine(site.addresses[ONE].service, application="tests-backup", pool_size=1)
    with UnitOfWork(engine, FixedClock(NOON)).begin(Act.system("tests", NOON)) as work:
        work.record(EpochBegun(1, 1))
        site.back_up()
    engine.dispose()
    assert site.restore(ONE)[0].journal_rows == 1


def test_a_restored_service_can_work_and_its_numbers_go_on(site: Site) -> None:
    site.record(ONE, 3)
    site.back_up()
    site.restore(ONE)
    site_owner(site, "UPDATE journal_cursor SET halted = NULL")
    site.record(ONE, 1)
    assert [row[0] for row in site.journal(ONE)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM journal", "UPDATE journal SET actor = 'x'", "DROP TABLE inbox"]
)
def test_a_restored_service_may_do_no_more_than_before(site: Site, statement: str) -> None:
    site.back_up()
    site.restore(ONE)
    with (
        psycopg.connect(site.addresses[ONE].service.replace("+psycopg", "")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_a_reader_may_still_read_and_a_stranger_may_not_come_in(make_site: Callable[..., Site]) -> None:
    site = make_site(*BOTH)
    site.record(ONE, 1)
    site.back_up()
    site.restore(ONE)
    with psycopg.connect(site.addresses[ONE].reader.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (1,)
    stranger = make_url(site.addresses["notifications"].service).set(database=site.name_of(ONE))
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(stranger.render_as_string(hide_password=False).replace("+psycopg", ""))


def test_a_restored_service_writes_nothing_until_an_epoch_was_begun(site: Site) -> None:
    site.record(ONE, 2)
    site.back_up()
    site.restore(ONE)
    with pytest.raises(Unavailable, match=r"restored from backup-20240805T050000Z.*fundtrail epoch begin"):
        site.record(ONE, 1)
    assert len(site.journal(ONE)) == 2


def test_the_number_of_an_epoch_is_never_given_twice(site: Site) -> None:
    site.record(ONE, 2)
    site.back_up()
    site.record(ONE, 3)
    assert begin_epoch(site).epoch == 2
    site.record(ONE, 1)
    site.restore(ONE)
    begun = begin_epoch(site)
    assert (begun.epoch, begun.first_position) == (3, 3)
    engine = make_engine(site.addresses[ONE].owner, application="tests-backup", pool_size=1)
    with engine.connect() as connection:
        known = positions.epochs(connection)
    engine.dispose()
    assert [positions.epoch_of(known, position) for position in (1, 2, 3)] == [1, 1, 3]


def test_the_former_database_is_kept(site: Site) -> None:
    site.back_up()
    site.record(ONE, 2)
    (restored,) = site.restore(ONE)
    assert restored.former == f"{site.name_of(ONE)}_before_20240805t060000"
    with site.server.connect(restored.former) as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (2,)


def test_a_database_that_is_gone_comes_back_too(site: Site) -> None:
    site.record(ONE, 2)
    site.back_up()
    with site.server.connect() as connection:
        name = sql.Identifier(site.name_of(ONE))
        connection.execute(sql.SQL("DROP DATABASE {}").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))  # as provisioning makes it: empty
    site.restore(ONE)
    assert len(site.journal(ONE)) == 2


def test_a_service_at_work_is_not_restored(site: Site) -> None:
    site.back_up()
    before = site.databases()
    address = site.addresses[ONE].service.replace("+psycopg", "")
    with (
        psycopg.connect(address, application_name="portal-worker"),
        pytest.raises(Conflict, match=r"portal-worker on portal_.*stop these processes first"),
    ):
        site.restore(ONE)
    assert site.databases() == before


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["portal.sealed", "files.sealed"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(site: Site, file: str) -> None:
    damage(site.back_up() / file)
    site.record(ONE, 1)
    before = site.databases()
    with pytest.raises(Rejected, match="SHA-256 differs"):
        site.restore(ONE)
    assert site.databases() == before
    assert len(site.journal(ONE)) == 1


def test_a_restore_that_fails_half_way_changes_nothing(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(*BOTH)
    site.back_up()
    for service in BOTH:
        site.record(service, 1)
    before = site.databases()
    genuine = Programs.restore

    def second_fails(self: Programs, source: Any, database: str) -> None:  # noqa: ANN401 - a file
        genuine(self, source, database)
        if database.startswith("notifications"):
            raise Unavailable("the disk is full")

    monkeypatch.setattr(Programs, "restore", second_fails)
    with pytest.raises(Unavailable, match="the disk is full"):
        site.restore(*BOTH)
    assert site.databases() == before
    assert [len(site.journal(service)) for service in BOTH] == [1, 1]


def test_a_backup_of_a_newer_release_is_refused(site: Site) -> None:
    site_owner(site, "UPDATE alembic_version SET version_num = '9999'")
    site.back_up()
    before = site.databases()
    with pytest.raises(Rejected, match="newer release \\(schema 9999\\)"):
        site.restore(ONE)
    assert site.databases() == before


def test_a_service_that_is_not_in_the_backup_is_named(site: Site) -> None:
    site.back_up()
    with pytest.raises(Rejected, match="holds no audit, only portal, files"):
        site.restore("audit")


def test_a_dump_that_fails_leaves_no_backup(site: Site, tmp_path: Path) -> None:
    broken = Programs(site.folder, Server("127.0.0.1", 1, "postgres", "", "nowhere"))
    site.place = Place(site.place.home, site.server, broken)
    with pytest.raises(Unavailable, match="pg_dump failed"):
        site.back_up()
    site.place = Place(site.place.home, site.server, Programs(tmp_path, site.server))
    with pytest.raises(Unavailable, match="set PG_BIN"):
        site.back_up()
    assert site.shelf.backups() == []
    assert [one.name for one in site.shelf.folder.iterdir()] == [".lock"]


def test_no_personal_value_lies_open_in_a_backup(site: Site) -> None:
    site_owner(site, "CREATE TABLE persons AS SELECT 'Nguyễn Thị Sen' AS name FROM generate_series(1, 2000)")
    folder = site.back_up()
    for path in folder.iterdir():
        assert "Nguyễn Thị Sen".encode() not in path.read_bytes()
        assert b"PGDMP" not in path.read_bytes()[:200]


def test_documents_that_are_there_are_left_alone(site: Site) -> None:
    name = "ab" + 62 * "0"
    path = site.root / "documents" / "portal" / "ab" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"first")
    site.back_up()
    path.write_bytes(b"second")
    site.restore(ONE)
    assert path.read_bytes() == b"second"


def test_documents_of_other_services_stay_where_they_are(site: Site) -> None:
    kept = DocumentStore(site.root / "documents" / "allocation", bytes(32)).put(b"a decision")
    site.back_up()
    shutil.rmtree(site.root / "documents")
    site.restore(ONE)
    assert not (site.root / "documents").exists()
    assert len(kept) == 64


def test_keys_are_not_in_the_backup(site: Site) -> None:
    (site.root / "keys" / "audit").mkdir(parents=True)
    (site.root / "keys" / "audit" / "log.key").write_text("secret")
    site.back_up()
    shutil.rmtree(site.root / "keys" / "audit")
    site.restore(ONE)
    assert not (site.root / "keys" / "audit").exists()


def site_owner(site: Site, statement: str) -> None:
    with psycopg.connect(site.addresses[ONE].owner.replace("+psycopg", "")) as connection:
        connection.execute(statement)


def begin_epoch(site: Site) -> positions.Epoch:
    engine = make_engine(site.addresses[ONE].owner, application="tests-backup", pool_size=1)
    with engine.begin() as connection:
        begun = positions.begin_epoch(connection, "tests")
        connection.execute(text("SELECT 1"))
    engine.dispose()
    return begun
