"""The ground that benches stand on: a PostgreSQL of their own that keeps what it is given, and a real Kafka.

Nothing of an instance is touched; everything is removed at the end.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from deploy.local.keeper import free_port, lease
from deploy.local.postgres import Server, start_server
from deploy.local.provisioning import Addresses, provision
from deploy.local.scratch import Fill, ScratchDatabases
from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.clock import SystemClock
from tests.conftest import migrate_service
from tests.folders import fresh_folder, real_disk

# Of the machine that a province would give it: 24 GiB. Durability is never traded.
SETTINGS = {
    "shared_buffers": "2GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "effective_cache_size": "12GB",
    "max_wal_size": "8GB",
}


class Site:
    """Servers that start at their first use and stop with the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self._stack = contextlib.ExitStack()

    @cached_property
    def server(self) -> Server:
        """The superuser's way into the PostgreSQL of this run."""
        running = start_server(
            self.folder, free_port(), self.folder / "postgres.log", {}, lambda _: None, SETTINGS
        )
        self._stack.callback(running.stop)
        return running.server

    @cached_property
    def _scratch(self) -> ScratchDatabases:
        secrets = self.folder / "databases.json"
        provision(self.server, secrets)
        made = ScratchDatabases(self.server, json.loads(secrets.read_text()))
        self._stack.callback(made.close)
        return made

    @cached_property
    def kafka_url(self) -> str:
        """The address of a real Apache Kafka."""
        return self._stack.enter_context(lease("kafka", self.folder))["url"]

    @contextlib.contextmanager
    def database(self, service: str, fill: Fill | None = None) -> Iterator[Addresses]:
        """A migrated database of a service, dropped afterwards; what `fill` puts in is put in once."""
        with self._scratch.fresh(service, lambda url: migrate_service(service, url), fill) as addresses:
            yield addresses

    @contextlib.contextmanager
    def working(self, addresses: Addresses, name: str = "bench") -> Iterator[UnitOfWork]:
        """Units of work as the service's own role."""
        with engine_of(addresses.service, name) as engine:
            yield UnitOfWork(engine, self.clock)

    @contextlib.contextmanager
    def kafka(self, client: str) -> Iterator[Bus]:
        """A client of the real Kafka."""
        bus = open_bus(self.kafka_url, client)
        try:
            yield bus
        finally:
            bus.close()

    def act(self) -> Act:
        """An act of the benches' own."""
        return Act("bench", self.clock.now())

    def close(self) -> None:
        """Stop what was started."""
        self._stack.close()


@contextlib.contextmanager
def engine_of(url: str, name: str) -> Iterator[Engine]:
    """An engine that is closed at the end."""
    engine = make_engine(url, application=name)
    try:
        yield engine
    finally:
        engine.dispose()


@contextlib.contextmanager
def open_site(say: Callable[[str], None]) -> Iterator[Site]:
    """A site on a disk, not in memory: what is committed here is written."""
    folder = fresh_folder("bench", real_disk())
    site = Site(folder)
    try:
        say(f"Benches stand in {folder}.")
        yield site
    finally:
        site.close()
        shutil.rmtree(folder, ignore_errors=True)
