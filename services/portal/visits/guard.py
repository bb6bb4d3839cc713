"""Who may see a page; and what becomes of a form when something is in the way.

`page` is the outermost decorator of every view; a test walks all routes and finds one on each. A form that
cannot be sent (the session is over, a service refused it or does not answer) is kept as it was typed and
shown again on the page where it stands, with what was wrong.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest

from services.portal.calls.services import Caller, Services
from services.portal.visits import handlers, store
from services.portal.visits.handlers import Desk
from services.portal.visits.model import FORGOTTEN_AFTER, KEPT_BYTES_MAX, Kept, Standing, Visit
from shared.db.unit_of_work import Work
from shared.kernel.acts import Act
from shared.kernel.ids import new_id
from shared.web.acting import PUBLIC, SIGNED_IN
from shared.web.context import current_context

COOKIE = "visit"
SECRET_BYTES = 32
SEE_OTHER = 303
NO_CONTENT = 204
SECRET_CHARS_MAX = 128
PUT_AWAY = "PUT_AWAY"  # in the configuration: what keeps the file of a form and gives the fields for it
NEVER_KEPT = frozenset({"csrf_token", "password", "secret", "new_password", "totp", "at"})
FREE_PATHS = ("/assets/", "/livez", "/readyz", "/metrics", "/openapi.json", "/v1/journal/head")
NOBODY = Visit(uuid.UUID(int=0), "", "dong", Standing.OUTSIDE)

View = Callable[..., Any]


class NotYours(Exception):
    """The person lacks a permission that the page needs."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


def install(app: Flask) -> None:
    """Every request knows its visit."""
    app.before_request(_look_who_comes)
    app.context_processor(_for_templates)
    CSRFProtect(app)


def page(permission: str) -> Callable[[View], View]:
    """A view for those who hold a permission, `signed_in` or `public`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def run(*args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - whatever the route passes
            visit = current_visit()
            if permission != PUBLIC:
                if visit.standing is Standing.OUTSIDE:
                    return to_sign_in()
                if visit.standing is Standing.LOCKED:
                    return to_unlock()
                if permission != SIGNED_IN and not visit.may(permission):
                    raise NotYours(permission)
            reply = make_response(view(*args, **kwargs))
            if _was_sent_again(visit):
                _keep(None)
            return reply

        run.permission = permission  # type: ignore[attr-defined]
        return run

    return decorate


def current_visit() -> Visit:
    """The visit of this request."""
    return cast("Visit", g.visit)


def desk() -> Desk:
    """What visits need from the process."""
    return cast("Desk", current_context().parts["desk"])


def ask() -> Caller:
    """The services, asked with the token of the person at the screen."""
    if "caller" not in g:
        visit = current_visit()
        token = _token(visit)
        day = visit.business_date.isoformat() if visit.business_date else None
        services = cast("Services", current_context().parts["services"])
        g.caller = services.for_person(token, day)
    return cast("Caller", g.caller)


def _token(visit: Visit) -> str:
    """A token of ours, made now; or the one that another issuer gave."""
    if visit.tokens is not None:
        return visit.tokens.access
    now = current_context().clock.now()
    return desk().issuer.access_token(visit.person, str(visit.session_id), now)


def act_key() -> str:
    """The name of the act that a form was made for: sent twice, it is done once.

    Raises: BadRequest where the form brings none.
    """
    try:
        return str(uuid.UUID(request.form["act"]))
    except ValueError as error:
        raise BadRequest("The form does not name its act.") from error


def acting() -> Act:
    """An act of the person at this visit, or of nobody yet, about the visit itself."""
    visit = current_visit()
    subject = visit.principal.subject if visit.principal else "anonymous"
    return Act(actor=subject, occurred_at=current_context().clock.now())


def ensure_visit(work: Work) -> Visit:
    """The visit, stored: a browser that had none has one now."""
    visit = current_visit()
    if visit is NOBODY:
        visit_id = new_id()
        store.forget_before(work.connection, work.now - FORGOTTEN_AFTER)
        store.open_visit(work.connection, visit_id, _new_secret(), g.language, work.now)
        visit = g.visit = Visit(visit_id, g.language, g.scale, Standing.OUTSIDE)
    return visit


def renew_secret(work: Work) -> None:
    """The cookie that was known before somebody signed in is worth nothing afterwards."""
    hashed = store.secret_hash(_new_secret())
    store.change(work.connection, current_visit().id, secret_hash=hashed)


def back(default: str = "/") -> str:
    """The page of this site on which the form stands."""
    return local(request.form.get("at"), default)


def local(path: str | None, default: str = "/") -> str:
    """The path, where it is one of this site: another's would send people who have just signed in away."""
    fine = path and path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if fine and path else default


def here() -> str:
    """The address of this page within the site."""
    return request.full_path.rstrip("?")


def see_other(path: str) -> Response:
    """After a form: look there, by GET."""
    return cast("Response", redirect(path, SEE_OTHER))


