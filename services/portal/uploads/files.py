"""What forms know of their files: which one came, whether with the form or before it; and that it stays.

A form whose file waits here already brings the name of it (`upload`) instead of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO
from uuid import UUID

from flask import Flask, current_app, request

from services.portal.calls.services import Refused
from services.portal.look.language import words
from services.portal.uploads import handlers, model, store
from services.portal.uploads.commands import BeginUpload
from services.portal.uploads.model import NAME_CHARS_MAX, PIECE_BYTES, Form, Upload, Waiting
from services.portal.visits import guard
from services.portal.visits.guard import current_visit
from shared.kernel.errors import Rejected
from shared.kernel.ids import new_id
from shared.web.context import current_context

FORMS = "FORMS_WITH_FILES"  # in the application's configuration: every Form that takes a file
FILE, UPLOAD = "file", "upload"  # the fields of a form
NONE = "-"  # what the second holds where the file could not stay
GONE, CONFLICT, TOO_LARGE = 410, 409, 413


@dataclass(frozen=True, slots=True)
class File:
    """A file that came, read piece by piece as often as it is asked for. Units: `size` bytes."""

    name: str
    size: int
    content: Iterable[bytes]
    waiting: tuple[UUID, ...] = ()  # what is used up with it

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.content)


@dataclass(frozen=True, slots=True)
class Stream:
    """What came with the form."""

    stream: IO[bytes]

    def __iter__(self) -> Iterator[bytes]:
        self.stream.seek(0)
        while piece := self.stream.read(PIECE_BYTES):
            yield piece


@dataclass(frozen=True, slots=True)
class Pieces:
    """What waits here; no transaction is open while it is passed on."""

    upload_id: UUID

    def __iter__(self) -> Iterator[bytes]:
        offset, context = 0, current_context()
        while True:
            with context.unit_of_work.reading() as connection:
                found = store.pieces(connection, guard.desk().sealer, self.upload_id, offset)
            if not found:
                return
            yield from found
            offset += sum(map(len, found))


def install(app: Flask, forms: Iterable[Form]) -> None:
    """Templates can ask what waits for a form; forms that cannot be sent keep their files."""
    app.config[FORMS] = tuple(forms)
    app.config[guard.PUT_AWAY] = put_away
    app.jinja_env.globals.update(waiting_for=waiting_for, form_of=form_of)


def came(form: Form) -> File | None:
    """The file of the form that was sent; None where neither came one nor waits one.

    One that came with the form counts, where there are both.
    Raises: Refused upload_expired, upload_unfinished, upload_too_large.
    """
    waits = _id_of(request.form.get(UPLOAD, ""))
    sent = request.files.get(FILE)
    if sent is not None and sent.filename:
        size = _size(sent.stream)
        _ensure_fits(size, form)
        return File(sent.filename[-NAME_CHARS_MAX:], size, Stream(sent.stream), (waits,) if waits else ())
    if waits is None:
        return None
    upload = _find(waits)
    if upload is None or upload.form != form.path:
        raise _refused(GONE, "upload_expired")
    if not upload.complete:
        raise _refused(CONFLICT, "upload_unfinished")
    return File(upload.name, upload.length, Pieces(upload.id), (upload.id,))


def used_up(file: File) -> None:
    """The form was taken: its file is offered no more."""
    if file.waiting:
        with current_context().unit_of_work.begin(guard.acting()) as work:
            handlers.use_up(work, current_visit().person.subject, file.waiting)


def put_away() -> Mapping[str, list[str]]:
    """The field that stands for the file of a form which could not be sent: it stays here for its person.

    Nothing, where no file came with it, or where there is no room for it: the form is kept without.
    """
    visit, sent, form = current_visit(), request.files.get(FILE), _forms().get(str(request.url_rule))
    person = visit.principal.subject if visit.principal else visit.holder
    if sent is None or not sent.filename or form is None or not person:
        return {}
    name = sent.filename[-NAME_CHARS_MAX:]
    command = BeginUpload(new_id(), person, form.path, name, _size(sent.stream))
    try:
        with current_context().unit_of_work.begin(guard.acting()) as work:
            handlers.take_in(work, guard.desk().sealer, form, command, Stream(sent.stream))
            if former := _id_of(request.form.get(UPLOAD, "")):
                handlers.use_up(work, person, [former])
    except Rejected:
        return {UPLOAD: [NONE]}
    return {UPLOAD: [str(command.upload_id)]}


def waiting_for(path: str, chosen: str) -> Waiting:
    """What waits for a form of the person at the screen; `chosen` is what the form held when it was sent."""
    visit, context = current_visit(), current_context()
    if visit.principal is None:
        return Waiting(None, [])
    sealer, now = guard.desk().sealer, context.clock.now()
    with context.unit_of_work.reading() as connection:
        theirs = store.of_person(connection, sealer, visit.principal.subject, now, path)
    return model.waiting(theirs, chosen)


def form_of(path: str) -> Form:
    """The form that is sent there."""
    return _forms()[path]


def limit_in_words(bytes_max: int) -> str:
    """How large a file may be."""
    return words("uploads.most", most=bytes_max // 1_000_000)


def _ensure_fits(size: int, form: Form) -> None:
    try:
        model.ensure_fits(size, form)
    except Rejected as error:
        raise _refused(TOO_LARGE, error.code, limit_in_words(form.bytes_max)) from error


def _refused(status: int, code: str, detail: str = "") -> Refused:
    """A refusal of our own, that is shown as those of services are: beside the field."""
    said = words(f"problems.{code}")
    fault = {"code": code, "pointer": f"/{FILE}", "detail": f"{said} {detail}".strip()}
    return Refused(status, {"code": code, "detail": detail, "errors": [fault]})


def _find(upload_id: UUID) -> Upload | None:
    context = current_context()
    person, now = current_visit().person.subject, context.clock.now()
    with context.unit_of_work.reading() as connection:
        return store.find(connection, guard.desk().sealer, person, upload_id, now)


def _forms() -> Mapping[str, Form]:
    return {form.path: form for form in current_app.config[FORMS]}


def _size(stream: IO[bytes]) -> int:
    return stream.seek(0, 2)


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
