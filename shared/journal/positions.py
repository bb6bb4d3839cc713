"""Positions: a row's rank by sequence number, gapless and the same after every restart.

Rows with a number up to s are final once no transaction that was open when s was read can still commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.types import NULLTYPE

from shared.journal.envelope import Envelope
from shared.journal.tables import journal, journal_cursor, journal_epochs, journal_marks

MARK_EVERY = 10_000
PAGE_BYTES = 8 * 1024 * 1024
FIRST_EPOCH = 1
# The number, then what an envelope tells of a row, in the order of its fields: a row is read by its places,
# as to ask for each column by its name takes longer than to read them. Its values are taken as the driver
# reads them: SQLAlchemy would go through each array and each bytes in Python, and change nothing.
_COLUMNS = (
    journal.c.seq,
    cast(journal.c.id, Text).label("id"),
    journal.c.topic,
    journal.c.type,
    journal.c.key,
    journal.c.subjects,
    journal.c.occurred_at,
    journal.c.recorded_at,
    journal.c.actor,
    journal.c.backdated,
    journal.c.data,
    journal.c.on_behalf_of,
    journal.c.unit,
    journal.c.reason,
    journal.c.correlation,
    journal.c.causation,
    journal.c.traceparent,
    func.encode(journal.c.items_root, "hex").label("items_root"),
)
_ROW = tuple([type_coerce(column, NULLTYPE).label(column.name) for column in _COLUMNS])


def _page_query() -> Select[Any]:
    so_far = func.sum(func.octet_length(journal.c.data)).over(order_by=journal.c.seq, rows=(None, 0))
    next_rows = (
        select(*_ROW, so_far.label("so_far"))
        .where(journal.c.seq > bindparam("after"), journal.c.seq <= bindparam("final"))
        .order_by(journal.c.seq)
        .limit(bindparam("most"))
        .subquery()
    )
    fits = (next_rows.c.so_far <= PAGE_BYTES) | (next_rows.c.so_far == func.octet_length(next_rows.c.data))
    wanted = [column for column in next_rows.c if column.name != "so_far"]
    return select(*wanted).where(fits).order_by(next_rows.c.seq)


_PAGE = _page_query()
_DRAWN = "(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM journal_seq_seq)"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the relay has sent: the position and sequence number of the last row sent."""

    position: int
    seq: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the journal and its relay are: while neither number moves, there is nothing to send."""

    drawn: int
    sent: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of positions between two restores."""

    epoch: int
    first_position: int


