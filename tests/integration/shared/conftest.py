"""A small service on a migrated database: facts that tests record, a table that they change."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, text

from deploy.local.keeper import lease
from deploy.local.postgres import Server
from deploy.local.provisioning import Addresses
from deploy.local.scratch import ScratchDatabases
from services.beneficiaries.schema import metadata
from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.db.engine import make_engine
from shared.db.migrations import migrate
from shared.db.unit_of_work import UnitOfWork
from shared.journal import positions
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
SERVICE = "beneficiaries"  # its database has every kernel table
PASSWORD = "password:"


@dataclass(frozen=True, slots=True)
class Counted:
    """Something was counted."""

    TYPE: ClassVar[str] = "vn.fundtrail.toys.counted.v1"
    KEY: ClassVar[str] = "toy_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ("toy_id",)

    toy_id: str
    number: int


@dataclass(frozen=True, slots=True)
class BulkCounted:
    """Several things were counted at once."""

    TYPE: ClassVar[str] = "vn.fundtrail.toys.bulk_counted.v1"
    KEY: ClassVar[str] = "toy_id"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    toy_id: str
    items: tuple[dict[str, Any], ...]


@dataclass
class Desk:
    """One service's database, seen by its roles, and a name of its own for topics and groups."""

    addresses: Addresses
    clock: FixedClock
    name: str = field(default_factory=lambda: f"toy{uuid.uuid4().hex[:10]}")
    opened: list[Engine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = self.engine(self.addresses.service)
        self.owner = self.engine(self.addresses.owner)
        self.unit_of_work = UnitOfWork(self.service, self.clock)

    def engine(self, url: str) -> Engine:
        self.opened.append(make_engine(url, application="tests-shared"))
        return self.opened[-1]

    @property
    def act(self) -> Act:
        return Act(actor="officer-1", occurred_at=self.clock.now())

    def record(self, *events: Counted) -> None:
        with self.unit_of_work.begin(self.act) as work:
            work.record_many(events)

    def rows(self, query: str, **values: Any) -> list[Any]:  # noqa: ANN401 - values of SQL
        with self.owner.connect() as connection:
            return list(connection.execute(text(query), values))

    def one(self, query: str, **values: Any) -> Any:  # noqa: ANN401 - a value of SQL
        with self.owner.connect() as connection:
            return connection.scalar(text(query), values)

    def change(self, statement: str, **values: Any) -> None:  # noqa: ANN401 - values of SQL
        """Something done behind the service's back, by the owner of its tables."""
        with self.owner.begin() as connection:
            connection.execute(text(statement), values)

    def cursor(self) -> positions.Cursor:
        with self.service.connect() as connection:
            return positions.cursor(connection)


Loop = Callable[[threading.Event, Callable[[], None]], None]


@contextmanager
def running(*loops: Loop) -> Iterator[list[int]]:
    """The loops run in threads of their own; how often each has beaten so far, as a list that grows."""
    stop = threading.Event()
    beats = [0] * len(loops)

    def run(which: int) -> None:
        def beat() -> None:
            beats[which] += 1

        loops[which](stop, beat)

    threads = [threading.Thread(target=run, args=(which,), daemon=True) for which in range(len(loops))]
    for thread in threads:
        thread.start()
    try:
        yield beats
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


MakeDesk = Callable[[], Desk]


@pytest.fixture
def make_desk(database: Callable[[str], Addresses]) -> Iterator[MakeDesk]:
    """`make_desk()` gives a service on a fresh database."""
    made: list[Desk] = []

    def make() -> Desk:
        made.append(_with_table(Desk(database(SERVICE), FixedClock(NOON))))
        return made[-1]

    yield make
    _close(made)


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


@pytest.fixture
def lone_desk(servers_folder: Path) -> Iterator[Desk]:
    """A service on a server of its own: no test beside it holds the horizon of transactions back."""
    with ExitStack() as stack:
        address = stack.enter_context(lease("postgres", servers_folder / "lone"))
        words = {
            name.removeprefix(PASSWORD): word for name, word in address.items() if name.startswith(PASSWORD)
        }
        server = Server(
            address["host"], int(address["port"]), address["user"], address["password"], address["origin"]
        )
        scratch = stack.enter_context(closing(ScratchDatabases(server, words)))
        addresses = stack.enter_context(scratch.fresh(SERVICE, _migrate))
        found = Desk(addresses, FixedClock(NOON))
        yield found
        _close([found])


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    """A bus of each kind."""
    url = (
        request.getfixturevalue("kafka_url")
        if request.param == "kafka"
        else request.getfixturevalue("empty_database")("bus").owner
    )
    opened = open_bus(url, "tests-shared")
    yield opened
    opened.close()


def _migrate(owner_url: str) -> None:
    engine = make_engine(owner_url, application="tests-migrate", pool_size=1)
    migrate(engine, SERVICE, metadata)
    engine.dispose()


def _with_table(found: Desk) -> Desk:
    found.change("CREATE TABLE effects (number bigint GENERATED ALWAYS AS IDENTITY, key text, value bigint)")
    found.change(f"GRANT SELECT, INSERT ON effects TO {SERVICE}_service")
    return found


def _close(made: list[Desk]) -> None:
    for one in made:
        for engine in one.opened:
            engine.dispose()
