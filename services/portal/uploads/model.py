"""Files on their way from a browser: for which form, how far they have come, and how much may wait.

A file belongs to the person who sends it. It waits for its form, and no longer than a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.kernel.errors import Rejected

REQUEST_BYTES_MAX = 1024 * 1024  # of one request of the protocol; our script sends a quarter of it
PIECE_BYTES = 256 * 1024  # of a row, where a file comes as a whole
KEPT_FOR = timedelta(days=1)  # since anything of it came
KEPT_AFTER_USE = timedelta(minutes=15)  # a form that is sent twice finds its file twice
IDLE_AFTER = timedelta(minutes=10)  # one that has not moved for so long makes room for the next
PERSON_FILES_MAX = 10
PERSON_BYTES_MAX = 200 * 1024 * 1024
WAITING_BYTES_MAX = 4 * 1024**3  # of everybody
NAME_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Form:
    """A form that takes a file: the route it is sent to, who may send it, what the service behind it takes.

    Units: `bytes_max` bytes.
    """

    path: str
    permission: str
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, as far as it is here. Units: bytes; `modified` as the browser told it, ms since 1970."""

    id: UUID
    form: str
    name: str
    modified: int
    length: int
    received: int
    used: bool
    touched_at: datetime
    expires_at: datetime

    @property
    def complete(self) -> bool:
        """Whether every byte is here."""
        return self.received == self.length


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a form: the file that it would be sent with, and others that have come in part."""

    chosen: Upload | None
    begun: list[Upload]


class TooLarge(Rejected):
    """The service behind the form takes no file of this size."""

    def __init__(self, length: int, form: Form) -> None:
        said = f"The file has {length} bytes, and {form.bytes_max} are the most for {form.path}."
        super().__init__("upload_too_large", said)
        self.bytes_max = form.bytes_max


def ensure_fits(length: int, form: Form) -> None:
    """Nothing, where the service behind the form takes so many bytes. Raises: TooLarge."""
    if length > form.bytes_max:
        raise TooLarge(length, form)


def ensure_follows(upload: Upload, offset: int, count: int) -> None:
    """Nothing, where so many bytes from there on go on from what is here.

    Raises: Rejected upload_offset, where they begin elsewhere; upload_beyond_end.
    """
    if offset != upload.received:
        raise Rejected("upload_offset", f"{upload.received} bytes are here; these begin at {offset}.")
    if offset + count > upload.length:
        raise Rejected("upload_beyond_end", f"The file has {upload.length} bytes; {count} more are too many.")


def makes_room(theirs: Sequence[Upload], length: int, now: datetime) -> list[UUID]:
    """Those of a person's files that go before another of so many bytes comes.

    Those that were used go first, then those that have not moved the longest; one that moves stays.
    Bounds: PERSON_FILES_MAX files, PERSON_BYTES_MAX bytes with the new one. Raises: Rejected uploads_full.
    """
    left = sorted(theirs, key=lambda one: (not one.used, one.touched_at))
    going: list[UUID] = []
    while left and (len(left) >= PERSON_FILES_MAX or _bytes(left) + length > PERSON_BYTES_MAX):
        first = left.pop(0)
        if not first.used and now - first.touched_at < IDLE_AFTER:
            raise Rejected("uploads_full", "As many of your files as may wait are on their way already.")
        going.append(first.id)
    return going


def waiting(theirs: Sequence[Upload], chosen: str) -> Waiting:
    """What waits for a form among a person's files for it, the newest first.

    `chosen` is what the form held when it was sent; where it was not, the newest whole file stands for it.
    """
    whole = [one for one in theirs if one.complete and not one.used]
    if chosen:
        whole = [one for one in theirs if one.complete and str(one.id) == chosen]
    return Waiting(whole[0] if whole else None, [one for one in theirs if not one.complete])


def _bytes(uploads: Sequence[Upload]) -> int:
    return sum(one.length for one in uploads)
