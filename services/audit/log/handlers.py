"""Taking journal rows into the log, signing what it has become, and noticing what does not arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.audit.log import keyring, model, store, tiles
from services.audit.log.events import RepublishRequested
from services.audit.log.keyring import LogKey
from services.audit.log.model import Arrival, Early, Lane
from services.audit.log.notes import Checkpoint, Signer, sign_checkpoint
from shared.db.unit_of_work import Work
from shared.kernel import merkle
from shared.kernel.errors import Conflict

HOLE_AFTER = timedelta(seconds=60)


class LogInconsistent(Exception):
    """What is stored does not continue what was signed; nothing is signed until a person has looked."""


class KeyMissing(Conflict):
    """A key that must sign is not at hand."""

    def __init__(self, key: LogKey) -> None:
        super().__init__(
            "log_key_missing",
            f"Key {key.key.key_id.hex()} of the log is in force, but is not in the folder of its keys. "
            "Nothing is signed without it: bring the key file back from its copy.",
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """By how many entries the log grew, and whether rows that waited for them can follow at once."""

    entries: int
    more: bool


def take(work: Work, arrivals: Sequence[Arrival], held: Early | None = None) -> Taken:
    """What became of the arrivals: rows the log has are ignored, early ones wait for their turn.

    They wait in `held`, which is only to be trusted once the transaction is committed, or without it as
    staged rows. Idempotent: the same rows again change nothing. Call it without arrivals to let staged rows
    follow.
    """
    connection = work.connection
    store.lock(connection, store.APPEND_LOCK)
    known = store.lanes(connection)
    early = Early() if held is None else held
    lineup = model.line_up(known, arrivals, early)
    staged = store.lanes_staged(connection, known | lineup.taken)
    for lane, last in staged.items():
        lineup.taken[lane] = last
        lineup.follow(lane, store.unstage(connection, lane, last))
        lineup.follow(lane, early.follow(lane, lineup.taken[lane]))
    if held is None:
        store.stage(connection, early.release())
    if not lineup.ready:
        return Taken(0, more=False)
    before = store.edge(connection)
    growth = tiles.grow(before, [arrival.leaf for arrival in lineup.ready])
    store.save_growth(connection, before, growth, lineup.ready)
    store.save_lanes(connection, lineup)
    return Taken(len(lineup.ready), more=bool(staged))


def sign(work: Work, held: Sequence[Signer], published_note: str | None) -> str | None:
    """The note over the log as it stands, by every key in force, or None where the newest one still holds.

    `published_note` is the last one that left this machine: it holds even where the database forgot it. Only
    keys that are held can vouch for it, as the database alone is not believed to know them.
    Raises: LogInconsistent; NoteInvalid where none of our keys signed what was published; KeyMissing.
    """
    store.lock(work.connection, store.SIGN_LOCK)
    ring = store.ring(work.connection)
    signers = _signers(held, ring)
    ours = [one for one in ring if one.key in {signer.verifier for signer in held}]
    published = None if published_note is None else keyring.open_checkpoint(published_note, ours)
    edge = store.edge(work.connection)
    stored = store.newest_checkpoint(work.connection)
    origin = signers[0].name
    signed = [Checkpoint(origin, stored.size, stored.root)] if stored else []
    newest = max((one.size for one in signed), default=0)
    if published is not None:
        signed.append(published)
    if edge.size == newest and all(one.size <= edge.size for one in signed):
        return None
    checkpoint = Checkpoint(origin, edge.size, edge.root())
    for earlier in signed:
        _expect_continuation(work, edge, earlier, checkpoint)
    note = sign_checkpoint(checkpoint, *signers)
    store.keep_checkpoint(work.connection, checkpoint, note)
    return note


def notice_holes(work: Work) -> list[tuple[Lane, int]]:
    """Every position that rows have waited for longer than a minute; each is asked for once."""
    found = store.holes(work.connection, work.now - HOLE_AFTER)
    for lane, position in found:
        if store.note_hole(work.connection, lane, position):
            work.record(RepublishRequested(lane.source, lane.epoch, position))
    return found


def _signers(held: Sequence[Signer], ring: Sequence[LogKey]) -> list[Signer]:
    """Those who sign now, the older key first. Raises: KeyMissing."""
    by_key = {one.verifier: one for one in held}
    for one in keyring.in_force(ring):
        if one.key not in by_key:
            raise KeyMissing(one)
    return [by_key[one.key] for one in keyring.in_force(ring)]


def _expect_continuation(work: Work, edge: tiles.Edge, earlier: Checkpoint, now: Checkpoint) -> None:
    if earlier.size > now.size:
        raise LogInconsistent(
            f"{earlier.size} entries were signed and the log holds {now.size}: it was rolled back."
        )
    read = tiles.perfect_from(store.tile_reader(work.connection, edge))
    path = merkle.consistency(earlier.size, now.size, read)
    if not merkle.verify_consistency(earlier.size, now.size, earlier.root, now.root, path):
        raise LogInconsistent(
            f"The first {earlier.size} entries are not those that were signed: tiles were altered."
        )
