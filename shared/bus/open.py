"""The adapter that an address names."""

from __future__ import annotations

from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus
from shared.bus.postgres import PostgresBus

KAFKA = "kafka://"
POSTGRES = "postgresql+psycopg://"


def open_bus(url: str, client: str) -> Bus:
    """A bus for `kafka://host:port[,host:port]` or `postgresql+psycopg://...`; connects at its first use.

    Raises: ValueError for any other address.
    """
    if url.startswith(KAFKA):
        return KafkaBus(url.removeprefix(KAFKA).split(","), client)
    if url.startswith(POSTGRES):
        return PostgresBus("postgresql://" + url.removeprefix(POSTGRES), client)
    raise ValueError(
        f"A bus address begins with {KAFKA} or {POSTGRES}; this one is {url.split(':', 1)[0]}:..."
    )
