"""Decisions: which there are, one with everything about it, and its way from desk to desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, flash, request, url_for

from services.portal.calls.services import Away, Refused
from services.portal.decisions import asking, forms, model
from services.portal.decisions.asking import ALLOCATION, PATH
from services.portal.decisions.model import COMPONENTS, KINDS, STATES
from services.portal.look.formats import iso_day
from services.portal.look.language import words
from services.portal.look.page import named, show
from services.portal.visits import guard
from services.portal.visits.guard import ask, current_visit, page, see_other

blueprint = Blueprint("decisions", __name__, template_folder="templates")
LISTED = 50
FILTERS = ("state", "kind", "component", "fiscal_year")


@blueprint.get("/decisions")
@page("decisions.read")
def list_all() -> str:
    """Decisions, the newest first, as far as the filter lets them through."""
    chosen = {name: request.args.get(name, "").strip() for name in FILTERS}
    query = {**chosen, "newest": "true", "limit": LISTED, "cursor": request.args.get("cursor")}
    found: Any = {"items": [], "next_cursor": None}
    away = refused = None
    try:
        found = ask().get(ALLOCATION, PATH, query)
    except Away as error:
        away = error
    except Refused as error:
        refused = error
    shown = {"kinds": KINDS, "states": STATES, "components": COMPONENTS}
    kept = urlencode({name: value for name, value in chosen.items() if value})
    here = f"{url_for('decisions.list_all')}?{kept}"
    return show(
        "decisions/list.html", found=found, chosen=chosen, away=away, refused=refused, here_at=here, **shown
    )


@blueprint.get("/decisions/<uuid:decision_id>")
@page("decisions.read")
def show_one(decision_id: UUID) -> str:
    """A decision: what it says, how its lines stand, how its amounts came about, and what happened to it."""
    one = asking.decision(decision_id)
    annex = asking.annex(one)
    return show(
        "decisions/one.html",
        one=one,
        annex=annex,
        window=model.window(annex.rows, request.args.get("from", 0, int)),
        arithmetic=model.arithmetic(one["arithmetic"]),
        history=asking.part(lambda: asking.history(decision_id)),
        units=asking.places(),
        steps=_steps(one["state"]),
    )


@blueprint.post("/decisions/<uuid:decision_id>/submission")
@page("decisions.submit")
def submit(decision_id: UUID) -> Response:
    """Handed in for approval."""
    return _taken(decision_id, "submission")


@blueprint.get("/decisions/<uuid:decision_id>/approval")
@page("decisions.approve")
def ask_approval(decision_id: UUID) -> str:
    """What is about to be approved."""
    return _confirm(decision_id, "approval")


@blueprint.post("/decisions/<uuid:decision_id>/approval")
@page("decisions.approve")
def approve(decision_id: UUID) -> Response:
    """Approved by somebody who did not prepare it."""
    return _decided(decision_id, "approval")


@blueprint.get("/decisions/<uuid:decision_id>/return")
@page("decisions.approve")
def ask_return(decision_id: UUID) -> str:
    """What is about to go back, and the reason for it."""
    return _confirm(decision_id, "return")


@blueprint.post("/decisions/<uuid:decision_id>/return")
@page("decisions.approve")
def send_back(decision_id: UUID) -> Response:
    """Back with who prepared it."""
    return _decided(decision_id, "return", {"reason": request.form.get("reason", "")})


@blueprint.get("/decisions/<uuid:decision_id>/withdrawal")
@page("decisions.draft")
def ask_withdrawal(decision_id: UUID) -> str:
    """What is about to be given up, and the reason for it."""
    return _confirm(decision_id, "withdrawal")


@blueprint.post("/decisions/<uuid:decision_id>/withdrawal")
@page("decisions.draft")
def withdraw(decision_id: UUID) -> Response:
    """Given up for good; it stays to be read."""
    return _decided(decision_id, "withdrawal", {"reason": request.form.get("reason", "")})


@blueprint.get("/decisions/<uuid:decision_id>/issue")
@page("decisions.issue")
def ask_issue(decision_id: UUID) -> str:
    """What is about to be put into force, and the number and date of the signed paper."""
    return _confirm(decision_id, "issue")


@blueprint.post("/decisions/<uuid:decision_id>/issue")
@page("decisions.issue")
def issue(decision_id: UUID) -> Response:
    """In force: the money stands where the lines say."""
    form = request.form
    body = {"number": form.get("number", "").strip(), "issued_on": iso_day(form.get("issued_on", ""))}
    return _decided(decision_id, "issue", body)


@blueprint.app_template_global()
def named_all(codes: Iterable[str], group: str) -> list[tuple[str, str]]:
    """Codes with their words, as a field offers them."""
    return [(code, named(code, group)) for code in codes]


@blueprint.app_template_global()
def unit_choices(units: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Units as a field offers them."""
    return [(str(one["id"]), str(one["name"])) for one in units]


@blueprint.app_template_global()
def article_choices(articles: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Articles as a field offers them: how they are cited, and what for."""
    return [(str(one["id"]), f"{one['citation']} – {one['title']}") for one in articles]


def _steps(state: str) -> list[str]:
    every = {permission for steps in model.STEPS.values() for _, permission in steps}
    return model.steps(state, filter(current_visit().may, every))


def _confirm(decision_id: UUID, step: str) -> str:
    one = asking.decision(decision_id)
    annex = asking.annex(one)
    return show(
        "decisions/confirm.html",
        one=one,
        annex=annex,
        window=model.window(annex.rows, request.args.get("from", 0, int)),
        step=step,
        open=step in _steps(one["state"]),
        units=asking.places(),
    )


def _decided(decision_id: UUID, step: str, body: dict[str, str] | None = None) -> Response:
    """The step, where the form is full and the person showed once more who they are."""
    typed = {name: [value] for name, value in (body or {}).items()}
    if faults := forms.missing(typed, list(typed)):
        return asking.said(faults)
    if form := guard.not_confirmed():
        return form
    return _taken(decision_id, step, body)


def _taken(decision_id: UUID, step: str, body: dict[str, str] | None = None) -> Response:
    """The step, taken on the version that was seen; under the key of the form it is taken once."""
    path, version = f"{PATH}/{decision_id}/{step}", request.form.get("version")
    ask().post(ALLOCATION, path, body, key=guard.act_key(), version=version)
    flash(words(f"decisions.done_{step}"))
    return see_other(url_for("decisions.show_one", decision_id=decision_id))
