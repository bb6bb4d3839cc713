"""Months of payment: all of them, one as it stands, a person's payments, and what came back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, request, url_for

from services.portal.calls.services import Away
from services.portal.look.formats import order_of
from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.months import changes, lists, model, paper, registers, statements
from services.portal.months.asking import (
    PAGE_ROWS,
    SERVICE,
    filtered,
    found,
    job,
    provider_names,
    reading,
    unit_names,
)
from services.portal.months.model import IN_TRANSIT, by_place, by_state
from services.portal.visits import guard
from services.portal.visits.guard import ask, current_visit, page, see_other

MONTHS_LISTS = 500  # of the newest lists: a year of a province
PERIOD = "<string(length=7):period>"

blueprint = Blueprint("months", __name__, url_prefix="/months", template_folder="templates")
for part in (lists, paper, statements, registers, changes):
    blueprint.register_blueprint(part.blueprint)


@blueprint.get("")
@page("lists.read")
def months() -> str:
    """The months that have lists, the newest first, and the one that can be computed next."""
    newest = ask().get(SERVICE, "/v1/lists", {"limit": MONTHS_LISTS})["items"]
    if current_visit().business_date is None:  # rights reach over the units of a day: ask of both times
        before = reading().get(SERVICE, "/v1/lists", {"limit": MONTHS_LISTS})["items"]
        newest += [one for one in before if one not in newest]
    lines = model.months_of(newest)
    following = model.next_period(lines[0].period) if lines else ""
    return show("months/months.html", months=lines, following=following)


@blueprint.get("/choice")
@page("lists.read")
def choose() -> Response:
    """The month that was typed."""
    typed = request.args.get("period", "").strip()
    month, _, year = typed.partition("/")
    period = f"{year}-{month:0>2}" if year else typed
    return see_other(url_for("months.month", period=_period(period)))


@blueprint.get(f"/{PERIOD}")
@page("lists.read")
def month(period: str) -> str:
    """One month: its computation, its lists by state, unit and provider, and what came back."""
    run = _run(_period(period))
    summary = _summary(period)
    found_places = by_place(summary["places"], unit_names(period))
    places = sorted(found_places, key=lambda one: (order_of(one.unit), one.channel))
    working = job(run["job_id"]) if run else None
    return show(
        "months/month.html",
        period=period,
        run=run,
        job=working,
        pace=model.pace(working) if working else None,
        states=by_state(summary["places"]),
        places=places,
        whole=model.altogether(places),
        reasons=summary["reasons"],
        away=summary.get("away"),
        moves=any(one["state"] in IN_TRANSIT for one in summary["places"]),
    )


@blueprint.get(f"/{PERIOD}/payroll")
@page("payroll.run")
def ask_payroll(period: str) -> str:
    """Whether the month is really to be computed."""
    return show("months/payroll.html", period=_period(period), known_on=current_visit().business_date)


@blueprint.post(f"/{PERIOD}/payroll")
@page("payroll.run")
def begin_payroll(period: str) -> Response:
    """The month is being computed."""
    ask().post(SERVICE, f"/v1/payroll/{_period(period)}", key=guard.act_key())
    flash(words("months.payroll_begun"))
    return see_other(url_for("months.month", period=period))


@blueprint.get(f"/{PERIOD}/returns")
@page("results.read")
def returns(period: str) -> str:
    """What came back in a month, to be worked through reason by reason."""
    chosen = {name: request.args.get(name, "") for name in ("reason_code", "unit_id", "open", "cursor")}
    query = {"period": _period(period), "limit": PAGE_ROWS, **chosen}
    rows = reading(period).get(SERVICE, "/v1/returns", query)
    return show(
        "months/returns.html",
        period=period,
        chosen=chosen,
        returns=rows,
        reasons=_summary(period)["reasons"],
        units=unit_names(period),
        providers=provider_names(),
        path=filtered(chosen),
    )


@blueprint.get("/persons/<uuid:person_id>")
@page("lists.read")
def person(person_id: Any) -> str:  # noqa: ANN401 - an id
    """What a person was paid, month by month, and how each amount came about."""
    period = request.args.get("period", "")
    query = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor")}
    caller = reading(_period(period)) if period else reading()
    payments = caller.get(SERVICE, f"/v1/persons/{person_id}/payments", query)
    return show(
        "months/person.html",
        person_id=str(person_id),
        period=period,
        payments=payments,
        units=unit_names(period),
        providers=provider_names(),
    )


def _summary(period: str) -> dict[str, Any]:
    try:
        shown: dict[str, Any] = reading(period).get(SERVICE, f"/v1/payroll/{period}/summary")
    except Away as away:
        return {"places": [], "reasons": [], "away": away}
    return shown


def _run(period: str) -> Any:  # noqa: ANN401 - JSON
    return found(f"/v1/payroll/{period}") if current_visit().may("payroll.read") else None


def _period(text: str) -> str:
    """The period, where it may be one; the service knows which months there can be."""
    year, _, month_ = text.partition("-")
    if not (len(text) == 7 and year.isdigit() and month_.isdigit() and 1 <= int(month_) <= 12):
        abort(404)
    return text
