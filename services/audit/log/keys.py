"""The log's key, kept outside the database, and the newest checkpoint beside it.

Who can rewrite the database can rewrite the log, but not what was signed and published: so neither the key
nor the memory of the last signature lives there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from services.audit.log import keyring, store
from services.audit.log.keyring import LogKey
from services.audit.log.notes import Signer
from shared.db.unit_of_work import Work
from shared.kernel.errors import Conflict, Unavailable

KEY_FILE = "log.key"
VKEY_FILE = "log.vkey"
CHECKPOINT_FILE = "log.checkpoint"
ROOM_WAIT_S = 5
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class KeyLost(Conflict):
    """The database holds a log whose key is not in the key folder."""

    def __init__(self, origin: str, folder: Path) -> None:
        super().__init__(
            "log_key_lost",
            f"The database holds the log {origin}, but its key is not in {folder}. Bring {KEY_FILE} back "
            "from its copy; a new key can only begin a new log under another origin, in an empty database.",
        )


class LogLost(Conflict):
    """The folder holds a checkpoint of a log that the database has lost."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            "log_lost",
            f"{folder / CHECKPOINT_FILE} was signed over a log that this database does not hold. Restore it; "
            f"or put {KEY_FILE}, {VKEY_FILE} and {CHECKPOINT_FILE} in a safe place and begin a new log "
            "under another origin.",
        )


def ensure_log(work: Work, folder: Path, origin: str) -> None:
    """A log is begun, under a key that is in the folder.

    Idempotent. Raises: KeyLost where a key of the stored log is not there; LogLost where the key has signed a
    log and the database holds none.
    """
    stored = store.origin(work.connection)
    if stored is None and (folder / CHECKPOINT_FILE).exists():
        raise LogLost(folder)
    if stored is not None and not (folder / KEY_FILE).exists():
        raise KeyLost(stored, folder)
    if stored is None:
        signer = _load_or_make(folder, origin)
        store.begin(work.connection, signer.name, str(signer.verifier))
    ring = store.ring(work.connection)
    held = {one.verifier for one in load_signers(folder)}
    if stored is not None and not {one.key for one in keyring.in_force(ring)} <= held:
        raise KeyLost(stored, folder)
    tidy(folder, ring)


def load_signer(folder: Path) -> Signer:
    """The key in the folder; while one key follows another, the older one."""
    return load_signers(folder)[0]


def load_signers(folder: Path) -> tuple[Signer, ...]:
    """Every key in the folder: one a line, the older one first; none where there is no such file."""
    file = folder / KEY_FILE
    return tuple(Signer.parse(line) for line in file.read_text().splitlines()) if file.exists() else ()


def keep_signers(folder: Path, signers: Sequence[Signer]) -> None:
    """Replace the keys in the folder, all at once."""
    _write(folder / KEY_FILE, "".join(one.secret_text() + "\n" for one in signers), 0o600)


def tidy(folder: Path, ring: Sequence[LogKey]) -> None:
    """The folder holds no ended key, and publishes every key the log ever had, one a line, the newest last.

    A key that the log does not know stays: it may be one that was about to be begun. Idempotent.
    """
    ended = {one.key for one in ring if one.ended_size is not None}
    held = load_signers(folder)
    kept = [one for one in held if one.verifier not in ended]
    if kept and len(kept) < len(held):
        keep_signers(folder, kept)
    _write(folder / VKEY_FILE, "".join(one.line() + "\n" for one in ring), 0o644)


def published_note(folder: Path) -> str | None:
    """The last checkpoint that was published beside the key, not yet opened, or None before the first."""
    file = folder / CHECKPOINT_FILE
    return file.read_text() if file.exists() else None


def publish_checkpoint(folder: Path, note: str) -> None:
    """Replace the published checkpoint; a crash leaves the old or the new one, never half of one."""
    _write(folder / CHECKPOINT_FILE, note, 0o644)


def _load_or_make(folder: Path, origin: str) -> Signer:
    if not (folder / KEY_FILE).exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_signers(folder, [Signer.generate(origin)])
    return load_signer(folder)


def _write(file: Path, text: str, mode: int) -> None:
    fresh = file.with_suffix(file.suffix + ".new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(descriptor)
        fresh.replace(file)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        message = f"The disk of {file} is full; the former file stays. Make room, then it goes on by itself."
        raise Unavailable(message, ROOM_WAIT_S) from error
