"""Writing the log: tiles, bundles and packs of data by COPY, one row for the open edge, one per journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.log import packs
from services.audit.log.keyring import LogKey
from services.audit.log.model import Arrival, Lane, Lineup, SignedCheckpoint
from services.audit.log.notes import Checkpoint, VerifierKey
from services.audit.log.tables import (
    log_bundles,
    log_checkpoints,
    log_data,
    log_holes,
    log_keys,
    log_sources,
    log_staged,
    log_state,
    log_tiles,
)
from services.audit.log.tiles import TILE_HEIGHT, TILE_WIDTH, Edge, Growth, TileReader
from shared.db.many import array_of_numbers

APPEND_LOCK = 6_962_001  # one appender at a time, whichever process it runs in
SIGN_LOCK = 6_962_002
STAGED_ROWS_PAGE = 10_000
STAGED_BYTES_PAGE = 16 * 1024 * 1024  # of leaves and data; one row more may follow
PACKS_AT_ONCE = 16
STAGED_COLUMNS = {
    "source": "text",
    "epoch": "int4",
    "position": "int8",
    "leaf": "bytea",
    "data": "bytea",
    "opens_epoch": "bool",
}

LANES_STAGED = text(
    "SELECT l.source, l.epoch, l.taken "
    "FROM unnest(CAST(:sources AS text[]), CAST(:epochs AS integer[]), CAST(:taken AS bigint[])) "
    "AS l (source, epoch, taken) WHERE EXISTS (SELECT FROM log_staged s "
    "WHERE s.source = l.source AND s.epoch = l.epoch AND s.position <= l.taken + 1)"
)
FORGET_STAGED = text(
    "DELETE FROM log_staged WHERE source = :source AND epoch = :epoch AND position <= :taken"
)
UNSTAGE = text(
    "DELETE FROM log_staged s USING (SELECT position, row_number() OVER so_far AS number, "
    "sum(octet_length(leaf) + octet_length(data)) OVER so_far AS bytes FROM log_staged "
    "WHERE source = :source AND epoch = :epoch AND position > :taken "
    "WINDOW so_far AS (ORDER BY position ROWS UNBOUNDED PRECEDING) ORDER BY position LIMIT :rows) n "
    "WHERE s.source = :source AND s.epoch = :epoch AND s.position = n.position "
    "AND n.position = :taken + n.number AND (n.number = 1 OR n.bytes <= :bytes) "
    "RETURNING s.position, s.leaf, s.data, s.opens_epoch"
)
PACKS_OF = text(
    "SELECT index, data FROM log_data WHERE index IN (SELECT (SELECT max(p.index) FROM log_data p "
    "WHERE p.index <= w.wanted) FROM unnest(CAST(:wanted AS bigint[])) AS w (wanted))"
)


def lock(connection: Connection, number: int) -> None:
    """Wait for the lock, which the transaction then holds to its end."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def begin(connection: Connection, origin: str, vkey: str) -> None:
    """An empty log of this name, under its first key."""
    connection.execute(insert(log_state).values(origin=origin, size=0, tiles=[], bundle=b""))
    add_key(connection, 1, vkey, 0)


def origin(connection: Connection) -> str | None:
    """The name of the log, or None where none was begun."""
    found: str | None = connection.scalar(select(log_state.c.origin))
    return found


def ring(connection: Connection) -> list[LogKey]:
    """Every key of the log, in the order in which they were begun.

    Raises: NoteInvalid where a row holds no key.
    """
    rows = connection.execute(select(log_keys).order_by(log_keys.c.number))
    return [LogKey(row.number, VerifierKey.parse(row.vkey), row.begun_size, row.ended_size) for row in rows]


def add_key(connection: Connection, number: int, vkey: str, begun_size: int) -> None:
    """A key signs from now on."""
    connection.execute(insert(log_keys).values(number=number, vkey=vkey, begun_size=begun_size))


