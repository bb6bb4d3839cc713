"""The five databases, opened with roles that can only read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from deploy.local.state import Home

SERVICES = ("allocation", "beneficiaries", "notifications", "audit", "portal")

CURE = "start the instance once more with `make run`: it writes the file anew."

Databases = Mapping[str, Connection]


class AddressesUnknown(Exception):
    """It is not known where the databases are; the message says what to do."""


def reader_addresses(home: Home) -> dict[str, str]:
    """The address of each service's database for its reader.

    Raises: AddressesUnknown before a first start, or where the file does not name every database.
    """
    try:
        told = json.loads(Path(home.addresses).read_text())
    except FileNotFoundError:
        raise AddressesUnknown(f"{home.root} holds no instance; start one with `make run`.") from None
    except ValueError as error:
        raise AddressesUnknown(f"{home.addresses} is no JSON ({error}); {CURE}") from error
    found = {service: _reader_in(told, service) for service in SERVICES}
    missing = [service for service, address in found.items() if not address]
    if missing:
        raise AddressesUnknown(
            f"{home.addresses} names no reader of the database of {', '.join(missing)}, so nothing can be "
            f"checked; {CURE}"
        )
    return found


def _reader_in(told: object, service: str) -> str:
    """The address told for the reader of a service, empty where there is none."""
    roles = told.get(service) if isinstance(told, dict) else None
    address = roles.get("reader") if isinstance(roles, dict) else None
    return address if isinstance(address, str) else ""


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
