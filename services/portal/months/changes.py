"""Reported changes: reported by one person, confirmed or refused by another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, request, url_for

from services.portal.look.formats import iso_day
from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.months.asking import (
    PAGE_ROWS,
    SERVICE,
    filtered,
    found,
    provider_names,
    reading,
    unit_names,
)
from services.portal.visits import guard
from services.portal.visits.guard import ask, page, see_other

STATES = ("requested", "approved", "rejected")
# The details of each kind as the service asks for them; numbers are sent as numbers.
DETAILS: Mapping[str, tuple[str, ...]] = {
    "death": ("died_on",),
    "move": ("commune_code", "from_period"),
    "reassessment": ("code", "injury_percent", "from_period"),
    "receiving": ("provider", "bank_code", "account_number"),
}
DAYS = frozenset({"died_on"})
NUMBERS = frozenset({"injury_percent"})
VERDICT = "<any(approval,rejection):verdict>"

blueprint = Blueprint("changes", __name__, url_prefix="/changes")


@blueprint.get("")
@page("persons.read")
def changes() -> str:
    """The changes that were reported, the newest first."""
    state = request.args.get("state", "")
    query = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor"), "state": state}
    return show(
        "months/changes.html",
        changes=reading().get(SERVICE, "/v1/changes", query),
        state=state,
        states=STATES,
        kinds=DETAILS,
        units=unit_names(),
        path=filtered({"state": state}),
    )


@blueprint.get("/new/<any(death,move,reassessment,receiving):kind>")
@page("changes.request")
def new(kind: str) -> str:
    """The form for a change of one kind, with the person it is about where one was looked for."""
    number = request.args.get("person_number", "").strip()
    person = found(f"/v1/persons?number={number}", reading()) if number.isprintable() and number else None
    return show(
        "months/new_change.html",
        kind=kind,
        kinds=DETAILS,
        fields=DETAILS[kind],
        number=number,
        person=person,
        units=unit_names(),
        providers=provider_names(),
    )


@blueprint.post("/new/<any(death,move,reassessment,receiving):kind>")
@page("changes.request")
def report(kind: str) -> Response:
    """The change is reported and waits for another person."""
    form = request.form
    body = {
        "person_number": form.get("person_number", "").strip(),
        "kind": kind,
        "details": {name: _detail(name) for name in DETAILS[kind]},
        "evidence": form.get("evidence", "").strip(),
    }
    made = ask().post(SERVICE, "/v1/changes", body, key=guard.act_key())
    flash(words("months.change_reported"))
    return see_other(url_for(".change", change_id=made["id"]))


@blueprint.get("/<uuid:change_id>")
@page("persons.read")
def change(change_id: UUID) -> str:
    """One reported change: about whom, what, why, and who decided."""
    shown = reading().get(SERVICE, f"/v1/changes/{change_id}")
    return show("months/change.html", change=shown, units=unit_names(), providers=provider_names())


@blueprint.post(f"/<uuid:change_id>/{VERDICT}")
@page("changes.approve")
def decide(change_id: UUID, verdict: str) -> Response:
    """The change is confirmed or refused."""
    if form := guard.not_confirmed():
        return form
    ask().post(SERVICE, f"/v1/changes/{change_id}/{verdict}", key=guard.act_key())
    flash(words(f"months.change_{verdict}_done"))
    return see_other(url_for(".change", change_id=change_id))


def _detail(name: str) -> Any:  # noqa: ANN401 - text or a number
    typed = request.form.get(f"details-{name}", "").strip()
    if name in DAYS:
        return iso_day(typed)
    return int(typed) if name in NUMBERS and typed.isdecimal() and len(typed) < 5 else typed
