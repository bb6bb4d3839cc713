"""Writing the log: tiles, bundles and data by COPY, one row for the open edge, one per journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.log.model import Arrival, Lane, SignedCheckpoint
from services.audit.log.notes import Checkpoint
from services.audit.log.tables import (
    log_bundles,
    log_checkpoints,
    log_data,
    log_holes,
    log_sources,
    log_staged,
    log_state,
    log_tiles,
)
from services.audit.log.tiles import TILE_HEIGHT, TILE_WIDTH, Edge, Growth, TileReader
from shared.db.copy import copy_rows

APPEND_LOCK = 6_962_001  # one appender at a time, whichever process it runs in
SIGN_LOCK = 6_962_002
STAGED_PAGE = 500  # rows of up to 256 KiB each, so this bounds memory


def lock(connection: Connection, number: int) -> None:
    """Wait for the lock, which the transaction then holds to its end."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def begin(connection: Connection, origin: str, vkey: str) -> None:
    """An empty log of this name."""
    connection.execute(insert(log_state).values(origin=origin, vkey=vkey, size=0, tiles=[], bundle=b""))


def identity(connection: Connection) -> tuple[str, str] | None:
    """Origin and verifier key of the log, or None where none was begun."""
    row = connection.execute(select(log_state.c.origin, log_state.c.vkey)).one_or_none()
    return (row.origin, row.vkey) if row else None


def edge(connection: Connection) -> Edge:
    """The right edge of the stored tree."""
    row = connection.execute(select(log_state.c.size, log_state.c.tiles, log_state.c.bundle)).one()
    return Edge(row.size, tuple(bytes(tile) for tile in row.tiles), bytes(row.bundle))


def save_growth(connection: Connection, before: Edge, growth: Growth, arrivals: Sequence[Arrival]) -> None:
    """Write what adding the arrivals made: full tiles and bundles, every row's data, the new edge."""
    tiles = [(tile.level, tile.index, tile.data) for tile in growth.tiles if tile.width == TILE_WIDTH]
    bundles = [(bundle.index, bundle.data) for bundle in growth.bundles if bundle.width == TILE_WIDTH]
    data = [(index, arrival.data) for index, arrival in enumerate(arrivals, before.size)]
    for table, columns, rows in (
        (log_tiles, ("level", "index", "data"), tiles),
        (log_bundles, ("index", "data"), bundles),
        (log_data, ("index", "data"), data),
    ):
        if rows:
            copy_rows(connection, table, columns, rows)
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


def save_lanes(connection: Connection, taken: Mapping[Lane, int], ready: Sequence[Arrival]) -> None:
    """Remember how far each of the lanes has been taken; a new one begins at its first ready row."""
    first: dict[Lane, int] = {}
    for arrival in ready:
        first.setdefault(arrival.lane, arrival.position)
    rows = [
        {"source": lane.source, "epoch": lane.epoch, "first_position": position, "taken": taken[lane]}
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
    """Keep rows that came before their turn; one that is kept already stays as it is."""
    if not arrivals:
        return
    rows = [
        {
            "source": one.lane.source,
            "epoch": one.lane.epoch,
            "position": one.position,
            "leaf": one.leaf,
            "data": one.data,
            "opens_epoch": one.opens_epoch,
        }
        for one in arrivals
    ]
    connection.execute(upsert(log_staged).on_conflict_do_nothing(), rows)


def unstage(connection: Connection, lane: Lane, taken: int) -> list[Arrival]:
    """The staged rows that follow `taken` without a gap, in order; they are staged no longer.

    Rows that the log has by now are dropped on the way.
    Bounds: at most 500; the rest follows with the next call.
    """
    _forget_staged(connection, lane, taken)
    rows = connection.execute(
        text(
            "DELETE FROM log_staged s USING (SELECT position, row_number() OVER (ORDER BY position) number "
            "FROM log_staged WHERE source = :source AND epoch = :epoch AND position > :taken "
            "ORDER BY position LIMIT :page) n WHERE s.source = :source AND s.epoch = :epoch "
            "AND s.position = n.position AND n.position = :taken + n.number "
            "RETURNING s.position, s.leaf, s.data, s.opens_epoch"
        ),
        {"source": lane.source, "epoch": lane.epoch, "taken": taken, "page": STAGED_PAGE},
    ).all()
    arrivals = [
        Arrival(lane, row.position, bytes(row.leaf), bytes(row.data), row.opens_epoch) for row in rows
    ]
    return sorted(arrivals, key=lambda arrival: arrival.position)


def due_lanes(connection: Connection) -> dict[Lane, int]:
    """How far each journal has been taken whose next row is staged."""
    rows = connection.execute(
        select(log_sources.c.source, log_sources.c.epoch, log_sources.c.taken).join(
            log_staged,
            (log_staged.c.source == log_sources.c.source)
            & (log_staged.c.epoch == log_sources.c.epoch)
            & (log_staged.c.position == log_sources.c.taken + 1),
        )
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


def _forget_staged(connection: Connection, lane: Lane, taken: int) -> None:
    connection.execute(
        log_staged.delete().where(
            log_staged.c.source == lane.source,
            log_staged.c.epoch == lane.epoch,
            log_staged.c.position <= taken,
        )
    )
