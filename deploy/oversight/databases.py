"""The five databases, opened with roles that can only read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from deploy.local.state import Home

SERVICES = ("allocation", "beneficiaries", "notifications", "audit", "portal")

Databases = Mapping[str, Connection]


def reader_addresses(home: Home) -> dict[str, str]:
    """The address of each service's database for its reader.

    Raises: FileNotFoundError before a first start.
    """
    told = json.loads(Path(home.addresses).read_text())
    return {service: told[service]["reader"] for service in SERVICES}


@contextmanager
def opened(addresses: Mapping[str, str]) -> Iterator[Databases]:
    """A connection to each database, each seeing one state of it and unable to write."""
    with ExitStack() as stack:
        connections = {}
        for service, address in addresses.items():
            engine = create_engine(address, connect_args={"application_name": "fundtrail-check"})
            stack.callback(engine.dispose)
            connection = stack.enter_context(engine.connect())
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            connections[service] = connection
        yield connections
