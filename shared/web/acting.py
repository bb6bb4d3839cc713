"""How a request becomes an act: token, permission, business date, transaction, idempotency, trail.

`acts` and `reads` are the outermost decorators of every view; a test walks all routes and finds one on each.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, cast

from flask import Response, g, make_response, request
from sqlalchemy import Connection
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import PreconditionRequired, Unauthorized, UnsupportedMediaType

from shared.db.unit_of_work import Work
from shared.journal.recording import Topic
from shared.kernel.acts import Act
from shared.kernel.clock import at_business_noon, business_date
from shared.kernel.errors import Denied, NotFound, Rejected, Stale
from shared.kernel.ids import new_id
from shared.kernel.principals import Principal
from shared.web import contract, idempotency, uploads
from shared.web.auth import Unauthenticated
from shared.web.context import Context, current_context
from shared.web.events import AttemptRefused

BACKDATE_PERMISSION = "acts.backdate"
BUSINESS_DATE_HEADER = "Business-Date"
PUBLIC = "public"  # anybody, without a token
SIGNED_IN = "signed_in"  # anybody with a valid token
ANONYMOUS = Principal(subject="anonymous", name="", unit=None, grants={})

View = Callable[..., Any]


def acts(
    permission: str,
    *,
    idempotent: bool = False,
    versioned: bool = False,
    files: bool = False,
    form: bool = False,
    file_bytes_max: int = uploads.FILE_BYTES_MAX,
) -> Callable[[View], View]:
    """A view that changes something: it runs inside one unit of work, which holds its reply's key too.

    One that is `versioned` calls `expect_version`, and its contract tells so. With `files` its body may be as
    large as a file may be; fields beside the file are refused unless it has a `form`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def run(*args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - whatever the route passes
            if files:
                uploads.allow_files(file_bytes_max)
            else:
                _ensure_json()
            context = current_context()
            principal = ANONYMOUS if permission == PUBLIC else _principal(permission)
            try:
                _ensure_permitted(principal, permission)
                if files and not form:
                    uploads.ensure_no_fields()
                attempt = idempotency.attempt_of(request, principal.subject) if idempotent else None
                return _run_act(context, principal, attempt, lambda: view(*args, **kwargs))
            except (NotFound, Stale, idempotency.KeyMissing):
                raise
            except Rejected as refusal:
                _record_refusal(context, principal, permission, refusal)
                raise

        run.permission = permission  # type: ignore[attr-defined]
        run.idempotent = idempotent  # type: ignore[attr-defined]
        run._apidoc = contract.described(  # type: ignore[attr-defined]  # noqa: SLF001 - flask-smorest's own
            view, permission, public=permission == PUBLIC, idempotent=idempotent, versioned=versioned
        )
        return run

    return decorate


def reads(permission: str) -> Callable[[View], View]:
    """A view that changes nothing: it sees one state of the database."""

    def decorate(view: View) -> View:
        @wraps(view)
        def run(*args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - whatever the route passes
            context = current_context()
            principal = ANONYMOUS if permission == PUBLIC else _principal(permission)
            try:
                if permission != PUBLIC:
                    _ensure_permitted(principal, permission)
                    business_day()
                with context.unit_of_work.reading() as connection:
                    g.connection = connection
                    return make_response(view(*args, **kwargs))
            except Denied as refusal:
                _record_refusal(context, principal, permission, refusal)
                raise

        run.permission = permission  # type: ignore[attr-defined]
        run.idempotent = False  # type: ignore[attr-defined]
        run._apidoc = contract.described(  # type: ignore[attr-defined]  # noqa: SLF001 - flask-smorest's own
            view, permission, public=permission == PUBLIC
        )
        return run

    return decorate


def current_work() -> Work:
    """The unit of work of the act under way."""
    return cast("Work", g.work)


def current_connection() -> Connection:
    """The read-only connection of this request."""
    return cast("Connection", g.connection)


def current_principal() -> Principal:
    """Who sent this request."""
    return cast("Principal", g.principal)


def expect_version(stored: int) -> None:
    """Nothing, where the caller saw the stored version.

    Raises: PreconditionRequired without If-Match; Stale where another version is stored by now.
    """
    if not request.if_match:
        raise PreconditionRequired("Send If-Match with the ETag of the version you saw.")
    if not request.if_match.contains(str(stored)):
        raise Stale(
            "version_changed", f"Somebody changed this since you read it; it is at version {stored} now."
        )


def show_version(version: int) -> None:
    """Put the version into the reply's ETag."""
    g.version = version


def business_day() -> date:
    """The business date this request speaks of: the header's, or today in Vietnam."""
    text = request.headers.get(BUSINESS_DATE_HEADER)
    if text is None:
        return business_date(current_context().clock.now())
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Rejected(
            "business_date_invalid", f'{BUSINESS_DATE_HEADER} "{text}" is no date; write it as 2024-07-24.'
        ) from error


def _run_act(
    context: Context,
    principal: Principal,
    attempt: idempotency.Attempt | None,
    view: Callable[[], Any],
) -> Response:
    with context.unit_of_work.begin(_act(context, principal)) as work:
        g.work = work
        g.connection = work.connection
        stored = attempt.claim(work.connection) if attempt else None
        if stored is not None:
            return stored
        reply = make_response(view())
        if "version" in g:
            reply.set_etag(str(g.version))
        if attempt is not None:
            attempt.keep(work.connection, reply)
        return reply


def _principal(permission: str) -> Principal:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized(f"Sign in first: {permission} needs a bearer token.")
    try:
        principal = current_context().verifier.verify(token.strip())
    except Unauthenticated as error:
        raise _unauthorized(str(error)) from error
    g.principal = principal
    return principal


def _unauthorized(message: str) -> Unauthorized:
    return Unauthorized(message, www_authenticate=WWWAuthenticate("bearer"))


def _ensure_json() -> None:
    """Nothing, where the body is JSON or there is none. Raises: UnsupportedMediaType."""
    if request.content_length and not request.is_json:
        raise UnsupportedMediaType("Send the body as application/json.")


def _ensure_permitted(principal: Principal, permission: str) -> None:
    if permission not in {PUBLIC, SIGNED_IN} and not principal.units_for(permission):
        raise Denied(
            "permission_missing",
            f"This needs the permission {permission}, which this account does not hold; "
            "an administrator can give a role that has it.",
            permission=permission,
        )


def _act(context: Context, principal: Principal) -> Act:
    now = context.clock.now()
    day = business_day()
    backdated = day != business_date(now)
    if backdated:
        _ensure_permitted(principal, BACKDATE_PERMISSION)
    if day > business_date(now):
        message = f"{day} lies ahead; an act cannot be dated after today."
        raise Rejected("business_date_ahead", message, asked_on=day)
    return Act(
        actor=principal.subject,
        occurred_at=at_business_noon(day) if backdated else now,
        unit=principal.unit,
        correlation=request.headers.get("X-Correlation-Id") or str(new_id()),
        traceparent=request.headers.get("traceparent"),
        backdated=backdated,
    )


def _record_refusal(context: Context, principal: Principal, permission: str, refusal: Rejected) -> None:
    now = context.clock.now()
    act = Act(actor=principal.subject, occurred_at=now, unit=principal.unit)
    with context.unit_of_work.begin(act) as work:
        event = AttemptRefused(
            actor_id=principal.subject,
            permission=permission,
            method=request.method,
            path=request.path,
            denied=isinstance(refusal, Denied),
            code=refusal.code,
            message=refusal.message,
        )
        work.record(event, Topic.TRAIL)
