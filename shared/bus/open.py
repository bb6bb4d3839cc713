"""The adapter that an address names."""

from __future__ import annotations

from shared.bus import kafka_address
from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus
from shared.bus.postgres import PostgresBus

POSTGRES = "postgresql+psycopg://"


def open_bus(url: str, client: str) -> Bus:
    """A bus for `kafka://...` (`kafka_address`) or `postgresql+psycopg://...`; connects at its first use.

    Raises: ValueError for any other address.
    """
    if url.startswith(kafka_address.SCHEME):
        address = kafka_address.parse(url)
        return KafkaBus(address.servers, client, address.security)
    if url.startswith(POSTGRES):
        return PostgresBus("postgresql://" + url.removeprefix(POSTGRES), client)
    raise ValueError(
        f"A bus address begins with {kafka_address.SCHEME} or {POSTGRES}; this one is "
        f"{url.split(':', 1)[0]}:..."
    )