def end_key(connection: Connection, number: int, ended_size: int) -> None:
    """A key signs nothing over more entries than these."""
    connection.execute(update(log_keys).where(log_keys.c.number == number).values(ended_size=ended_size))


def edge(connection: Connection) -> Edge:
    """The right edge of the stored tree."""
    row = connection.execute(select(log_state.c.size, log_state.c.tiles, log_state.c.bundle)).one()
    return Edge(row.size, tuple(bytes(tile) for tile in row.tiles), bytes(row.bundle))


def save_growth(connection: Connection, before: Edge, growth: Growth, arrivals: Sequence[Arrival]) -> None:
    """Write what adding the arrivals made: full tiles and bundles, every row's data, the new edge."""
    tiles = [(tile.level, tile.index, tile.data) for tile in growth.tiles if tile.width == TILE_WIDTH]
    bundles = [(bundle.index, bundle.data) for bundle in growth.bundles if bundle.width == TILE_WIDTH]
    data = packs.cut(before.size, [arrival.data for arrival in arrivals])
    _copy(connection, log_tiles, {"level": "int2", "index": "int8", "data": "bytea"}, tiles)
    _copy(connection, log_bundles, {"index": "int8", "data": "bytea"}, bundles)
    _copy(connection, log_data, {"index": "int8", "data": "bytea"}, data)
    edge_now = growth.edge
    connection.execute(
        update(log_state).values(size=edge_now.size, tiles=list(edge_now.tiles), bundle=edge_now.bundle)
    )


def tile_reader(connection: Connection, of: Edge | None = None) -> TileReader:
    """Tiles as stored, the open ones from the edge; each is read once."""
    known = of or edge(connection)
    read: dict[tuple[int, int], bytes] = {}

    def reader(level: int, index: int) -> bytes:
        if index == known.size >> TILE_HEIGHT * (level + 1) and level < len(known.tiles):
            return known.tiles[level]
        if (level, index) not in read:
            query = select(log_tiles.c.data).where(log_tiles.c.level == level, log_tiles.c.index == index)
            read[level, index] = bytes(connection.scalar(query) or b"")
        return read[level, index]

    return reader


def lanes(connection: Connection) -> dict[Lane, int]:
    """How far each journal has been taken into the log."""
    rows = connection.execute(select(log_sources.c.source, log_sources.c.epoch, log_sources.c.taken))
    return {Lane(row.source, row.epoch): row.taken for row in rows}


def save_lanes(connection: Connection, lineup: Lineup) -> None:
    """Remember how far each of the lanes has been taken; a new one begins at its first ready row."""
    first: dict[Lane, int] = {}
    for arrival in lineup.ready:
        first.setdefault(arrival.lane, arrival.position)
    rows = [
        {"source": lane.source, "epoch": lane.epoch, "first_position": position, "taken": lineup.taken[lane]}
        for lane, position in first.items()
    ]
    statement = upsert(log_sources)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "epoch"], set_={"taken": statement.excluded.taken}
        ),
        rows,
    )


