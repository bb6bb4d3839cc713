"""Services of an instance at work on one bus, in threads; stopped, restored and started like processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from deploy.backup.programs import Programs
from deploy.backup.restoring import Restored, restore
from deploy.backup.serving import Place
from deploy.backup.shelf import Shelf
from deploy.backup.taking import back_up
from deploy.cli.epoch import begin_epoch
from deploy.local.postgres import Server
from deploy.local.provisioning import SERVICES, Addresses
from deploy.local.state import Home
from deploy.oversight import comparisons, invariants
from deploy.oversight.databases import opened
from deploy.oversight.findings import Finding
from services.allocation.units.events import UnitsLoaded
from services.audit.log import check as log_check
from services.audit.log import keys, queries
from services.audit.log.loops import Intake, Signing
from services.audit.search.handlers import Indexing, ensure_cursor
from services.beneficiaries.listening import HANDLERS, TOPICS
from services.beneficiaries.register.handlers import Registrar, begin_registration, enter_persons
from services.beneficiaries.register.model import Benefit
from services.beneficiaries.register.rows import NewPerson
from shared.bus.open import open_bus
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.journal.positions import Epoch
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.clock import SystemClock
from shared.kernel.ids import id_of
from shared.kernel.periods import Period
from shared.kernel.sealing import Sealer
from shared.process import Loop
from shared.testing.waiting import wait_until
from shared.worker import consumer_loop, relay_loop

ORIGIN = "fundtrail.test/audit"
AT_WORK = ("allocation", "beneficiaries", "audit")
LOST = "the journal lost this row"
NO_DOCUMENT = "0" * 64
PATIENCE_S = 120.0


@dataclass
class Estate:
    """The five databases of an instance, the processes that matter here, a bus, and a second place."""

    addresses: Mapping[str, Addresses]
    bus_url: str
    server: Server
    root: Path
    programs: Path
    clock: SystemClock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.root / "second place", self.root / "keys" / "backup.key")
        self.place = Place(Home(self.root), self.server, Programs(self.programs, self.server))
        self.names = {name: str(make_url(one.owner).database) for name, one in self.addresses.items()}
        self.sealer = Sealer(bytes(32))
        with self.writing("audit") as unit_of_work, unit_of_work.begin(self.act) as work:
            keys.ensure_log(work, self.root, ORIGIN)
            ensure_cursor(work)

    @property
    def act(self) -> Act:
        return Act.system("tests", self.clock.now())

    # --- processes ----------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[None]:
        """The workers of three services run; they and all their sessions end with the block."""
        stop, stack = threading.Event(), ExitStack()
        threads = [
            threading.Thread(target=loop, args=(stop, lambda: None), daemon=True)
            for service in AT_WORK
            for loop in self._loops(stack, service)
        ]
        with stack:
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                stop.set()
                for thread in threads:
                    thread.join(30)

    def _loops(self, stack: ExitStack, service: str) -> list[Loop]:
        unit_of_work = stack.enter_context(self.writing(service))
        bus = open_bus(self.bus_url, f"{service}-worker")
        stack.callback(bus.close)
        loops = [relay_loop(service, unit_of_work, bus)]
        if service == "beneficiaries":
            loops.append(consumer_loop(service, unit_of_work, bus, TOPICS, HANDLERS))
        if service == "audit":
            signing = Signing(unit_of_work, keys.load_signer(self.root), self.root)
            loops += [Intake(SERVICES, bus, unit_of_work).run, signing.run, Indexing(unit_of_work).run]
        return loops

    @contextmanager
    def writing(self, service: str, role: str = "service") -> Iterator[UnitOfWork]:
        engine = make_engine(getattr(self.addresses[service], role), application=f"{service}-worker")
        try:
            yield UnitOfWork(engine, self.clock)
        finally:
            engine.dispose()

    # --- work ---------------------------------------------------------------------------------------

    def register(self, *numbers: int) -> None:
        """Persons come into the register, each by a change of its own."""
        with self.writing("beneficiaries") as unit_of_work:
            for number in numbers:
                with unit_of_work.begin(self.act) as work:
                    registration_id = begin_registration(work, NO_DOCUMENT)
                    Registrar(self.sealer).stage(work, registration_id, {2: _person(number)}, 0)
                    enter_persons(work, registration_id, 0, 1)

    def load_units(self, *numbers: int) -> None:
        """Allocation takes units in, and beneficiaries hears of each."""
        with self.writing("allocation") as unit_of_work, unit_of_work.begin(self.act) as work:
            work.record_many([UnitsLoaded(f"snapshot-{number}", (_unit(number),)) for number in numbers])

    # --- backup and restore -------------------------------------------------------------------------

    def back_up(self) -> None:
        back_up(self.place, self.shelf, datetime.now(UTC).replace(microsecond=0), self.names)

    def restore(self, service: str) -> Restored:
        backup, key = self.shelf.named("latest"), self.shelf.key()
        (restored,) = restore(self.place, backup, [service], key, datetime.now(UTC), self.names)
        return restored

    def begin_epoch(self, service: str) -> Epoch:
        with self.writing(service, "owner") as unit_of_work:
            return begin_epoch(
                unit_of_work, Act("operator:hoa", self.clock.now(), reason="the disk was lost")
            )

    def drop_former(self) -> None:
        with self.server.connect() as connection:
            found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE '%_before_%'")
            for (name,) in found.fetchall():
                if str(name).startswith(tuple(self.names.values())):
                    connection.execute(
                        sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name)))
                    )

    # --- what is there ------------------------------------------------------------------------------

    def rows(self, service: str, query: str) -> list[Any]:
        with psycopg.connect(self.addresses[service].reader.replace("+psycopg", "")) as connection:
            return connection.execute(query).fetchall()

    def column(self, service: str, query: str) -> list[Any]:
        return [row[0] for row in self.rows(service, query)]

    def journal(self, service: str) -> list[str]:
        """The ids of a journal's rows in their order."""
        return [str(one) for one in self.column(service, "SELECT id FROM journal ORDER BY seq")]

    def wait_for_log(self) -> None:
        """Every row of every journal is a leaf, under a checkpoint and in the index."""
        whole = {one for service in AT_WORK for one in self.journal(service)}
        wait_until(lambda: whole <= set(self.leaves().values()), PATIENCE_S, "every row in the log")
        signed = "SELECT s.size <= max(c.size) FROM log_state s, log_checkpoints c GROUP BY s.size"
        wait_until(lambda: self.column("audit", signed) == [True], PATIENCE_S, "a checkpoint over all")
        indexed = "SELECT i.indexed = s.size FROM search_cursor i, log_state s"
        wait_until(lambda: self.column("audit", indexed) == [True], PATIENCE_S, "an index of all")

    def leaves(self) -> dict[tuple[str, int, int], str]:
        """The id of every row in the log, by source, epoch and position."""
        with opened({"audit": self.addresses["audit"].reader}) as databases:
            return {
                (lane.source, lane.epoch, position): canonical.decode(leaf)["id"]
                for _, lane, position, leaf in log_check.placed_leaves(databases["audit"])
            }

    def orphans(self, service: str) -> list[str]:
        """The ids of the rows that only the log still has, as its book of sources says."""
        with opened({"audit": self.addresses["audit"].reader}) as databases:
            ended = {
                one.epoch: one.ended_at
                for one in queries.sources(databases["audit"])
                if one.source == service
            }
        return [
            row
            for (source, epoch, position), row in self.leaves().items()
            if source == service and (end := ended[epoch]) is not None and position > end
        ]

    def findings(self) -> list[Finding]:
        """What `fundtrail check` would say, without the rows that are lost and known to be."""
        with opened({name: one.reader for name, one in self.addresses.items()}) as databases:
            found = [*invariants.broken(databases), *comparisons.differing(databases)]
        return [one for one in found if one.message != LOST]


def _person(number: int) -> NewPerson:
    commune, district = id_of("unit", f"commune-{number}"), id_of("unit", "district")
    name, benefits = f"Người {number}", (Benefit("martyr_mother", None, Period.parse("2024-01")),)
    return NewPerson(f"QN-{number:05d}", name, 1950, None, commune, district, benefits, "post", None, None)


def _unit(number: int) -> dict[str, Any]:
    return {
        "unit_id": str(id_of("unit", f"commune-{number}")),
        "code": f"{number:05d}",
        "name": f"Xã {number}",
        "kind": "commune",
        "level": 3,
        "valid_from": "1900-01-01",
        "valid_to": None,
        "assumed": False,
        "parents": [],
    }
