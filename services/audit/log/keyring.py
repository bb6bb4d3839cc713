"""Which keys sign for the log, and up to which size: one key is followed by another, and none is forgotten.

While two keys are in force every checkpoint carries both signatures. An ended key stands for what it signed
up to its last size, and for nothing beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.audit.log import notes
from services.audit.log.notes import KEY_ID_BYTES, Checkpoint, NoteInvalid, VerifierKey


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key of the log: at which size it was begun, and the last size that it may sign once it was ended."""

    number: int
    key: VerifierKey
    begun_size: int = 0
    ended_size: int | None = None

    def signs(self, size: int) -> bool:
        """Whether a checkpoint over so many entries may rest on this key."""
        return self.ended_size is None or size <= self.ended_size

    def told(self) -> dict[str, str | int | None]:
        """The key as the log tells of it."""
        return {
            "begun_size": self.begun_size,
            "ended_size": self.ended_size,
            "key_id": self.key.key_id.hex(),
            "vkey": str(self.key),
        }

    def line(self) -> str:
        """The key as the verifier reads it: the C2SP line, and behind an ended key its last size."""
        return str(self.key) if self.ended_size is None else f"{self.key} {self.ended_size}"


def in_force(ring: Sequence[LogKey]) -> list[LogKey]:
    """The keys that sign what comes, the older one first."""
    return sorted((one for one in ring if one.ended_size is None), key=lambda one: one.number)


def open_checkpoint(note: str, ring: Sequence[LogKey]) -> Checkpoint:
    """The checkpoint of a note that a key of the ring signed, up to the last size of that key.

    Raises: NoteInvalid, also where only a key signed that was ended before this size.
    """
    text, signatures = notes.split_note(note)
    size = Checkpoint.parse(text).size
    allowed = [one.key for one in ring if one.signs(size)]
    named = {(name, raw[:KEY_ID_BYTES]) for name, raw in signatures}
    if not any((key.name, key.key_id) in named for key in allowed):
        for one in ring:
            if (one.key.name, one.key.key_id) in named:
                raise NoteInvalid(
                    f"Key {one.key.key_id.hex()} was ended at {one.ended_size} entries and cannot stand for "
                    f"{size}: a key that followed it must have signed."
                )
    return notes.open_checkpoint(note, *allowed)
