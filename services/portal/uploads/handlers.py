"""Beginning a file, adding to it, using it up. Nothing of it is journalled: it is no fact before its form is.

Two who send to one file do so one after the other, and the second finds that the file has gone on.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.portal.uploads import store
from services.portal.uploads.commands import AppendPiece, BeginUpload
from services.portal.uploads.model import (
    NAME_CHARS_MAX,
    WAITING_BYTES_MAX,
    Form,
    Upload,
    ensure_fits,
    ensure_follows,
    makes_room,
)
from shared.db.unit_of_work import Work
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.sealing import Sealer


def begin_upload(work: Work, sealer: Sealer, form: Form, command: BeginUpload) -> Upload:
    """A file of which nothing is here yet.

    Raises: TooLarge; Rejected upload_nameless, uploads_full, uploads_no_room.
    """
    ensure_fits(command.length, form)
    if not 0 < len(command.name) <= NAME_CHARS_MAX:
        raise Rejected("upload_nameless", f"A file has a name of 1 to {NAME_CHARS_MAX} characters.")
    connection = work.connection
    store.wait_turn(connection)
    store.forget_expired(connection, work.now)
    theirs = store.of_person(connection, sealer, command.person, work.now)
    store.forget(connection, command.person, makes_room(theirs, command.length, work.now))
    if store.waiting_bytes(connection) + command.length > WAITING_BYTES_MAX:
        raise Rejected("uploads_no_room", "As much as may wait here waits already; try again later.")
    return store.add(connection, sealer, command, work.now)


def append_piece(work: Work, sealer: Sealer, command: AppendPiece) -> Upload:
    """The file with the piece at its end.

    Raises: NotFound upload_expired; Rejected upload_offset, where it does not begin there; upload_beyond_end.
    """
    upload = store.find(work.connection, sealer, command.person, command.upload_id, work.now, lock=True)
    if upload is None:
        raise NotFound("upload_expired", f"There is no file {command.upload_id} of yours.")
    ensure_follows(upload, command.offset, len(command.content))
    if not command.content:
        return upload
    return store.append(work.connection, sealer, upload, command.content, work.now)


def take_in(work: Work, sealer: Sealer, form: Form, command: BeginUpload, content: Iterable[bytes]) -> Upload:
    """A file that came as a whole. Raises: as the beginning of one."""
    upload = begin_upload(work, sealer, form, command)
    for piece in content:
        upload = store.append(work.connection, sealer, upload, piece, work.now)
    return upload


def use_up(work: Work, person: str, upload_ids: Iterable[UUID]) -> None:
    """The forms of these files were taken: they are offered no more, and soon gone."""
    store.mark_used(work.connection, person, list(upload_ids), work.now)
