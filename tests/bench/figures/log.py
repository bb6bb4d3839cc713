"""The audit log: hashing, storing, taking in from Kafka, indexing, proving, verifying and searching."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from hashlib import sha256
from itertools import islice

from sqlalchemy import select, text

from services.audit.log import handlers, queries, store, tiles
from services.audit.log import keys as log_keys
from services.audit.log.loops import Intake, Signing
from services.audit.log.model import arrival_of
from services.audit.log.notes import Checkpoint, Signer, VerifierKey, open_checkpoint, sign_checkpoint
from services.audit.log.tables import log_tiles
from services.audit.search.handlers import Indexing, ensure_cursor
from services.audit.search.queries import Filters, filtered
from services.audit.search.tables import search_entries
from shared.bus import cloud_events
from shared.bus.port import Bus
from shared.db.copy import copy_rows
from shared.db.unit_of_work import UnitOfWork
from shared.entry import spare_the_collector
from shared.journal.relay import topics_of
from shared.kernel import merkle
from shared.kernel.acts import Act
from shared.kernel.ids import new_id
from tests.bench.harness import Bench, Goal, Lap, percentile, timed
from tests.bench.rows import NOON, envelopes
from tests.bench.site import Site, engine_of

TILES_COMMIT_ENTRIES = 250_000
LEAF_BYTES = 300
COMMIT_ENTRIES = 10_000
ORIGIN = "fundtrail.bench/audit"
QUESTIONS = 200
PUBLISHED_AT_ONCE = 2_000


def leaves(count: int) -> list[bytes]:
    """Entries as long as those of a fact about one payment."""
    return [b"%0*d" % (LEAF_BYTES, number) for number in range(count)]


def take_hashing(_: Site, size: int, rounds: int) -> Iterator[Lap]:
    """A tree grown in commits of 10,000, nothing stored; and as many bare SHA-256 of the same bytes."""
    entries = leaves(size)
    for _round in range(rounds):
        edge = tiles.Edge()
        with timed() as watch:
            for start in range(0, size, COMMIT_ENTRIES):
                edge = tiles.grow(edge, entries[start : start + COMMIT_ENTRIES]).edge
        yield Lap("ours", watch.seconds, size)
        with timed() as watch:
            for entry in entries:
                sha256(entry).digest()
        yield Lap("sha256", watch.seconds, size)
        if edge.root() != merkle.root(merkle.leaf_hashes(entries)):
            raise AssertionError("The tree that grew is another one.")


def take_storing(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """Rows of a journal taken into bundles, tiles and data, in commits of 10,000."""
    spare_the_collector()  # as every process of ours does
    arrivals = [arrival_of(item) for item in envelopes("bench", size)]
    for _ in range(rounds):
        with site.database("audit") as addresses, site.working(addresses) as unit_of_work:
            begin(site, unit_of_work)
            with timed() as watch:
                for start in range(0, size, COMMIT_ENTRIES):
                    with unit_of_work.begin(site.act()) as work:
                        handlers.take(work, arrivals[start : start + COMMIT_ENTRIES])
            yield Lap("stored", watch.seconds, size)


def take_verifying(_: Site, size: int, rounds: int) -> Iterator[Lap]:
    """Published bundles against a signed checkpoint, with nothing but the key."""
    signer = Signer.generate(ORIGIN)
    growth = tiles.grow(tiles.Edge(), leaves(size))
    note = sign_checkpoint(Checkpoint(ORIGIN, size, growth.edge.root()), signer)
    bundles = [one.data for one in growth.bundles]
    for _round in range(rounds):
        with timed() as watch:
            verify(bundles, note, signer.verifier)
        yield Lap("verified", watch.seconds, size)


def begin(site: Site, unit_of_work: UnitOfWork) -> Signer:
    """An empty log under a key of its own; the search index stands at its beginning."""
    folder = site.folder / new_id().hex
    with unit_of_work.begin(site.act()) as work:
        log_keys.ensure_log(work, folder, ORIGIN)
        ensure_cursor(work)
    return log_keys.load_signer(folder)


def verify(bundles: list[bytes], note: str, key: VerifierKey) -> int:
    """How many entries stand under a checkpoint, from bundles and key alone."""
    checkpoint = open_checkpoint(note, key)
    hashes = [one for data in bundles for one in merkle.leaf_hashes(tiles.unpack_entries(data))]
    if len(hashes) != checkpoint.size or merkle.root(hashes) != checkpoint.root:
        raise AssertionError("The entries do not have the root that was signed.")
    return len(hashes)


def take_intake(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """From Kafka to a signed checkpoint; then the search index brought up to it."""
    spare_the_collector()  # as every process of ours does
    for _ in range(rounds):
        name = f"bench{new_id().hex[-10:]}"
        with (
            site.database("audit") as addresses,
            site.working(addresses) as unit_of_work,
            site.kafka("bench-intake") as bus,
        ):
            bus.ensure_topics(topics_of(name))
            signer = begin(site, unit_of_work)
            folder = site.folder / new_id().hex
            folder.mkdir()
            signing = Signing(unit_of_work, signer, folder)
            intake = Intake([name], bus, unit_of_work)
            subscription = bus.subscribe(name, topics_of(name))
            try:
                intake.step(subscription)  # joins the group
                publish(bus, name, size)
                with timed() as watch:
                    while taken(unit_of_work) < size:
                        intake.step(subscription)
                    signing.step()
            finally:
                subscription.close()
            yield Lap("intake", watch.seconds, size)
            indexing = Indexing(unit_of_work)
            with timed() as watch:
                while indexing.step():
                    pass
            yield Lap("index", watch.seconds, size)
            bus.delete_topics(topics_of(name))


def taken(unit_of_work: UnitOfWork) -> int:
    """How many entries the log has."""
    with unit_of_work.reading() as connection:
        return queries.size(connection)


def publish(bus: Bus, name: str, size: int) -> None:
    """A journal on its topic, as a relay sends it."""
    topic_id = bus.topic_ids(topics_of(name))[topics_of(name)[0]]
    rows = envelopes(name, size)
    while some := list(islice(rows, PUBLISHED_AT_ONCE)):
        bus.publish(
            [cloud_events.to_record(item.to_cloud_event(topic_id), topics_of(name)[0]) for item in some]
        )


def take_proofs(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """Inclusion and consistency proofs from the stored tiles of a large log."""
    with site.database("audit") as addresses, site.working(addresses) as unit_of_work:
        begin(site, unit_of_work)
        edge = grow_tiles(unit_of_work, size)
        places = [number * 7_919 % size for number in range(QUESTIONS)]
        for _ in range(rounds):
            included = [prove(unit_of_work, edge, partial(include, index, size)) for index in places]
            consistent = [prove(unit_of_work, edge, partial(continue_, index + 1, size)) for index in places]
            yield Lap("inclusion", percentile(included, 0.95))
            yield Lap("consistency", percentile(consistent, 0.95))


def grow_tiles(unit_of_work: UnitOfWork, size: int) -> tiles.Edge:
    """A log of `size` leaves of which only the tiles are stored: proofs need no more."""
    edge = tiles.Edge()
    for start in range(0, size, TILES_COMMIT_ENTRIES):
        count = min(TILES_COMMIT_ENTRIES, size - start)
        growth = tiles.grow(edge, [b"%d" % number for number in range(start, start + count)])
        edge = growth.edge
        full = [(one.level, one.index, one.data) for one in growth.tiles if one.width == tiles.TILE_WIDTH]
        with unit_of_work.begin(Act("bench", NOON)) as work:
            copy_rows(work.connection, log_tiles, ("level", "index", "data"), full)
    with unit_of_work.begin(Act("bench", NOON)) as work:
        store.save_growth(work.connection, edge, tiles.Growth(edge, (), ()), ())
    return edge


def prove(unit_of_work: UnitOfWork, edge: tiles.Edge, ask: Callable[[merkle.Perfect], None]) -> float:
    """The seconds that one proof takes, with its transaction and every tile it reads."""
    with timed() as watch, unit_of_work.reading() as connection:
        ask(tiles.perfect_from(store.tile_reader(connection, edge)))
    return watch.seconds


def include(index: int, size: int, perfect: merkle.Perfect) -> None:
    """An inclusion proof."""
    merkle.inclusion(index, size, perfect)


def continue_(earlier: int, size: int, perfect: merkle.Perfect) -> None:
    """A consistency proof."""
    merkle.consistency(earlier, size, perfect)


def take_search(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """Questions by subject, unit and period, each for a page of the first 50."""
    with site.database("audit") as addresses:
        with engine_of(addresses.owner, "bench") as owner, owner.connect() as connection:
            for statement in (ENTRIES, SUBJECTS):
                connection.execute(text(statement), {"size": size})
            connection.commit()
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        with site.working(addresses) as unit_of_work:
            for _ in range(rounds):
                for name, filters in QUESTIONS_OF.items():
                    asked = [ask(unit_of_work, filters(number * 7_919 % size)) for number in range(QUESTIONS)]
                    yield Lap(name, percentile(asked, 0.95))


def ask(unit_of_work: UnitOfWork, filters: Filters) -> float:
    """The seconds that one question takes. The entries themselves are not read: they are not in this log."""
    query = filtered(select(search_entries.c.index), filters).order_by(search_entries.c.index).limit(51)
    with timed() as watch, unit_of_work.reading() as connection:
        connection.execute(query).all()
    return watch.seconds


QUESTIONS_OF: Mapping[str, Callable[[int], Filters]] = {
    "subject": lambda number: Filters(subject=f"payment:{number}"),
    "unit": lambda number: Filters(unit=f"u{number % 241}"),
    "unit_and_period": lambda number: Filters(
        unit=f"u{number % 241}", from_on=date(2024, 1, 1 + number % 28), to_on=date(2024, 6, 1 + number % 28)
    ),
    "period": lambda number: Filters(
        from_on=date(2024, 1 + number % 12, 1), to_on=date(2024, 1 + number % 12, 2)
    ),
}
# A year of entries, evenly; each names one payment and its unit.
ENTRIES = """
    INSERT INTO search_entries (index, source, epoch, position, topic, type, key, subjects, actor, unit,
                                occurred_at, recorded_at)
    SELECT n, 'bench', 1, n + 1, 'events', 'vn.fundtrail.bench.k' || n % 40 || '.v1', 'k' || n % 5000,
           ARRAY['payment:' || n], 'actor-' || n % 300, 'u' || n % 241,
           TIMESTAMPTZ '2024-01-01' + n * (INTERVAL '366 days' / :size),
           TIMESTAMPTZ '2024-01-01' + n * (INTERVAL '366 days' / :size)
    FROM generate_series(0, :size - 1) n
