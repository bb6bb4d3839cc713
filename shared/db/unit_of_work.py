"""One change, one transaction, one trail: the only place that commits.

A unit of work holds the state, the journal rows and the inbox or idempotency row of what caused them.
Leaving the block normally keeps all of it; any exception keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.journal import halt, recording
from shared.journal.recording import Draft, Event, Topic
from shared.kernel.acts import Act
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected, Unavailable

# Raised by PostgreSQL when the same work may succeed later: serialization failure, deadlock, no space,
# too many connections, shutting down, cannot connect now.
TRANSIENT_STATES = frozenset({"40001", "40P01", "53100", "53200", "53300", "57P01", "57P02", "57P03"})


class Work:
    """A transaction under way and the act it belongs to."""

    def __init__(self, connection: Connection, act: Act, now: datetime) -> None:
        self.connection = connection
        self.act = act
        self.now = now

    def record(self, event: Event, topic: Topic = Topic.EVENTS) -> UUID:
        """The id of the journal row that now tells of the event, kept or lost with this transaction."""
        return self.record_many([event], topic)[0]

    def record_many(self, events: Sequence[Event], topic: Topic = Topic.EVENTS) -> list[UUID]:
        """The ids of the journal rows of several events, in their order."""
        return self.record_drafts([recording.draft(event) for event in events], topic)

    def record_drafts(self, drafts: Sequence[Draft], topic: Topic = Topic.EVENTS) -> list[UUID]:
        """The ids of the journal rows of events that were drafted before, in their order."""
        return recording.record(self.connection, self.act, drafts, topic)

    def under(self, act: Act) -> Work:
        """The same transaction under another act."""
        return Work(self.connection, act, self.now)

    def because(self, reason: str) -> Work:
        """The same transaction and act, with the reason that the actor gave."""
        return self.under(replace(self.act, reason=reason))


def record_together(told: Sequence[tuple[Work, Draft]], topic: Topic = Topic.EVENTS) -> list[UUID]:
    """The ids of the journal rows of several acts of one transaction, each under its own, by one statement.

    Shape: all work is one transaction's; the rows come in the order given.
    """
    if not told:
        return []
    connection = told[0][0].connection
    return recording.record_each(connection, [(work.act, one) for work, one in told], topic)


class UnitOfWork:
    """Opens transactions on one service's database."""

    def __init__(
        self, engine: Engine, clock: Clock, refusals: Mapping[str, Callable[[], Rejected]] | None = None
    ) -> None:
        self.engine = engine
        self.clock = clock
        self._refusals = refusals or {}
        self._halt = halt.Watch(clock)

    @contextmanager
    def begin(self, act: Act, *, although_halted: bool = False) -> Iterator[Work]:
        """A transaction that is committed when the block ends normally and rolled back otherwise.

        Only the act that ends a halt goes on although the database is halted.
        Raises: Unavailable where the database cannot be reached, is overloaded, or is halted after a
        restore; the domain error that belongs to a violated constraint.
        """
        with self._translated(), self.engine.begin() as connection:
            if not although_halted:
                self._halt.ensure_running(connection)
            yield Work(connection, act, self.clock.now())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction that sees one state of the database from begin to end."""
        with self._translated(), self.engine.connect() as connection:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise self._refusal_of(error, error.orig) from error
        except psycopg.IntegrityError as error:  # of a statement that was asked of the driver itself
            raise self._refusal_of(error, error) from error
        except PoolTimeout as error:
            raise Unavailable("Every database connection is in use; try again shortly.") from error
        except OperationalError as error:
            raise Unavailable("The database cannot be reached or is busy; nothing was changed.") from error
        except psycopg.OperationalError as error:  # as above
            raise Unavailable("The database broke off the work; nothing was changed.") from error
        except DBAPIError as error:
            if error.connection_invalidated or _state(error) in TRANSIENT_STATES:
                raise Unavailable("The database broke off the work; nothing was changed.") from error
            raise

    def _refusal_of(self, error: Exception, cause: object) -> Exception:
        name = getattr(getattr(cause, "diag", None), "constraint_name", None)
        refusal = self._refusals.get(name or "")
        return refusal() if refusal else error


def _state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")
