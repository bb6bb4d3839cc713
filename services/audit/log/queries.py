"""Reading the log: tiles, bundles, checkpoints, and the proofs made from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from services.audit.log import packs, proofs, store, tiles
from services.audit.log.model import SignedCheckpoint
from services.audit.log.proofs import Evidence, Proof
from services.audit.log.tables import (
    log_bundles,
    log_data,
    log_keys,
    log_sources,
    log_state,
)
from services.audit.log.tiles import TILE_HEIGHT, TILE_WIDTH
from shared.db.many import array_of_numbers
from shared.kernel import canonical, merkle
from shared.kernel.errors import NotFound, Unavailable

CHECKPOINT_WAIT_S = 2


@dataclass(frozen=True, slots=True)
class SourceState:
    """How much of one epoch of a journal the log has; rows beyond `ended_at` were lost by a restore."""

    source: str
    epoch: int
    first_position: int
    position: int
    ended_at: int | None

    @property
    def orphaned(self) -> int:
        """How many rows of this epoch only the log still has."""
        if self.ended_at is None:
            return 0
        return max(0, self.position - max(self.ended_at, self.first_position - 1))


def size(connection: Connection) -> int:
    """The number of entries in the log."""
    return int(connection.scalar(select(log_state.c.size)) or 0)


def vkey(connection: Connection) -> str:
    """The verifier key of the log; while one key follows another, the newer one.

    Raises: NotFound before the first migration has begun a log.
    """
    found = connection.scalar(select(log_keys.c.vkey).order_by(log_keys.c.number.desc()).limit(1))
    if found is None:
        raise NotFound("log_not_begun", "No log was begun yet; run the audit service's migrate role.")
    return str(found)


def newest_checkpoint(connection: Connection) -> SignedCheckpoint | None:
    """The checkpoint over most entries, or None before the first was signed."""
    return store.newest_checkpoint(connection)


def signed_checkpoint(connection: Connection) -> SignedCheckpoint:
    """The newest checkpoint.

    Raises: Unavailable while the first one is still to be signed.
    """
    found = newest_checkpoint(connection)
    if found is None:
        raise Unavailable(
            "The log has signed no checkpoint yet; the worker signs one a second.", CHECKPOINT_WAIT_S
        )
    return found


def sources(connection: Connection) -> list[SourceState]:
    """Every journal and epoch that the log has rows of."""
    later = func.min(log_sources.c.first_position).over(  # a later restore may go back behind an earlier one
        partition_by=log_sources.c.source, order_by=log_sources.c.epoch, rows=(1, None)
    )
    rows = connection.execute(
        select(log_sources, later.label("later")).order_by(log_sources.c.source, log_sources.c.epoch)
    )
    return [
        SourceState(
            row.source, row.epoch, row.first_position, row.taken, row.later - 1 if row.later else None
        )
        for row in rows
    ]


def bundle(connection: Connection, index: int) -> list[bytes]:
    """The entries of one bundle, full or open; empty where there is none."""
    return _bundles(connection, {index})[index]


def entries(connection: Connection, indexes: Iterable[int]) -> dict[int, bytes]:
    """The canonical entries at some places of the log; places beyond its end are left out."""
    wanted = sorted(set(indexes))
    bundles = _bundles(connection, {index // TILE_WIDTH for index in wanted})
    return {
        index: bundles[index // TILE_WIDTH][index % TILE_WIDTH]
        for index in wanted
        if index % TILE_WIDTH < len(bundles[index // TILE_WIDTH])
    }


def page_end(connection: Connection, start: int, entries_max: int, data_bytes: int) -> int:
    """Where a page of entries from `start` on ends: at so many, or before the pack that has too much data."""
    end = min(size(connection), start + entries_max)
    query = select(log_data.c.index, func.octet_length(log_data.c.data))
    packed = query.where(log_data.c.index >= start, log_data.c.index < end).order_by(log_data.c.index)
    for index, length in connection.execute(packed):
        data_bytes -= length
        if data_bytes < 0 and index > start:
            return int(index)
    return end


def data(connection: Connection, indexes: Iterable[int]) -> dict[int, bytes]:
    """The data of the events at some places of the log."""
    wanted = set(indexes)
    return {
        index: one
        for pack in store.packs_of(connection, wanted)
        for index, one in enumerate(packs.unpack(pack.data)[0], pack.first)
        if index in wanted
    }


def entry(connection: Connection, index: int) -> tuple[bytes, bytes]:
    """One canonical entry and the data of its event.

    Raises: NotFound.
    """
    found, shown = entries(connection, [index]), data(connection, [index])
    if index not in found or index not in shown:
        raise NotFound(
            "entry_unknown", f"The log has no entry {index}; it holds {size(connection)}, from 0 on."
        )
    return found[index], shown[index]


def proof(connection: Connection, index: int, item: int | None = None) -> Proof:
    """The proof of an entry with its data, or of one item of a bulk row without the others.

    Raises: NotFound for an entry or item that does not exist; Unavailable until a checkpoint covers it.
    """
    leaf, shown = entry(connection, index)
    checkpoint = signed_checkpoint(connection)
    if index >= checkpoint.size:
        raise Unavailable(
            f"Entry {index} is not under a checkpoint yet; it is within seconds.", CHECKPOINT_WAIT_S
        )
    path = merkle.inclusion(index, checkpoint.size, tiles.perfect_from(store.tile_reader(connection)))
    return Proof(index, tuple(path), checkpoint.note, _evidence(index, leaf, shown, item))


def consistency(connection: Connection, old_size: int, new_size: int | None) -> tuple[int, list[bytes]]:
    """The newer size and the hashes that show the older tree to be its beginning.

    Bounds: both sizes at most that of the newest checkpoint, which also stands for a newer size not given.
    Raises: NotFound for sizes the log has not signed up to.
    """
    signed = signed_checkpoint(connection).size
    newer = signed if new_size is None else new_size
    if not 0 <= old_size <= newer <= signed:
        raise NotFound(
            "size_unknown", f"No proof from {old_size} to {newer}: sizes go up to {signed}, the older first."
        )
    return newer, merkle.consistency(old_size, newer, tiles.perfect_from(store.tile_reader(connection)))


def tile_resource(connection: Connection, level: int, index: int, width: int) -> bytes:
    """A tile as C2SP serves it; a partial one is the beginning of what became of it.

    Raises: NotFound for a tile that the newest checkpoint does not cover.
    """
    _expect_covered(connection, level, index, width)
    return store.tile_reader(connection)(level, index)[: width * merkle.HASH_BYTES]


def bundle_resource(connection: Connection, index: int, width: int) -> bytes:
    """An entry bundle as C2SP serves it.

    Raises: NotFound for a bundle that the newest checkpoint does not cover.
    """
    _expect_covered(connection, 0, index, width)
    return tiles.pack_entries(bundle(connection, index)[:width])


def _bundles(connection: Connection, numbers: Collection[int]) -> dict[int, list[bytes]]:
    """The entries of each bundle.

    The open one is read before the full ones: read after them, it may have been filled in between, and
    would be found in neither place by a transaction that sees what others commit meanwhile.
    """
    state = connection.execute(select(log_state.c.size, log_state.c.bundle)).one()
    wanted = select(func.unnest(cast(literal(array_of_numbers(numbers), Text), ARRAY(BigInteger))))
    rows = connection.execute(select(log_bundles).where(log_bundles.c.index.in_(wanted)))
    found = {state.size // TILE_WIDTH: state.bundle} | {row.index: row.data for row in rows}
    return {number: tiles.unpack_entries(bytes(found.get(number, b""))) for number in numbers}


def _expect_covered(connection: Connection, level: int, index: int, width: int) -> None:
    hashes = signed_checkpoint(connection).size >> TILE_HEIGHT * level
    if not 1 <= width <= TILE_WIDTH or index * TILE_WIDTH + width > hashes:
        raise NotFound("tile_unknown", f"No checkpoint covers {tiles.path_of(str(level), index, width)} yet.")


def _evidence(index: int, leaf: bytes, shown: bytes, item: int | None) -> Evidence:
    is_bulk = canonical.decode(leaf)["items_root"] is not None
    if item is None:
        return Evidence(leaf, None if is_bulk else shown)
    payload: dict[str, Any] = canonical.decode(shown)
    items = payload.get("items", []) if is_bulk else []
    if item >= len(items):
        raise NotFound(
            "item_unknown", f"Entry {index} has {len(items)} items, numbered from 0; there is no {item}."
        )
    return Evidence(leaf, item=proofs.item_evidence(items, item))