class Watermark:
    """Finds how far the journal is final, without ever waiting for a writer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pending: tuple[int, str] | None = None
        self.final_seq = 0

    def advance(self) -> int:
        """The highest sequence number up to which no row can appear any more."""
        with self._engine.begin() as connection:
            if self._pending is None:
                self._pending = self._take(connection)
        if self._pending is not None:
            with self._engine.begin() as connection:
                seq, xid = self._pending
                if _all_before_are_over(connection, xid):
                    self.final_seq, self._pending = seq, None
        return self.final_seq

    def _take(self, connection: Connection) -> tuple[int, str] | None:
        # The number is read first and the transaction id taken after it: every row up to that number then
        # belongs to a transaction with a lower id, because a row takes its id before its number.
        seq = connection.scalar(text(f"SELECT {_DRAWN}"))
        if seq is None or seq <= self.final_seq:
            return None
        xid = connection.scalar(text("SELECT pg_current_xact_id()::text"))
        return int(seq), str(xid)


def _all_before_are_over(connection: Connection, xid: str) -> bool:
    query = text("SELECT pg_snapshot_xmin(pg_current_snapshot()) > CAST(CAST(:xid AS text) AS xid8)")
    return bool(connection.scalar(query, {"xid": xid}))


def standing(connection: Connection) -> Standing:
    """The highest sequence number drawn and the number of the last row sent, by one short query."""
    row = connection.execute(text(f"SELECT {_DRAWN} AS drawn, seq AS sent FROM journal_cursor")).one()
    return Standing(row.drawn, row.sent)


def cursor(connection: Connection) -> Cursor:
    """Where the relay stands."""
    row = connection.execute(select(journal_cursor.c.position, journal_cursor.c.seq)).one()
    return Cursor(row.position, row.seq)


def move(connection: Connection, old: Cursor, new: Cursor) -> bool:
    """Whether the cursor stood at `old` and stands at `new` now; marks are kept on the way."""
    moved = connection.execute(
        update(journal_cursor)
        .where(journal_cursor.c.position == old.position, journal_cursor.c.seq == old.seq)
        .values(position=new.position, seq=new.seq)
    )
    return moved.rowcount == 1


def mark(connection: Connection, position: int, seq: int) -> None:
    """Remember the sequence number of a round position, so that a restart need not count from the first."""
    connection.execute(
        text("INSERT INTO journal_marks (position, seq) VALUES (:position, :seq) ON CONFLICT DO NOTHING"),
        {"position": position, "seq": seq},
    )


def epochs(connection: Connection) -> list[Epoch]:
    """All epochs, oldest first."""
    rows = connection.execute(select(journal_epochs).order_by(journal_epochs.c.epoch))
    return [Epoch(row.epoch, row.first_position) for row in rows]


def page(
    connection: Connection, source: str, after: Cursor, final_seq: int, limit: int
) -> list[tuple[int, Envelope]]:
    """The next final rows with their sequence numbers, as envelopes with gapless positions.

    Bounds: at most `limit` rows, and beyond the first at most 8 MiB of data: bulk rows have 256 KiB each.
    """
    bounds = {"after": after.seq, "final": final_seq, "most": limit}
    rows = connection.execute(_PAGE, bounds).all()
    known = epochs(connection)
    return [
        (row[0], to_envelope(row, source, position, epoch_of(known, position)))
        for position, row in enumerate(rows, after.position + 1)
    ]


def at(connection: Connection, source: str, position: int) -> Envelope | None:
    """The row at a position, or None where the journal is shorter."""
    nearest = connection.execute(
        select(journal_marks)
        .where(journal_marks.c.position <= position - 1)
        .order_by(journal_marks.c.position.desc())
        .limit(1)
    ).one_or_none()
    start = Cursor(nearest.position, nearest.seq) if nearest else Cursor(0, 0)
    row = connection.execute(
        select(*_ROW)
        .where(journal.c.seq > start.seq)
        .order_by(journal.c.seq)
        .offset(position - start.position - 1)
        .limit(1)
    ).one_or_none()
    return to_envelope(row, source, position, epoch_of(epochs(connection), position)) if row else None


def head(connection: Connection) -> int:
    """The number of rows committed so far, which is the position of the newest once all are final."""
    sent = cursor(connection)
    later = connection.scalar(select(func.count()).select_from(journal).where(journal.c.seq > sent.seq))
    return sent.position + int(later or 0)


def begin_epoch(connection: Connection, reason: str) -> Epoch:
    """A new epoch that begins after the last row this database still has; writing may go on."""
    known = epochs(connection)
    rows = int(connection.scalar(select(func.count()).select_from(journal)) or 0)
    epoch = Epoch(known[-1].epoch + 1, rows + 1)
    connection.execute(
        insert(journal_epochs).values(epoch=epoch.epoch, first_position=epoch.first_position, reason=reason)
    )
    connection.execute(update(journal_cursor).values(halted=None))
    return epoch


def epoch_of(known: Sequence[Epoch], position: int) -> int:
    """The epoch that a position belongs to."""
    for epoch in reversed(known):
        if epoch.first_position <= position:
            return epoch.epoch
    return FIRST_EPOCH


def to_envelope(row: Sequence[Any], source: str, position: int, epoch: int) -> Envelope:
    """A journal row, read in the order of `_ROW`, with its place in the order."""
    _, row_id, topic, event_type, key, subjects, *rest = row
    return Envelope(row_id, source, epoch, position, topic, event_type, key, tuple(subjects), *rest)