"""
SUBJECTS = """
    INSERT INTO search_subjects (subject, index, item)
    SELECT 'payment:' || n, n, -1 FROM generate_series(0, :size - 1) n
"""

BENCHES = (
    Bench(
        "log-hashing",
        1_200_000,
        take_hashing,
        (Goal("ours", "leaves hashed into a growing tree", "leaves", rate=500_000, against="sha256"),),
    ),
    Bench(
        "log-storing",
        240_000,
        take_storing,
        (Goal("stored", "leaves stored as bundles, tiles and data", "leaves", rate=150_000),),
    ),
    Bench(
        "log-verifying",
        1_200_000,
        take_verifying,
        (Goal("verified", "1.2 million leaves verified offline", "leaves", within=10),),
    ),
    Bench(
        "log-intake",
        100_000,
        take_intake,
        (
            Goal("intake", "from Kafka to a signed checkpoint", "rows", rate=20_000),
            Goal("index", "brought into the search index", "rows", rate=20_000),
        ),
    ),
    Bench(
        "log-proofs",
        10_000_000,
        take_proofs,
        (
            Goal("inclusion", "inclusion proof at 10 million leaves, p95", within=0.005, grows=False),
            Goal("consistency", "consistency proof at 10 million leaves, p95", within=0.010, grows=False),
        ),
        shares=(1,),
    ),
    Bench(
        "search",
        10_000_000,
        take_search,
        tuple(
            Goal(
                name,
                f"search by {name.replace('_', ' ')} over 10 million entries, p95",
                within=0.050,
                grows=False,
            )
            for name in QUESTIONS_OF
        ),
        rounds=1,
        shares=(1,),
    ),
)
