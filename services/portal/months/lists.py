"""Payment lists: those of a month, one with its payments, and each step of its way."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, flash, request, url_for

from services.portal.calls.services import Away
from services.portal.look.formats import whole
from services.portal.look.language import words
from services.portal.look.page import named, show
from services.portal.months import model
from services.portal.months.asking import (
    PAGE_ROWS,
    SERVICE,
    filtered,
    permissions,
    provider_names,
    reading,
    unit_names,
)
from services.portal.months.model import EXPORTABLE, IN_TRANSIT, STATES, STEPS, Step
from services.portal.visits import guard
from services.portal.visits.guard import NotYours, ask, current_visit, page, see_other

PERIOD = "<string(length=7):period>"
STEP = f"<any({','.join(STEPS)}):name>"
STANDINGS = ("settled", "returned", "unknown")

blueprint = Blueprint("lists", __name__, url_prefix=f"/{PERIOD}/lists")


@blueprint.get("")
@page("lists.read")
def lists(period: str) -> str:
    """The lists of a month, by state and unit."""
    chosen = {name: request.args.get(name, "") for name in ("state", "unit_id")}
    query = {"period": period, "limit": PAGE_ROWS, "cursor": request.args.get("cursor"), **chosen}
    return show(
        "months/lists.html",
        period=period,
        chosen=chosen,
        lists=reading(period).get(SERVICE, "/v1/lists", query),
        units=unit_names(period),
        providers=provider_names(),
        states=STATES,
        path=filtered(chosen),
    )


@blueprint.get("/<uuid:list_id>")
@page("lists.read")
def one(period: str, list_id: UUID) -> str:
    """One list: how it stands, what can be done with it, and its payments."""
    shown = _list(period, list_id)
    asked = "HX-Request" in request.headers  # how it stands is asked again and again, its payments are not
    return show(
        "months/list.html",
        period=period,
        list=shown,
        moves=shown["state"] in IN_TRANSIT,
        steps=model.steps_for(shown["state"], permissions()),
        exports=shown["state"] in EXPORTABLE and current_visit().may("lists.export"),
        units=unit_names(period),
        providers=provider_names(),
        standings=STANDINGS,
        standing=_standing(),
        **({} if asked else _payments(period, shown)),
    )


@blueprint.get(f"/<uuid:list_id>/{STEP}")
@page("lists.read")
def ask_step(period: str, list_id: UUID, name: str) -> str:
    """What a step means for this list, before it is taken."""
    step = _allowed(name)
    shown = _list(period, list_id)
    return show(
        "months/step.html",
        period=period,
        step=step,
        list=shown,
        fits=shown["state"] in step.states,
        units=unit_names(period),
        providers=provider_names(),
    )


@blueprint.post(f"/<uuid:list_id>/{STEP}")
@page("lists.read")
def take_step(period: str, list_id: UUID, name: str) -> Response:
    """The step, taken; for what decides, the person showed once more who they are."""
    step = _allowed(name)
    if step.secret and (form := guard.not_confirmed()):
        return form
    body = _body(step)
    done = ask().post(
        SERVICE,
        f"/v1/lists/{list_id}/{name}",
        body,
        key=guard.act_key(),
        version=request.form.get("version") if name != "reissues" else None,
    )
    if name == "reissues":
        return _reissued(done)
    flash(words(f"months.done_{name}"))
    return see_other(url_for(".one", period=period, list_id=list_id))


@blueprint.post("/<uuid:list_id>/file")
@page("lists.export")
def export(period: str, list_id: UUID) -> Response:  # noqa: ARG001 - the month stands in the address
    """The list as its provider takes it."""
    answer = ask().send(SERVICE, f"/v1/lists/{list_id}/file", key=guard.act_key())
    disposition = {"Content-Disposition": f'attachment; filename="{answer.name}"'}
    return Response(answer.content, content_type=answer.media_type, headers=disposition)


def _list(period: str, list_id: UUID) -> dict[str, Any]:
    shown: dict[str, Any] = reading(period).get(SERVICE, f"/v1/lists/{list_id}")
    if shown["period"] != period:
        abort(404)
    return shown


def _payments(period: str, shown: dict[str, Any]) -> dict[str, Any]:
    """A page of payments, each with how it stands once it is instructed, where the visitor may see that."""
    caller, query = reading(period), {"limit": PAGE_ROWS, "cursor": request.args.get("cursor")}
    answers = current_visit().may("results.read") and shown["instructed_on"] is not None
    path = f"/v1/lists/{shown['id']}"
    try:
        if answers and _standing():
            found = caller.get(SERVICE, f"{path}/outcomes", {**query, "standing": _standing()})
            return {"payments": found["items"], "next_cursor": found["next_cursor"], "answers": True}
        found = caller.get(SERVICE, f"{path}/payments", query)
        stands = caller.get(SERVICE, f"{path}/outcomes", query)["items"] if answers else ()
    except Away as away:
        return {"payments": [], "next_cursor": None, "answers": answers, "away": away}
    rows = model.with_outcomes(found["items"], stands)
    return {"payments": rows, "next_cursor": found["next_cursor"], "answers": answers}


def _standing() -> str:
    chosen = request.args.get("standing", "")
    return chosen if chosen in STANDINGS else ""


def _allowed(name: str) -> Step:
    step = STEPS[name]
    if not current_visit().may(step.permission):
        raise NotYours(step.permission)
    return step


def _body(step: Step) -> dict[str, Any] | None:
    form = request.form
    if step.name == "approval":
        return {"content_sha256": form.get("content_sha256", "")}
    if step.reason:
        return {"reason": form.get("reason", "").strip()}
    return {"provider": form.get("provider", "")} if step.provider else None


def _reissued(done: dict[str, Any]) -> Response:
    made = done["list"]
    flash(words("months.done_reissues", count=whole(made["payment_count"])))
    left_out = Counter(one["code"] for one in done["left_out"])
    for code, count in left_out.items():
        flash(words("months.left_out", count=whole(count), why=named(code, "months.obstacle")))
    return see_other(url_for(".one", period=made["period"], list_id=made["id"]))
