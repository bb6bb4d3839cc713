"""The server of tus 1.0.0: a browser begins a file, asks how far it is here, and goes on from there.

Source: tus.io, resumable upload protocol 1.0.0, with the extensions creation, expiration, checksum and
termination. Scripts of our own pages ask: what is refused is told in a line, in the visitor's language.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, request, url_for
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date

from services.portal.look.page import named
from services.portal.uploads import handlers, store
from services.portal.uploads.commands import AppendPiece, BeginUpload
from services.portal.uploads.files import FORMS, limit_in_words
from services.portal.uploads.model import NAME_CHARS_MAX, REQUEST_BYTES_MAX, Form, TooLarge, Upload
from services.portal.visits import guard
from services.portal.visits.guard import current_visit
from services.portal.visits.model import Standing
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.ids import new_id
from shared.web.acting import PUBLIC, SIGNED_IN
from shared.web.context import current_context

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
ALGORITHMS: Mapping[str, Callable[[bytes], Any]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
BODY_TYPE = "application/offset+octet-stream"
READ_BYTES = 16 * 1024  # what a line that breaks off may lose of what has come
SILENT_S = 30.0  # a line on which nothing comes for so long is broken
LENGTH_MAX = 2**53
STATUSES = {
    "upload_expired": 404,
    "upload_offset": 409,
    "upload_too_large": 413,
    "upload_type": 415,
    "upload_unnamed_size": 411,
    "upload_checksum": 460,  # as tus has it
    "upload_not_yours": 403,
    "upload_signed_out": 401,
    "upload_version": 412,
}

blueprint = Blueprint("uploads", __name__, url_prefix="/uploads", template_folder="templates")
View = Callable[..., Response]


def by_script(view: View) -> View:
    """A view for scripts: it leads nowhere, keeps no form, and holds no screen open.

    A screen that locked itself meanwhile lets its person's file go on: nothing of it is shown.
    """

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - whatever the route passes
        try:
            _ensure_spoken_and_signed_in()
            return view(*args, **kwargs)
        except Rejected as refusal:
            return _refusal(refusal)

    run.permission = SIGNED_IN  # type: ignore[attr-defined]
    return run


def _ensure_spoken_and_signed_in() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Rejected("upload_version", f"Send Tus-Resumable: {VERSION}.")
    if current_visit().standing is Standing.OUTSIDE:
        raise Rejected("upload_signed_out", "Nobody is signed in here any more.")


@blueprint.after_request
def _speak(reply: Response) -> Response:
    reply.headers["Tus-Resumable"] = VERSION
    return reply


@blueprint.route("", methods=["OPTIONS"], provide_automatic_options=False)
def tell() -> Response:
    """What is spoken here."""
    reply = Response(status=204)
    reply.headers["Tus-Version"] = VERSION
    reply.headers["Tus-Extension"] = EXTENSIONS
    reply.headers["Tus-Max-Size"] = str(max(form.bytes_max for form in _forms().values()))
    reply.headers["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
    return reply


tell.permission = PUBLIC  # type: ignore[attr-defined]


@blueprint.post("")
@by_script
def begin() -> Response:
    """A file begins: where its pieces go."""
    form, command = _announced()
    if current_visit().standing is Standing.LOCKED or not current_visit().may(form.permission):
        raise Rejected("upload_not_yours", f"{form.path} is not for this person, or the screen is locked.")
    with current_context().unit_of_work.begin(guard.acting()) as work:
        upload = handlers.begin_upload(work, guard.desk().sealer, form, command)
    reply = _stands(upload, 201)
    reply.headers["Location"] = url_for("uploads.send", upload_id=upload.id)
    return reply


@blueprint.route("/<uuid:upload_id>", methods=["HEAD"])
@by_script
def ask(upload_id: UUID) -> Response:
    """How far a file is here."""
    context = current_context()
    with context.unit_of_work.reading() as connection:
        now = context.clock.now()
        upload = store.find(connection, guard.desk().sealer, _person(), upload_id, now)
    if upload is None:
        raise NotFound("upload_expired", f"There is no file {upload_id} of yours.")
    reply = _stands(upload, 200)
    reply.headers["Upload-Length"] = str(upload.length)
    reply.headers["Cache-Control"] = "no-store"
    return reply


@blueprint.patch("/<uuid:upload_id>")
@by_script
def send(upload_id: UUID) -> Response:
    """More of a file; what came before the line broke counts."""
    if request.mimetype != BODY_TYPE:
        raise Rejected("upload_type", f"Send the bytes as {BODY_TYPE}.")
    offset = _number("Upload-Offset")
    command = AppendPiece(upload_id, _person(), offset, _received())
    with current_context().unit_of_work.begin(guard.acting()) as work:
        upload = handlers.append_piece(work, guard.desk().sealer, command)
    return _stands(upload, 204)


@blueprint.delete("/<uuid:upload_id>")
@by_script
def end(upload_id: UUID) -> Response:
    """The file is not wanted any more."""
    with current_context().unit_of_work.begin(guard.acting()) as work:
        if not store.forget(work.connection, _person(), [upload_id]):
            raise NotFound("upload_expired", f"There is no file {upload_id} of yours.")
    return Response(status=204)


@blueprint.post("/<uuid:upload_id>")
def instead(upload_id: UUID) -> Response:
    """The same, where something on the way lets GET and POST pass alone."""
    meant = {"PATCH": send, "DELETE": end}.get(request.headers.get("X-HTTP-Method-Override", ""))
    return meant(upload_id) if meant else Response(status=405, headers={"Allow": "HEAD, PATCH, DELETE"})


instead.permission = SIGNED_IN  # type: ignore[attr-defined]


def _announced() -> tuple[Form, BeginUpload]:
    told = _metadata()
    form = _forms().get(told.get("form", ""))
    if form is None:
        raise Rejected("upload_unreadable", "Upload-Metadata names no form that takes a file.")
    modified = told.get("modified", "0")
    name = told.get("filename", "")[:NAME_CHARS_MAX]
    return form, BeginUpload(
        new_id(), _person(), form.path, name, _number("Upload-Length"), _whole(modified, "modified")
    )


def _metadata() -> dict[str, str]:
    found = {}
    for pair in filter(None, request.headers.get("Upload-Metadata", "").split(",")):
        name, _, value = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Rejected("upload_unreadable", f"The value of {name} is no base64 of UTF-8.") from error
    return found


def _number(header: str) -> int:
    return _whole(request.headers.get(header, ""), header)


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < LENGTH_MAX):
        raise Rejected("upload_unreadable", f"{name} is no whole number.")
    return int(text)


def _received() -> bytes:
    """What came of the body: all of it, or as much as came before the line broke.

    Bounds: REQUEST_BYTES_MAX. Raises: Rejected upload_checksum, where it is not what its sender says.
    """
    length = request.content_length
    if length is None:
        raise Rejected("upload_unnamed_size", "Send Content-Length.")
    if length > REQUEST_BYTES_MAX:
        raise Rejected("upload_too_large", f"A request has {REQUEST_BYTES_MAX} bytes at most.")
    if line := request.environ.get("gunicorn.socket"):
        line.settimeout(SILENT_S)
    content = bytearray()
    try:
        while piece := request.stream.read(READ_BYTES):
            content += piece
    except ClientDisconnected:
        pass
    _ensure_sum(bytes(content))
    return bytes(content)


def _ensure_sum(content: bytes) -> None:
    told = request.headers.get("Upload-Checksum")
    if told is None:
        return
    algorithm, _, value = told.partition(" ")
    if algorithm not in ALGORITHMS:
        raise Rejected("upload_unreadable", f"Checksums are made by one of {', '.join(ALGORITHMS)}.")
    if base64.b64encode(ALGORITHMS[algorithm](content).digest()).decode() != value.strip():
        raise Rejected("upload_checksum", "The bytes that came are not those that were sent.")


def _stands(upload: Upload, status: int) -> Response:
    reply = Response(status=status)
    reply.headers["Upload-Offset"] = str(upload.received)
    reply.headers["Upload-Expires"] = http_date(upload.expires_at)
    return reply


def _refusal(refusal: Rejected) -> Response:
    status = STATUSES.get(refusal.code, 422 if refusal.code.startswith("uploads_") else 400)
    said = named(refusal.code, "problems")
    if isinstance(refusal, TooLarge):
        said += f" {limit_in_words(refusal.bytes_max)}"
    reply = Response(said, status, content_type="text/plain; charset=utf-8")
    if refusal.code == "upload_version":
        reply.headers["Tus-Version"] = VERSION
    return reply


def _forms() -> Mapping[str, Form]:
    return {form.path: form for form in current_app.config[FORMS]}


def _person() -> str:
    return current_visit().person.subject
