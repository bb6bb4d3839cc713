"""Random alterations of everything that is stored of the log: each is found, where it was done."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, text

from services.audit.log import packs, queries, store, tiles
from services.audit.log.check import check
from services.audit.log.tables import log_data, log_state
from shared.journal.envelope import Envelope

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit

CHECKPOINTS = (150, 400, 600)
ENTRIES = CHECKPOINTS[-1]  # two full bundles and an open one: each alteration costs a check of the whole log
BUNDLES = ENTRIES // tiles.TILE_WIDTH
SEED = 20240805
CAMPAIGN, FULL_CAMPAIGN = 100, 10_000

MakeEnvelope = Callable[..., Envelope]


@dataclass(frozen=True)
class Done:
    """One alteration: what was done, and the beginning of every place that would name it."""

    what: str
    places: tuple[str, ...]


Deed = Callable[[Connection, random.Random], Done]


@pytest.fixture
def filled(audit: Audit, envelope: MakeEnvelope) -> Audit:
    """A log of 600 entries of two journals under three checkpoints, no two of them with the same data."""
    for first, last, source in ((1, 150, "portal"), (151, 400, "portal"), (1, 200, "allocation")):
        numbers = range(first, last + 1)
        audit.take(*(envelope(source, n, data={"number": n, "told_by": source}) for n in numbers))
        audit.sign()
    return audit


def entries_of(bundle: int) -> tuple[str, ...]:
    """How findings name a bundle or an entry in it."""
    first = bundle * tiles.TILE_WIDTH
    return (
        tiles.path_of("entries", bundle),
        *(f"entry {number}" for number in range(first, first + tiles.TILE_WIDTH)),
    )


def flipped(column: str, at: int, bit: int) -> str:
    return f"set_byte({column}, {at}, get_byte({column}, {at}) # {1 << bit})"


def run(connection: Connection, statement: str, **bound: Any) -> None:  # noqa: ANN401 - values of SQL
    assert connection.execute(text(statement), bound).rowcount > 0, statement


def size_of(connection: Connection, question: str) -> int:
    return int(connection.scalar(text(question)) or 0)


def edit_of_a_bundle(connection: Connection, chance: random.Random) -> Done:
    bundle = chance.randrange(BUNDLES)
    size = size_of(connection, f"SELECT octet_length(data) FROM log_bundles WHERE index = {bundle}")
    at = chance.randrange(size)
    run(
        connection,
        f"UPDATE log_bundles SET data = {flipped('data', at, chance.randrange(8))} WHERE index = :index",
        index=bundle,
    )
    return Done(f"byte {at} of bundle {bundle}", entries_of(bundle))


def edit_of_the_open_bundle(connection: Connection, chance: random.Random) -> Done:
    at = chance.randrange(size_of(connection, "SELECT octet_length(bundle) FROM log_state"))
    run(connection, f"UPDATE log_state SET bundle = {flipped('bundle', at, chance.randrange(8))}")
    return Done(f"byte {at} of the open bundle", entries_of(BUNDLES))


def edit_of_a_tile(connection: Connection, chance: random.Random) -> Done:
    index, at = chance.randrange(BUNDLES), chance.randrange(tiles.TILE_BYTES)
    run(
        connection,
        f"UPDATE log_tiles SET data = {flipped('data', at, chance.randrange(8))} "
        "WHERE level = 0 AND index = :index",
        index=index,
    )
    return Done(f"byte {at} of tile 0/{index}", (tiles.path_of("0", index),))


def edit_of_the_edge(connection: Connection, chance: random.Random) -> Done:
    level = chance.randrange(2)
    size = size_of(connection, f"SELECT octet_length(tiles[{level + 1}]) FROM log_state")
    at = chance.randrange(size)
    edited = flipped(f"tiles[{level + 1}]", at, chance.randrange(8))
    run(connection, f"UPDATE log_state SET tiles[{level + 1}] = {edited}")
    # Nothing stands above the open tile of leaves that would say whether it is wrong or its entry.
    entry = f"entry {BUNDLES * tiles.TILE_WIDTH + at // 32}"
    return Done(f"byte {at} of the open tile of level {level}", (f"tile/{level}/", entry))


def edit_of_data(connection: Connection, chance: random.Random) -> Done:
    index = chance.choice(packs_in(connection))
    size = size_of(connection, f"SELECT octet_length(data) FROM log_data WHERE index = {index}")
    at = chance.randrange(size)
    entry = entry_at(connection, index, at)
    run(
        connection,
        f"UPDATE log_data SET data = {flipped('data', at, chance.randrange(8))} WHERE index = :index",
        index=index,
    )
    return Done(f"byte {at} of the pack {index}, of entry {entry}", (f"entry {entry}",))


def packs_in(connection: Connection) -> list[int]:
    return list(connection.scalars(text("SELECT index FROM log_data ORDER BY index")))


def entry_at(connection: Connection, index: int, at: int) -> int:
    """The entry to which a byte of a pack belongs, as its data or its length."""
    content: bytes = connection.scalar(
        text("SELECT data FROM log_data WHERE index = :index"), {"index": index}
    )
    for entry, one in enumerate(packs.unpack(content)[0], index):
        at -= packs.LENGTH_BYTES + len(one)
        if at < 0:
            return entry
    raise AssertionError("The pack is shorter.")


def entries_of_pack(connection: Connection, index: int) -> tuple[str, ...]:
    content: bytes = connection.scalar(
        text("SELECT data FROM log_data WHERE index = :index"), {"index": index}
    )
    count = len(packs.unpack(content)[0])
    return tuple(f"entry {number}" for number in range(index, index + count))


def edit_of_a_checkpoint(connection: Connection, chance: random.Random) -> Done:
    size = chance.choice(CHECKPOINTS)
    at = chance.randrange(32)
    edited = flipped("root", at, chance.randrange(8))
    run(connection, f"UPDATE log_checkpoints SET root = {edited} WHERE size = :size", size=size)
    return Done(f"byte {at} of the root of checkpoint {size}", (f"checkpoint {size}",))


def edit_of_a_note(connection: Connection, chance: random.Random) -> Done:
    size = chance.choice(CHECKPOINTS)
    note: str = connection.scalar(text("SELECT note FROM log_checkpoints WHERE size = :size"), {"size": size})
    # The last sign of base64 holds bits that say nothing; everything before it is said or signed.
    at = chance.randrange(len(note.rstrip("=\n")) - 1)
    sign = "A" if note[at] != "A" else "B"
    changed = note[:at] + sign + note[at + 1 :]
    run(connection, "UPDATE log_checkpoints SET note = :note WHERE size = :size", note=changed, size=size)
    return Done(f"sign {at} of the note of checkpoint {size}", (f"checkpoint {size}",))


def swap_of_rows(connection: Connection, chance: random.Random) -> Done:
    table = chance.choice(("log_bundles", "log_tiles", "log_data"))
    rows = packs_in(connection) if table == "log_data" else range(BUNDLES)
    one, other = sorted(chance.sample(rows, 2))
    places = {
        "log_bundles": (*entries_of(one), *entries_of(other)),
        "log_tiles": (tiles.path_of("0", one), tiles.path_of("0", other)),
        "log_data": (f"entry {one}", f"entry {other}"),
    }
    both = "t.level = 0 AND o.level = 0 AND " if table == "log_tiles" else ""
    run(
        connection,
        f"UPDATE {table} t SET data = o.data FROM {table} o WHERE {both}t.index IN (:one, :other) "
        "AND o.index IN (:one, :other) AND o.index <> t.index",
        one=one,
        other=other,
    )
    return Done(f"{table} {one} and {other} swapped", places[table])


def deletion_of_a_row(connection: Connection, chance: random.Random) -> Done:
    table = chance.choice(("log_bundles", "log_tiles", "log_data"))
    index = chance.choice(packs_in(connection) if table == "log_data" else range(BUNDLES))
    places = {
        "log_bundles": lambda: entries_of(index),
        "log_tiles": lambda: (tiles.path_of("0", index),),
        "log_data": lambda: entries_of_pack(connection, index),
    }[table]()
    run(connection, f"DELETE FROM {table} WHERE index = :index", index=index)
    return Done(f"{table} {index} deleted", places)


def move_of_a_pack(connection: Connection, chance: random.Random) -> Done:
    index = chance.choice(packs_in(connection))
    places = entries_of_pack(connection, index)
    to = chance.choice([number for number in range(ENTRIES) if number not in packs_in(connection)])
    run(connection, "UPDATE log_data SET index = :to WHERE index = :index", to=to, index=index)
    return Done(f"pack {index} moved to {to}", places)


def addition_to_a_pack(connection: Connection, chance: random.Random) -> Done:
    """Bytes behind the last entry of a pack, which may be no entry or one that the log has already."""
    index = chance.choice(packs_in(connection))
    last = entries_of_pack(connection, index)[-1]
    added = chance.choice((b"x", (2).to_bytes(packs.LENGTH_BYTES) + b"{}"))
    run(
        connection, "UPDATE log_data SET data = data || :added WHERE index = :index", added=added, index=index
    )
    return Done(f"{len(added)} bytes behind pack {index}", (last, "log_data"))


def insertion_of_a_row(connection: Connection, chance: random.Random) -> Done:
    beyond = chance.choice([number for number in range(1, 1_000) if number not in packs_in(connection)])
    table, columns, values = chance.choice(
        (
            ("log_bundles", "index, data", f"{BUNDLES + beyond}, '\\x0000'"),
            ("log_data", "index, data", f"{ENTRIES + beyond - 1}, '\\x000000027b7d'"),
            ("log_data", "index, data", f"{beyond}, '\\x000000027b7d'"),
            ("log_tiles", "level, index, data", f"0, {BUNDLES + beyond}, decode(repeat('00', 8192), 'hex')"),
        )
    )
    run(connection, f"INSERT INTO {table} ({columns}) VALUES ({values})")
    return Done(f"a row of {table} beyond the log or within it", (table,))


def truncation_of_a_row(connection: Connection, chance: random.Random) -> Done:
    bundle = chance.randrange(BUNDLES)
    size = size_of(connection, f"SELECT octet_length(data) FROM log_bundles WHERE index = {bundle}")
    left = chance.randrange(size)
    run(
        connection,
        "UPDATE log_bundles SET data = substring(data FROM 1 FOR :left) WHERE index = :index",
        left=left,
        index=bundle,
    )
    return Done(f"bundle {bundle} cut to {left} bytes", entries_of(bundle))


def truncation_of_the_log(connection: Connection, chance: random.Random) -> Done:
    """The whole log as it was earlier: what came later is taken away, but for what was signed."""
    size = chance.randrange(1, ENTRIES)
    read = store.tile_reader(connection)
    full, width = divmod(size, tiles.TILE_WIDTH)
    entries = queries.bundle(connection, full)[:width]
    edge = tiles.edge_of(size, read, tiles.pack_entries(entries))
    connection.execute(log_state.update().values(size=size, tiles=list(edge.tiles), bundle=edge.bundle))
    for table in ("log_bundles", "log_tiles"):
        connection.execute(text(f"DELETE FROM {table} WHERE index >= :full"), {"full": full})
    shown = queries.data(connection, range(full * tiles.TILE_WIDTH, size))
    connection.execute(text("DELETE FROM log_data WHERE index >= :first"), {"first": full * tiles.TILE_WIDTH})
    for pack in packs.cut(full * tiles.TILE_WIDTH, list(shown.values())):
        connection.execute(log_data.insert().values(index=pack.first, data=pack.data))
    return Done(f"the log cut to {size} entries", (f"checkpoint {ENTRIES}",))


DEEDS: tuple[Deed, ...] = (
    edit_of_a_bundle,
    edit_of_the_open_bundle,
    edit_of_a_tile,
    edit_of_the_edge,
    edit_of_data,
    move_of_a_pack,
    addition_to_a_pack,
    edit_of_a_checkpoint,
    edit_of_a_note,
    swap_of_rows,
    deletion_of_a_row,
    insertion_of_a_row,
    truncation_of_a_row,
    truncation_of_the_log,
)


def undetected(audit: Audit, count: int) -> Iterator[str]:
    """Every alteration of a campaign that was not found where it was done."""
    chance = random.Random(SEED)
    with audit.owner.connect() as connection:
        assert check(connection, audit.signer.verifier) == []
        connection.rollback()
        for number in range(count):
            done = DEEDS[number % len(DEEDS)](connection, chance)
            found = [finding.place for finding in check(connection, audit.signer.verifier)]
            connection.rollback()
            if not any(place.startswith(named) for place in found for named in done.places):
                yield f"{number}: {done.what}: {found[:3]}"
        assert check(connection, audit.signer.verifier) == []


def test_a_hundred_alterations_are_found_with_their_places(filled: Audit) -> None:
    assert list(undetected(filled, CAMPAIGN)) == []


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_ten_thousand_alterations_are_found_with_their_places(filled: Audit) -> None:
    assert list(undetected(filled, FULL_CAMPAIGN)) == []
