"""One key of the log following another: begun beside the old one, which is ended when it has vouched for it.

The new key is itself an entry of the log. Whoever trusts the old key learns the new one from a proof of that
entry under a checkpoint that the old key signed as well; so the old key ends only after such a checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from services.audit.log import keyring, keys, notes, queries, store
from services.audit.log.events import KeysRotated
from services.audit.log.keyring import LogKey
from services.audit.log.keys import KeyLost
from services.audit.log.model import SignedCheckpoint
from services.audit.log.notes import NoteInvalid, Signer
from services.audit.log.tiles import TILE_WIDTH
from shared.db.unit_of_work import Work
from shared.journal.recording import Topic
from shared.journal.tables import journal
from shared.kernel import canonical
from shared.kernel.errors import Conflict, NotFound

SOURCE = "audit"
BEGUN, ENDED = "begun", "ended"


def begin_key(work: Work, folder: Path) -> LogKey:
    """The new key of the log: from now on every checkpoint carries its signature and the old one's.

    The key file is written before the transaction ends; the next try takes up what a crash leaves of it.
    Raises: NotFound where no log was begun; Conflict while another key is following; KeyLost.
    """
    ring = _locked_ring(work)
    first, *others = keyring.in_force(ring)
    if others:
        raise Conflict(
            "log_key_following",
            f"Key {others[0].key.key_id.hex()} follows {first.key.key_id.hex()} already: end the older key "
            "before the next one is begun.",
        )
    held = keys.load_signers(folder)
    old = next((one for one in held if one.verifier == first.key), None)
    if old is None:
        raise KeyLost(first.key.name, folder)
    known = {one.key for one in ring}
    new = next((one for one in held if one.verifier not in known), None) or Signer.generate(old.name)
    keys.keep_signers(folder, [old, new])
    begun = LogKey(ring[-1].number + 1, new.verifier, queries.size(work.connection))
    store.add_key(work.connection, begun.number, str(begun.key), begun.begun_size)
    _tell(work, BEGUN)
    return begun


def end_key(work: Work) -> LogKey:
    """The older key, which signs nothing from now on. Call `keys.tidy` once the transaction is committed.

    Raises: NotFound where no log was begun; Conflict where no key follows it, or where no checkpoint by both
    covers the entry that tells of the new one.
    """
    ring = _locked_ring(work)
    old, *others = keyring.in_force(ring)
    if not others:
        raise Conflict(
            "log_key_alone",
            f"Key {_id(old)} is the only one of the log: begin another before this one is ended.",
        )
    newest = store.newest_checkpoint(work.connection)
    if newest is None or not _vouched(work.connection, newest, old, others[0]):
        raise Conflict(
            "log_key_not_vouched",
            f"No checkpoint by both keys covers the entry that tells of key {_id(others[0])} yet, so who "
            f"trusts {_id(old)} could not learn of it. The worker signs one a second: see that it runs, and "
            "try again.",
        )
    store.end_key(work.connection, old.number, newest.size)
    _tell(work, ENDED)
    return LogKey(old.number, old.key, old.begun_size, newest.size)


def is_told_by(envelope: Mapping[str, Any]) -> bool:
    """Whether an entry of the log tells of its keys."""
    return envelope.get("type") == KeysRotated.TYPE and envelope.get("source") == SOURCE


def is_told(connection: Connection, ring: Sequence[LogKey], entries: Iterable[int]) -> bool:
    """Whether the keys are just those that the last of these entries tells of; the first key needs none.

    Where the journal of this service tells of more, that is on its way into the log and counts.
    """
    logged = [one for _, one in sorted(queries.data(connection, entries).items())]
    told_now = select(journal.c.data).where(journal.c.type == KeysRotated.TYPE).order_by(journal.c.seq)
    recorded = [bytes(one) for one in connection.scalars(told_now)]
    told = max(logged, recorded, key=len)  # the log, where both tell of as many
    if not told:
        return len(ring) == 1 and ring[0].ended_size is None
    return _keys_in(told[-1]) == [one.told() for one in ring]


def _locked_ring(work: Work) -> list[LogKey]:
    """Every key, while nobody signs. Raises: NotFound."""
    store.lock(work.connection, store.SIGN_LOCK)
    ring = store.ring(work.connection)
    if not ring:
        raise NotFound("log_not_begun", "No log was begun yet; run the audit service's migrate role.")
    return ring


def _vouched(connection: Connection, newest: SignedCheckpoint, old: LogKey, new: LogKey) -> bool:
    """Whether both keys signed the checkpoint, and the entry of the new key stands under it."""
    try:
        for one in (old, new):
            notes.open_checkpoint(newest.note, one.key)
    except NoteInvalid:
        return False
    return any(new.told() in told for told in _told(connection, new.begun_size, newest.size))


def _told(connection: Connection, start: int, stop: int) -> Iterator[list[Any]]:
    """The keys that the entries from start to stop tell of."""
    mark = KeysRotated.TYPE.encode()
    for number in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
        for index, leaf in enumerate(queries.bundle(connection, number), number * TILE_WIDTH):
            if mark in leaf and index < stop and is_told_by(canonical.decode(leaf)):
                yield _keys_in(queries.data(connection, [index])[index])


def _keys_in(data: bytes) -> list[Any]:
    """The keys that the data of an event tells of, none where it cannot be read."""
    try:
        found = canonical.decode(data)
    except ValueError:
        return []
    keys_told = found.get("items") if isinstance(found, dict) else None
    return keys_told if isinstance(keys_told, list) else []


def _tell(work: Work, kind: str) -> None:
    ring = store.ring(work.connection)
    work.record(KeysRotated(kind, tuple(one.told() for one in ring)), Topic.TRAIL)


def _id(one: LogKey) -> str:
    return one.key.key_id.hex()
