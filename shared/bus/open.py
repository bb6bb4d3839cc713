"""The adapter that an address names."""

from __future__ import annotations

from shared.bus import kafka_address
from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus
from shared.bus.postgres import PostgresBus

POSTGRES = "postgresql+psycopg://"


def open_bus(url: str, client: str, member: str | None = None) -> Bus:
    """A bus for `kafka://...` (`kafka_address`) or `postgresql+psycopg://...`; connects at its first use.

    A process that is known as a `member` takes its places in Kafka's groups over at once when it comes back
    after a crash; nobody else may go by that name meanwhile.

    Raises: ValueError for any other address.
    """
    if url.startswith(kafka_address.SCHEME):
        address = kafka_address.parse(url)
        return KafkaBus(address.servers, client, address.security, member)
    if url.startswith(POSTGRES):
        return PostgresBus("postgresql://" + url.removeprefix(POSTGRES), client)
    raise ValueError(
        f"A bus address begins with {kafka_address.SCHEME} or {POSTGRES}; this one is "
        f"{url.split(':', 1)[0]}:..."
    )
