"""Coming in and going out at a screen that several people use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, flash, request, session, url_for

from services.portal.calls import units
from services.portal.calls.units import BEFORE_MERGERS
from services.portal.look.formats import SCALES, iso_day
from services.portal.look.language import LANGUAGES, words
from services.portal.look.page import named, show
from services.portal.roles.model import catalogue
from services.portal.sessions import handlers as sessions
from services.portal.sessions.commands import SignIn
from services.portal.sessions.handlers import Failure
from services.portal.users import store as users
from services.portal.users.commands import ChangePassword
from services.portal.visits import guard, handlers, store
from services.portal.visits.guard import current_visit, page, see_other
from services.portal.visits.model import BACKDATE, Standing
from services.portal.visits.provider import NotSignedIn
from shared.db.unit_of_work import Work
from shared.kernel.clock import business_date
from shared.kernel.errors import Rejected
from shared.web.acting import PUBLIC, SIGNED_IN
from shared.web.context import current_context

blueprint = Blueprint("entrance", __name__, template_folder="templates")


@blueprint.get("/sign-in")
@page(PUBLIC)
def sign_in() -> str | Response:
    """The form for user name, password and code."""
    if current_visit().standing is Standing.INSIDE:
        return see_other(_next())
    return show("entrance/sign_in.html", next=_next())


@blueprint.post("/sign-in")
@page(PUBLIC)
def begin() -> str | Response:
    """Signed in, and back to where one wanted to go."""
    form = request.form
    code = form.get("totp", "").strip()
    command = SignIn(form.get("username", "").strip()[:100], form.get("password", "")[:128], code or None)
    context = current_context()
    with context.unit_of_work.begin(guard.acting()) as work:
        visit = guard.ensure_visit(work)
        failure = handlers.sign_in(work, guard.desk(), visit, command)
        if failure is None:
            guard.renew_secret(work)
    if failure is not None:
        return show("entrance/sign_in.html", next=_next(), failure=failure, username=command.username)
    return see_other(_next())


@blueprint.get("/sign-in/elsewhere")
@page(PUBLIC)
def elsewhere() -> Response:
    """The way to the issuer at which people sign in; `again` where it must ask who it knows already."""
    provider = guard.desk().provider
    if provider is None:
        abort(404)
    session["next"] = _next()
    return provider.begin(url_for("entrance.returned", _external=True), again="again" in request.args)


@blueprint.get("/sign-in/returned")
@page(PUBLIC)
def returned() -> str | Response:
    """Back from the issuer, and on to where one wanted to go."""
    provider, now = guard.desk().provider, current_context().clock.now()
    if provider is None:
        abort(404)
    wanted = guard.local(session.pop("next", None))
    try:
        tokens = provider.received(now)
    except NotSignedIn:
        failure = Failure("not_signed_in", "The issuer did not say who you are.")
        return show("entrance/sign_in.html", next=wanted, failure=failure)
    with current_context().unit_of_work.begin(guard.acting()) as work:
        visit = guard.ensure_visit(work)
        handlers.enter(work, guard.desk(), visit, tokens)
        guard.renew_secret(work)
    return see_other(wanted)


@blueprint.post("/sign-out")
@page(PUBLIC)
def sign_out() -> Response:
    """Nobody is signed in at this screen."""
    with current_context().unit_of_work.begin(guard.acting()) as work:
        handlers.end(work, guard.desk(), current_visit())
    provider = guard.desk().provider
    home = url_for("entrance.sign_in", _external=True)
    return provider.end(home, current_visit().tokens) if provider else see_other(url_for("entrance.sign_in"))


@blueprint.get("/unlock")
@page(PUBLIC)
def unlock() -> str | Response:
    """The screen shows nothing until who is signed in is back."""
    visit = current_visit()
    if visit.standing is Standing.OUTSIDE:
        return see_other(url_for("entrance.sign_in", next=_next()))
    if visit.standing is Standing.INSIDE:
        with current_context().unit_of_work.begin(guard.acting()) as work:
            handlers.lock(work, visit.id)
    return show("entrance/unlock.html", next=_next())


@blueprint.post("/unlock")
@page(PUBLIC)
def open_again() -> str | Response:
    """The screen is open again."""
    visit = current_visit()
    if visit.standing is Standing.OUTSIDE:
        return see_other(url_for("entrance.sign_in", next=_next()))
    with current_context().unit_of_work.begin(guard.acting()) as work:
        failure = handlers.unlock(work, guard.desk(), visit, request.form.get("secret", "")[:128])
    if failure is not None:
        return show("entrance/unlock.html", next=_next(), failure=failure)
    return see_other(_next())


@blueprint.post("/choices")
@page(PUBLIC)
def choose() -> Response:
    """The language and the unit of amounts at this screen."""
    language, scale = request.form.get("language", ""), request.form.get("scale", "")
    chosen: dict[str, str] = {}
    if language in LANGUAGES:
        chosen["language"] = language
    if scale in SCALES:
        chosen["scale"] = scale
    session.update(chosen)
    if chosen and current_visit() is not guard.NOBODY:
        with current_context().unit_of_work.begin(guard.acting()) as work:
            store.change(work.connection, current_visit().id, **chosen)
    return see_other(guard.back())


@blueprint.get("/account")
@page(SIGNED_IN)
def account() -> str:
    """What I may do and for which units, in words."""
    visit = current_visit()
    today = business_date(current_context().clock.now())
    with current_context().unit_of_work.reading() as connection:
        held = () if visit.tokens else users.assignments_of(connection, UUID(visit.person.subject), today)
    names = units.names(guard.ask(), {BEFORE_MERGERS}) if visit.may("units.read") else {}
    roles = [
        {
            "label": named(one.role, "roles"),
            "unit": names.get(str(one.unit_id), str(one.unit_id)),
            "until": one.to_on,
            "permissions": catalogue()[one.role].permissions,
        }
        for one in held
    ]
    return show("entrance/account.html", roles=roles or _granted(names), today=today)


@blueprint.post("/account/password")
@page(SIGNED_IN)
def change_password() -> Response:
    """A new password; every session under the old one is over."""
    form, user_id = request.form, UUID(current_visit().person.subject)
    command = ChangePassword(user_id, form.get("password", "")[:128], form.get("new_password", "")[:128])

    return _about_myself(lambda work: sessions.change_password(work, command), "entrance.password_changed")


@blueprint.post("/account/sessions/end")
@page(SIGNED_IN)
def sign_out_everywhere() -> Response:
    """Signed in nowhere any more, at whatever screen."""
    return _about_myself(
        lambda work: handlers.end_everywhere(work, guard.desk(), current_visit()),
        "entrance.signed_out_everywhere",
    )


@blueprint.post("/account/date")
@page(BACKDATE)
def choose_date() -> Response:
    """The business date of what is done at this screen from now on; empty for today."""
    typed = iso_day(request.form.get("business_date", ""))
    try:
        chosen = date.fromisoformat(typed) if typed else None
    except ValueError:
        return guard.return_form("business_date_invalid")
    if chosen and chosen > business_date(current_context().clock.now()):
        return guard.return_form("business_date_ahead")
    with current_context().unit_of_work.begin(guard.acting()) as work:
        store.change(work.connection, current_visit().id, business_date=chosen)
    return see_other(guard.back(url_for("entrance.account")))


def _granted(names: dict[str, str]) -> list[dict[str, Any]]:
    """What another issuer grants, by the units for which it does so."""
    by_units: dict[tuple[str, ...], list[str]] = {}
    for permission, unit_ids in current_visit().person.grants.items():
        by_units.setdefault(unit_ids, []).append(permission)
    return [
        {
            "label": words("entrance.by_provider"),
            "unit": ", ".join(names.get(one, one) for one in unit_ids),
            "until": None,
            "permissions": permissions,
        }
        for unit_ids, permissions in by_units.items()
    ]


def _about_myself(act: Callable[[Work], None], done: str) -> Response:
    try:
        with current_context().unit_of_work.begin(guard.acting()) as work:
            act(work)
    except Rejected as error:
        return guard.return_form(error.code, error.message, values=error.values)
    flash(words(done))
    return see_other(url_for("entrance.sign_in"))


def _next() -> str:
    return guard.local(request.values.get("next"))
