"""Engines: one pool per process and database, with every limit that matters set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine

from shared.telemetry import tracing

POOL_SIZE = 5
POOL_TIMEOUT_S = 10
CONNECT_TIMEOUT_S = 5
RECYCLE_S = 900
KEEPALIVE_S = 10  # a server that vanished is noticed in 40 s and not in two hours
KEEPALIVES_UNANSWERED = 3
UNSENT_AFTER_MS = 30_000


def make_engine(url: str, *, application: str, pool_size: int = POOL_SIZE) -> Engine:
    """An engine for a `postgresql+psycopg://` address; nothing connects before the first use.

    Every process makes its engine first, and where traces are asked for they begin with it.
    Bounds: at most twice `pool_size` connections; a caller waits 10 s for one, 5 s for the server.
    """
    tracing.begin(application)
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_TIMEOUT_S,
        pool_recycle=RECYCLE_S,
        pool_pre_ping=True,
        use_native_hstore=False,  # we have none: to look for its type takes a fifth of a first connection
        connect_args={
            "application_name": application,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "keepalives_idle": KEEPALIVE_S,
            "keepalives_interval": KEEPALIVE_S,
            "keepalives_count": KEEPALIVES_UNANSWERED,
            "tcp_user_timeout": UNSENT_AFTER_MS,
            "options": "-c timezone=UTC",
        },
    )


@contextmanager
def dedicated(engine: Engine) -> Iterator[Connection]:
    """A connection that commits each statement and is closed at the end, so that its locks end with it.

    One that went back to the pool would keep the session's advisory locks, out of its owner's reach.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        yield connection