def stage(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    """Keep rows that came before their turn; one that is kept already stays as it is.

    Bounds: for the holder of the append lock, so that nobody else stages the same rows meanwhile.
    """
    by_lane: dict[Lane, list[Arrival]] = {}
    for arrival in arrivals:
        by_lane.setdefault(arrival.lane, []).append(arrival)
    for lane, some in by_lane.items():
        kept = _staged(connection, lane, [one.position for one in some])
        rows = (
            (lane.source, lane.epoch, one.position, one.leaf, one.data, one.opens_epoch)
            for one in some
            if one.position not in kept
        )
        _copy(connection, log_staged, STAGED_COLUMNS, rows)


def unstage(connection: Connection, lane: Lane, taken: int) -> list[Arrival]:
    """The staged rows that follow `taken` without a gap, in order; they are staged no longer.

    Rows that the log has by now are dropped on the way.
    Bounds: at most 10,000 rows and 16 MiB; the rest follows with the next call.
    """
    place = {"source": lane.source, "epoch": lane.epoch, "taken": taken}
    connection.execute(FORGET_STAGED, place)
    rows = connection.execute(UNSTAGE, place | {"rows": STAGED_ROWS_PAGE, "bytes": STAGED_BYTES_PAGE}).all()
    arrivals = [
        Arrival(lane, row.position, bytes(row.leaf), bytes(row.data), row.opens_epoch) for row in rows
    ]
    return sorted(arrivals, key=lambda arrival: arrival.position)


def lanes_staged(connection: Connection, taken: Mapping[Lane, int]) -> dict[Lane, int]:
    """Those of the lanes of which the next row, or one that the log has, is staged."""
    asked = list(taken)
    rows = connection.execute(
        LANES_STAGED,
        {
            "sources": [lane.source for lane in asked],
            "epochs": [lane.epoch for lane in asked],
            "taken": [taken[lane] for lane in asked],
        },
    )
    return {Lane(row.source, row.epoch): row.taken for row in rows}


def holes(connection: Connection, staged_before: datetime) -> list[tuple[Lane, int]]:
    """Each lane whose staged rows have waited since before that instant, with the position they wait for."""
    rows = connection.execute(
        select(
            log_staged.c.source,
            log_staged.c.epoch,
            func.coalesce(func.max(log_sources.c.taken), 0).label("taken"),
        )
        .outerjoin(
            log_sources,
            (log_sources.c.source == log_staged.c.source) & (log_sources.c.epoch == log_staged.c.epoch),
        )
        .where(log_staged.c.staged_at < staged_before)
        .group_by(log_staged.c.source, log_staged.c.epoch)
        .order_by(log_staged.c.source, log_staged.c.epoch)
    )
    return [(Lane(row.source, row.epoch), row.taken + 1) for row in rows]


def note_hole(connection: Connection, lane: Lane, position: int) -> bool:
    """Whether the hole is newly noticed."""
    statement = upsert(log_holes).values(source=lane.source, epoch=lane.epoch, position=position)
    noted = statement.on_conflict_do_nothing().returning(log_holes.c.position)
    return connection.execute(noted).first() is not None


def keep_checkpoint(connection: Connection, checkpoint: Checkpoint, note: str) -> None:
    """Store a checkpoint that is now signed."""
    connection.execute(insert(log_checkpoints).values(size=checkpoint.size, root=checkpoint.root, note=note))


def newest_checkpoint(connection: Connection) -> SignedCheckpoint | None:
    """The checkpoint over most entries, or None before the first was signed."""
    row = connection.execute(
        select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(1)
    ).one_or_none()
    return SignedCheckpoint(row.size, bytes(row.root), row.note, row.signed_at) if row else None


def packs_of(connection: Connection, indexes: Iterable[int]) -> Iterator[packs.Pack]:
    """The packs that hold the data of entries, or would if there were such entries."""
    rows = connection.execute(PACKS_OF, {"wanted": array_of_numbers(indexes)})
    return (packs.Pack(first, bytes(data)) for first, data in rows)


def packs_between(connection: Connection, span: range) -> Iterator[packs.Pack]:
    """The packs that begin at one of the entries of the span, in their order."""
    query = select(log_data).where(log_data.c.index >= span.start, log_data.c.index < span.stop)
    streamed = {"yield_per": PACKS_AT_ONCE}
    for first, data in connection.execute(query.order_by(log_data.c.index), execution_options=streamed):
        yield packs.Pack(first, bytes(data))


def _staged(connection: Connection, lane: Lane, positions: Sequence[int]) -> set[int]:
    query = text(
        "SELECT position FROM log_staged WHERE source = :source AND epoch = :epoch "
        "AND position IN (SELECT unnest(CAST(:positions AS bigint[])))"
    )
    place = {"source": lane.source, "epoch": lane.epoch, "positions": array_of_numbers(positions)}
    return set(connection.scalars(query, place))


def _copy(
    connection: Connection, table: Table, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]
) -> None:
    """Binary COPY: as text, every byte of a bytea is two."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("COPY needs a psycopg connection.")
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)