def return_form(
    code: str,
    detail: str = "",
    faults: list[dict[str, Any]] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Response:
    """The form again, as it was typed, with what was wrong."""
    at = back()
    _keep(Kept(at, request.path, _typed_fields(), code, detail, faults or [], values or {}))
    return see_other(at)


def not_confirmed() -> Response | None:
    """The form again, where it does not bring the password or code of who is signed in; None where it does.

    Asked for before somebody decides: the desk is shared.
    """
    with current_context().unit_of_work.begin(acting()) as work:
        secret = request.form.get("secret", "")[:SECRET_CHARS_MAX]
        failure = handlers.confirm(work, desk(), current_visit(), secret)
    return return_form(failure.code) if failure else None


def to_sign_in() -> Response:
    """Sign in first, and come back; what was typed is kept."""
    return _led_to("entrance.sign_in")


def to_unlock() -> Response:
    """Show first who you are."""
    return _led_to("entrance.unlock")


def _led_to(endpoint: str) -> Response:
    if is_polling():  # a part that asks for itself cannot hold a page: the whole one goes there
        seen = urlsplit(request.headers.get("HX-Current-URL", "")).path
        return Response(status=NO_CONTENT, headers={"HX-Redirect": url_for(endpoint, next=local(seen))})
    return see_other(url_for(endpoint, next=_leave()))


def is_polling() -> bool:
    """Whether a script asks, for a part of a page or for a file; nobody need sit there for it."""
    return "HX-Request" in request.headers or "Tus-Resumable" in request.headers


def _leave() -> str:
    if request.method != "POST":
        return here()
    at = back()
    _keep(Kept(at, request.path, _typed_fields(), "kept"))
    return at


def _was_sent_again(visit: Visit) -> bool:
    """Whether the form that the visit keeps was sent now, and nothing was in its way."""
    sent = request.method == "POST" and visit.kept is not None and "keeping" not in g
    return sent and visit.kept is not None and request.form.get("at") == visit.kept.at


def _typed_fields() -> Mapping[str, list[str]]:
    typed = {name: request.form.getlist(name) for name in request.form if name not in NEVER_KEPT}
    size = sum(len(value) for values in typed.values() for value in values)
    put_away: Callable[[], Mapping[str, list[str]]] = current_app.config.get(PUT_AWAY, dict)
    return {**(typed if size <= KEPT_BYTES_MAX else {}), **put_away()}


def _keep(kept: Kept | None) -> None:
    context = current_context()
    with context.unit_of_work.begin(acting()) as work:
        visit = ensure_visit(work) if kept else current_visit()
        handlers.keep_form(work, desk(), visit, kept)
    g.keeping = True


def _new_secret() -> str:
    session.permanent = True
    session[COOKIE] = secrets.token_urlsafe(SECRET_BYTES)
    return str(session[COOKIE])


def _look_who_comes() -> None:
    g.visit, g.language, g.scale = NOBODY, session.get("language", ""), session.get("scale", "dong")
    if request.path.startswith(FREE_PATHS) or COOKIE not in session:
        return
    context = current_context()
    now = context.clock.now()
    with context.unit_of_work.reading() as connection:
        found = handlers.look_at(connection, desk(), session[COOKIE], now)
    if found is None:
        return
    g.visit, due = found
    if g.visit.tokens is not None and g.visit.tokens.is_old(now):
        _renew(g.visit)
    g.language, g.scale = g.visit.language, g.visit.scale
    if due and not is_polling():
        with context.unit_of_work.begin(acting()) as work:
            store.change(work.connection, g.visit.id, seen_at=now)


def _renew(visit: Visit) -> None:
    """The visit with new tokens of its issuer; outside, where that gives none any more."""
    context, provider = current_context(), desk().provider
    tokens = provider.renewed(visit.tokens, context.clock.now()) if provider and visit.tokens else None
    with context.unit_of_work.begin(acting()) as work:
        store.keep_tokens(work.connection, desk().sealer, visit.id, tokens)
    with context.unit_of_work.reading() as connection:
        found = handlers.look_at(connection, desk(), session[COOKIE], context.clock.now())
    g.visit = found[0] if found else NOBODY


def _for_templates() -> dict[str, Any]:
    visit = getattr(g, "visit", NOBODY)
    kept = visit.kept if visit.kept and visit.kept.at == here() else None
    return {
        "visit": visit,
        "inside": visit.standing is Standing.INSIDE,
        "at_provider": desk().provider is not None,
        "kept": kept,
        "here": here(),
        "act_for": lambda action: visit.act_of(here(), urlsplit(action).path) or str(new_id()),
        "rooms": current_app.config["ROOMS"],
        "typed": lambda name, default="": _typed(kept, name, default),
        "typed_all": lambda name: list(kept.form.get(name, ())) if kept else [],
    }


def _typed(kept: Kept | None, name: str, default: object) -> str:
    found = kept.form.get(name) if kept else None
    return found[0] if found else str("" if default is None else default)
