"""Servers of a campaign's own: a PostgreSQL that keeps what it is given and one Kafka node, to be struck.

Whatever strikes them, they are started again on the same data and the same ports.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from deploy.local.kafka import RunningKafka, ensure_library, find_tools, library_folder, start_kafka
from deploy.local.keeper import free_port
from deploy.local.postgres import RunningServer, Server, start_server
from tests.bench.site import Site
from tests.folders import fresh_folder, real_disk

STOPPED_WITHIN_S = 30


class Ground(Site):
    """A site whose servers can be stopped at once and started again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._postgres_port = free_port()
        self._kafka_ports = free_port(), free_port()
        self._postgres: RunningServer | None = None
        self._kafka: RunningKafka | None = None

    @cached_property
    def server(self) -> Server:
        """The superuser's way into this ground's PostgreSQL."""
        self.start_postgres()
        assert self._postgres is not None
        return self._postgres.server

    @cached_property
    def kafka_url(self) -> str:
        """The address of this ground's Kafka."""
        self.start_kafka()
        assert self._kafka is not None
        return self._kafka.url

    def start_postgres(self) -> None:
        """The server answers, after whatever recovery it needs."""
        log = self.folder / "postgres.log"
        self._postgres = start_server(self.folder, self._postgres_port, log, {}, lambda _: None)

    def strike_postgres(self) -> None:
        """What `pg_ctl stop -m immediate` does: sessions are cut off, nothing is written, recovery is due."""
        assert self._postgres is not None
        assert self._postgres.process is not None
        self._postgres.process.send_signal(signal.SIGQUIT)
        self._postgres.process.wait(STOPPED_WITHIN_S)

    def start_kafka(self) -> None:
        """The node answers."""
        tools = find_tools(os.environ)
        assert not isinstance(tools, str), tools
        library = ensure_library(library_folder(os.environ), tools, lambda _: None)
        self._kafka = start_kafka(self.folder, self._kafka_ports, library, tools, self.folder / "kafka.log")

    def strike_kafka(self) -> None:
        """The node is killed."""
        assert self._kafka is not None
        self._kafka.process.kill()
        self._kafka.process.wait(STOPPED_WITHIN_S)

    def close(self) -> None:
        """Stop what was started."""
        super().close()
        for one in (self._kafka, self._postgres):
            if one is not None:
                one.stop()


@contextlib.contextmanager
def open_ground() -> Iterator[Ground]:
    """A ground on a disk, not in memory: what is committed here is written."""
    folder = fresh_folder("faults", real_disk())
    ground = Ground(folder)
    try:
        yield ground
    finally:
        ground.close()
        shutil.rmtree(folder, ignore_errors=True)
