"""What a person sees when something is in the way: in words, on a page of this site, never a stack."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, make_response, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from services.portal.calls.services import Away, Refused, SignedOut
from services.portal.look.page import named, show
from services.portal.roles.model import catalogue
from services.portal.visits import guard
from services.portal.visits.guard import NotYours
from services.portal.visits.model import TABLE_ROWS_MAX
from shared.kernel.errors import Rejected, Unavailable

NOT_FOUND = 404
DENIED = 403
MULTIPART = "multipart/form-data"
UNPROCESSABLE = 422

log = structlog.get_logger(__name__)


def install(app: Flask) -> None:
    """Every error is answered by a page."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Away, _away)
    app.register_error_handler(SignedOut, lambda _: guard.to_sign_in())
    app.register_error_handler(NotYours, _not_yours)
    app.register_error_handler(CSRFError, lambda _: _page(400, "form_foreign"))
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(Rejected, _rejected)
    app.register_error_handler(Unavailable, lambda error: _waits("portal", error.retry_after_s))
    app.register_error_handler(HTTPException, _of_http)


def _refused(error: Refused) -> Response:
    if request.method == "POST" and "at" in request.form:
        return guard.return_form(error.code, error.detail, error.faults, error.values)
    if error.status == NOT_FOUND:
        return _page(NOT_FOUND, "not_found")
    return _page(error.status, error.code, detail=error.detail, values=error.values)


def _rejected(error: Rejected) -> Response:
    return _page(UNPROCESSABLE, error.code, detail=error.message, values=error.values)


def _too_large(_: RequestEntityTooLarge) -> Response:
    """A file that is too large, or a form in which too much was typed or pasted."""
    code = "too_large" if request.mimetype == MULTIPART else "form_too_large"
    return _page(413, code, values={"rows": TABLE_ROWS_MAX})


def _away(error: Away) -> Response:
    log.warning("service_away", of=error.service)
    if request.method == "POST" and "at" in request.form:
        return guard.return_form("away", error.service)
    return _waits(error.service, error.retry_after_s)


def _waits(service: str, retry_after_s: int) -> Response:
    reply = _page(503, "away", service=service, retry_after_s=retry_after_s)
    reply.headers["Retry-After"] = str(retry_after_s)
    return reply


def _not_yours(error: NotYours) -> Response:
    given = (role.name for role in catalogue().values() if error.permission in role.permissions)
    roles = [named(name, "roles") for name in given]
    return _page(DENIED, "not_yours", roles=roles, permission=error.permission)


def _of_http(error: HTTPException) -> Response:
    code = error.code or 500
    if code < 400:  # a redirect is no error
        return make_response(error.get_response())
    reply = _page(code, "not_found" if code == NOT_FOUND else "http")
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            reply.headers[name] = value
    return reply


def _page(status: int, code: str, **values: Any) -> Response:  # noqa: ANN401 - what the page shows
    known = {"detail": "", "values": {}, "service": "", "retry_after_s": 0, "roles": [], "permission": ""}
    return make_response(show("look/error.html", status=status, code=code, **{**known, **values}), status)
