"""The log's key, kept outside the database, and the newest checkpoint beside it.

Who can rewrite the database can rewrite the log, but not what was signed and published: so neither the key
nor the memory of the last signature lives there.
"""

from __future__ import annotations

import os
from pathlib import Path

from services.audit.log import notes, store
from services.audit.log.notes import Checkpoint, Signer
from shared.db.unit_of_work import Work
from shared.kernel.errors import Conflict

KEY_FILE = "log.key"
VKEY_FILE = "log.vkey"
CHECKPOINT_FILE = "log.checkpoint"


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

    Idempotent. Raises: KeyLost where the stored log was begun under another key; LogLost where the key has
    signed a log and the database holds none.
    """
    stored = store.identity(work.connection)
    if stored is None and (folder / CHECKPOINT_FILE).exists():
        raise LogLost(folder)
    if stored is not None and not (folder / KEY_FILE).exists():
        raise KeyLost(stored[0], folder)
    signer = _load_or_make(folder, origin)
    if stored is None:
        store.begin(work.connection, signer.name, str(signer.verifier))
    elif stored != (signer.name, str(signer.verifier)):
        raise KeyLost(stored[0], folder)


def load_signer(folder: Path) -> Signer:
    """The key in the folder."""
    return Signer.parse((folder / KEY_FILE).read_text())


def published_checkpoint(folder: Path, signer: Signer) -> Checkpoint | None:
    """The last checkpoint that was published beside the key, or None before the first.

    Raises: NoteInvalid where the file is not what this key signed.
    """
    file = folder / CHECKPOINT_FILE
    return notes.open_checkpoint(file.read_text(), signer.verifier) if file.exists() else None


def publish_checkpoint(folder: Path, note: str) -> None:
    """Replace the published checkpoint; a crash leaves the old or the new one, never half of one."""
    _write(folder / CHECKPOINT_FILE, note, 0o644)


def _load_or_make(folder: Path, origin: str) -> Signer:
    file = folder / KEY_FILE
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(file, Signer.generate(origin).secret_text() + "\n", 0o600)
    signer = Signer.parse(file.read_text())
    _write(folder / VKEY_FILE, f"{signer.verifier}\n", 0o644)
    return signer


def _write(file: Path, text: str, mode: int) -> None:
    fresh = file.with_suffix(file.suffix + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(descriptor)
    fresh.replace(file)
