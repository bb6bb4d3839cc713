"""Correcting decisions that were not handed in, or were sent back: the same forms, filled with what stands.

What is saved takes the place of the version that was seen; where somebody changed it meanwhile, that is said
and what was typed is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, request, url_for

from services.portal.calls.services import Refused
from services.portal.decisions import asking, correcting, drafting, forms, model
from services.portal.decisions.asking import ALLOCATION, PATH, said
from services.portal.decisions.forms import LINES, SHARES, Reading
from services.portal.decisions.views import article_choices
from services.portal.look.language import words
from services.portal.uploads import files
from services.portal.visits import guard
from services.portal.visits.guard import ask, current_visit, page, see_other

blueprint = Blueprint("revising", __name__)
ANNEX_AGAIN = replace(drafting.ANNEX, path="/decisions/<uuid:decision_id>/edit/annex")
STALE = 412

Item = Mapping[str, Any]


@blueprint.get("/decisions/<uuid:decision_id>/edit")
@page("decisions.draft")
def edit(decision_id: UUID) -> Response:
    """The form by which the decision was made."""
    way = correcting.way_of(asking.decision(decision_id))
    return see_other(url_for(f"revising.edit_{way}", decision_id=decision_id))


@blueprint.get("/decisions/<uuid:decision_id>/edit/hand")
@page("decisions.draft")
def edit_hand(decision_id: UUID) -> str:
    """Every line as it stands, to be typed over."""
    one, offered = _offered(decision_id)
    named = dict(article_choices(asking.articles()))
    stands = correcting.header_fields(one) | correcting.line_fields(one, offered["labels"], named)
    return drafting.show_by_hand(offered, stands, to=url_for("revising.revise_hand", decision_id=decision_id))


@blueprint.post("/decisions/<uuid:decision_id>/edit/hand")
@page("decisions.draft")
def revise_hand(decision_id: UUID) -> Response:
    """The decision with the lines that were typed."""
    reading = drafting.read_by_hand(_units(asking.decision(decision_id)))
    return _revised(decision_id, "", reading, LINES)


@blueprint.get(ANNEX_AGAIN.path)
@page("decisions.draft")
def edit_annex(decision_id: UUID) -> str:
    """The form for a file in place of the lines."""
    one, offered = _offered(decision_id)
    to = url_for("revising.revise_annex", decision_id=decision_id)
    return drafting.show_annex(offered, correcting.header_fields(one), to=to, file_form=ANNEX_AGAIN)


@blueprint.post(ANNEX_AGAIN.path)
@page("decisions.draft")
def revise_annex(decision_id: UUID) -> Response:
    """The decision, read from another file as a whole or not at all."""
    file = files.came(ANNEX_AGAIN)
    if file is None:
        return drafting.no_file()
    if form := drafting.lacks():
        return form
    path, key, version = f"{PATH}/{decision_id}/annex", guard.act_key(), _seen()
    ask().upload(ALLOCATION, path, file, drafting.annex_fields(), key=key, version=version)
    files.used_up(file)
    return _shown(decision_id)


@blueprint.get("/decisions/<uuid:decision_id>/edit/formula")
@page("formulas.compute")
def edit_formula(decision_id: UUID) -> str:
    """The formula as it was, where there was one."""
    one, offered = _offered(decision_id)
    made = correcting.formula_fields(model.arithmetic(one["arithmetic"]), offered["labels"])
    to = url_for("revising.revise_formula", decision_id=decision_id)
    return drafting.show_formula(offered, correcting.header_fields(one) | made, to=to)


@blueprint.post("/decisions/<uuid:decision_id>/edit/formula")
@page("formulas.compute")
def revise_formula(decision_id: UUID) -> Response:
    """The decision with its amounts computed anew."""
    reading = drafting.read_formula(_units(asking.decision(decision_id)))
    return _revised(decision_id, "/formula", reading, SHARES)


def _offered(decision_id: UUID) -> tuple[Item, dict[str, Any]]:
    """A decision, and what the form that corrects it offers, with all that stands there already."""
    one = asking.decision(decision_id)
    units = _units(one)
    offered = drafting.choices(units)
    issuer = str(one["issuing_unit_id"])
    if issuer not in {str(unit["id"]) for unit in offered["issuing"]}:
        offered["issuing"] += [unit for unit in units if str(unit["id"]) == issuer]
    offered["choices"] = {
        name: correcting.with_current(codes, one[name.removesuffix("s")])
        for name, codes in offered["choices"].items()
    }
    history = asking.part(lambda: asking.history(decision_id)).found or []
    returned = [step for step in history if step["step"] == "sent_back"]
    shown = {
        "one": one,
        "open": "revision" in model.steps(one["state"], filter(current_visit().may, ["decisions.draft"])),
        "too_long": len(one["lines"]) > forms.ROWS_MAX,
        "returned": returned[-1] if returned and one["state"] == "sent_back" else None,
        "last": history[-1] if history else None,
        "ways": correcting.WAYS,
    }
    return one, offered | shown


def _units(one: Item) -> list[Item]:
    """The units of the day, after those of another day that the decision names already."""
    known = asking.units_of_day()
    there = {str(unit["id"]) for unit in known}
    named = {str(line["unit_id"]) for line in one["lines"] if line["unit_id"]} | {str(one["issuing_unit_id"])}
    missing = named - there
    if not missing:
        return known
    everywhere = asking.places(model.day_of_units(one, asking.day()))
    return [everywhere[key] for key in sorted(missing) if key in everywhere] + known


def _revised(decision_id: UUID, part: str, reading: Reading, table: str) -> Response:
    if reading.faults:
        return said(reading.faults)
    path, key, version = f"{PATH}/{decision_id}{part}", guard.act_key(), _seen()
    drafting.stored(reading, table, lambda body: ask().put(ALLOCATION, path, body, key=key, version=version))
    return _shown(decision_id)


def _seen() -> str:
    """The version that the form was filled from. Raises: Refused, as allocation would, where none is said."""
    version = request.form.get("version", "").strip()
    if not version.isdecimal():
        raise Refused(STALE, {"code": "version_changed"})
    return version


def _shown(decision_id: UUID) -> Response:
    flash(words("decisions.done_revision"))
    return see_other(url_for("decisions.show_one", decision_id=decision_id))
