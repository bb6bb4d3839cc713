"""Every error leaves as one documented body. Source: RFC 9457 (problem details), RFC 6901 (JSON pointers)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from flask_smorest import Api
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException

from shared.kernel.errors import Conflict, Denied, Fault, NotFound, Rejected, Stale, Unavailable
from shared.web import contract
from shared.web.idempotency import KeyMissing

MEDIA_TYPE = contract.PROBLEM_TYPE
PLACES = frozenset({"json", "query", "headers", "files", "form", "path", "cookies"})
STATUS_OF: tuple[tuple[type[Rejected], int], ...] = (
    (KeyMissing, 400),
    (Denied, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Stale, 412),
    (Rejected, 422),
)


class FaultSchema(Schema):
    """One fault in one place of the request or file."""

    code = fields.String()
    detail = fields.String(required=True)
    pointer = fields.String()
    row = fields.Integer()
    column = fields.String()
    value = fields.String()
    cure = fields.String()


class ProblemSchema(Schema):
    """The body of every error."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String()
    values = fields.Dict(
        metadata={"description": "The facts of the detail by name, to be said in other words."}
    )
    errors = fields.List(fields.Nested(FaultSchema))


class ProblemApi(Api):
    """flask-smorest's API object with our error body."""

    ERROR_SCHEMA = ProblemSchema

    def document(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document of the service."""
        return contract.mended(self.spec.to_dict())

    def _openapi_json(self) -> Response:
        return Response(json.dumps(self.document(), sort_keys=True), content_type="application/json")

    def handle_http_exception(self, error: HTTPException) -> Response:
        """The problem that stands for an HTTP error, with the headers it brings."""
        status = error.code or 500
        data: Mapping[str, Any] = getattr(error, "data", None) or {}
        messages = data.get("messages", {})
        reply = problem(
            status,
            "request_invalid" if messages else HTTPStatus(status).phrase.lower().replace(" ", "_"),
            str(error.description or ""),
            list(_faults(messages)),
        )
        for name, value in [*error.get_headers(), *(data.get("headers") or {}).items()]:
            if name.lower() not in {"content-type", "content-length"}:
                reply.headers[name] = value
        return reply


def register(app: Flask) -> None:
    """Answer our own two kinds of failure as problems."""
    app.register_error_handler(Rejected, _rejected)
    app.register_error_handler(Unavailable, _unavailable)


def problem(
    status: int,
    code: str,
    detail: str,
    faults: list[Fault] | None = None,
    values: Mapping[str, object] | None = None,
) -> Response:
    """A response with a problem body."""
    body: dict[str, Any] = {
        "type": f"urn:fundtrail:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if values:
        body["values"] = {
            name: value if isinstance(value, int) else str(value) for name, value in values.items()
        }
    if faults:
        body["errors"] = [_fault(fault) for fault in faults]
    return Response(json.dumps(body), status, content_type=MEDIA_TYPE)


def _rejected(error: Rejected) -> Response:
    status = next(status for kind, status in STATUS_OF if isinstance(error, kind))
    return problem(status, error.code, error.message, list(error.faults), error.values)


def _unavailable(error: Unavailable) -> Response:
    reply = problem(503, "unavailable", f"{error.message} ({request.path})")
    reply.headers["Retry-After"] = str(error.retry_after_s)
    return reply


def _fault(fault: Fault) -> dict[str, Any]:
    shown = {name: getattr(fault, name) for name in ("code", "pointer", "row", "column", "value", "cure")}
    return {"detail": fault.message} | {
        name: value for name, value in shown.items() if value not in (None, "")
    }


def _faults(messages: Mapping[str, object]) -> Iterator[Fault]:
    """The faults of a request; the first level says where it was looked for, not where it stands."""
    for place, inner in messages.items():
        for pointer, text in _flatten(inner, "" if place in PLACES else f"/{place}"):
            yield Fault("field_invalid", text, pointer)


def _flatten(messages: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _flatten(inner, f"{pointer}/{name}")
    elif isinstance(messages, list):
        for text in messages:
            yield from _flatten(text, pointer)
    else:
        yield pointer, str(messages)
