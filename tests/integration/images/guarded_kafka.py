"""A node of Apache Kafka as the containers run it: everybody signs in, and may do what the list says."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.kafka import acl, broker
from deploy.kafka.broker import Certificate, Place
from deploy.local.kafka import Tools, ensure_library, find_tools, library_folder, prepare_kafka
from deploy.local.keeper import free_port
from deploy.local.spawn import spawn, stop, tail
from shared.bus.open import open_bus
from shared.kernel.errors import Unavailable
from shared.testing.waiting import wait_until

START_S = 90
STOP_S = 30


@dataclass(frozen=True, slots=True)
class Guarded:
    """A node that runs, and the words by which its users sign in."""

    port: int
    passwords: Mapping[str, str]
    options: str

    def url(self, user: str, password: str | None = None) -> str:
        word = self.passwords[user] if password is None else password
        return f"kafka://{user}:{word}@127.0.0.1:{self.port}{self.options}"

    def answers(self) -> bool:
        bus = open_bus(self.url(acl.ADMINISTRATOR), "tests")
        try:
            bus.topic_ids(["unknown"])
        except Unavailable:
            return False
        finally:
            bus.close()
        return True


@contextlib.contextmanager
def guarded_kafka(
    folder: Path,
    certificate: Certificate | None = None,
    passwords: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[Guarded]:
    """A node with its data in the folder, stopped at the end."""
    tools = find_tools(os.environ)
    if not isinstance(tools, Tools):
        pytest.skip(f"Apache Kafka is not here: {tools}")
    ports = port or free_port(), free_port()
    users = (acl.ADMINISTRATOR, *acl.READS)
    passwords = passwords or {name: secrets.token_urlsafe(12) for name in users}
    options = f"?ca={certificate.authority}" if certificate else ""
    node = Guarded(ports[0], passwords, options)
    place = Place(str(folder / "kafka" / "data"), "127.0.0.1", "127.0.0.1", *ports)
    told = broker.properties(place, passwords, certificate)
    library = ensure_library(library_folder(os.environ), tools, print)
    log = folder / "kafka.log"
    process = spawn(prepare_kafka(folder, ports, library, tools, log, told))
    try:
        wait_until(lambda: process.poll() is not None or node.answers(), START_S, "a guarded Kafka")
        assert process.poll() is None, tail(log, 40)
        yield node
    finally:
        stop(process, signal.SIGTERM, STOP_S)
