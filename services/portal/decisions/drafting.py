"""Writing decisions: by hand with a table of lines, from the annex as a file, and by a formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, request, url_for

from services.portal.calls.services import Refused
from services.portal.decisions import asking, forms, model
from services.portal.decisions.asking import ALLOCATION, PATH, said
from services.portal.decisions.forms import CLASSES, LINES, SHARES, Reading
from services.portal.decisions.model import CAPITAL_KINDS, COMPONENTS, KINDS, SOURCES
from services.portal.decisions.views import article_choices
from services.portal.look.formats import in_order, iso_day
from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.visits import guard
from services.portal.visits.guard import ask, current_visit, page, see_other

blueprint = Blueprint("drafting", __name__)
CLASS_ROWS = 3
PROVINCE_AND_DISTRICTS = 2
CHOICES = {"kinds": KINDS, "capital_kinds": CAPITAL_KINDS, "components": COMPONENTS, "sources": SOURCES}


@blueprint.get("/decisions/new")
@page("decisions.draft")
def new_by_hand() -> str:
    """A table of lines to be filled in, or pasted into from a spreadsheet."""
    rows = forms.row_count(_typed(), LINES)
    return show("decisions/new.html", rows=rows, **_choices())


@blueprint.post("/decisions/new")
@page("decisions.draft")
def draft_by_hand() -> Response:
    """The decision, stored as a draft."""
    units = asking.units_of_day()
    articles = {label: key for key, label in article_choices(asking.articles(asking.day()))}
    reading = forms.by_hand(_form(), forms.names_of(units), forms.labels_of(units), articles)
    return _drafted(PATH, reading, LINES)


@blueprint.get("/decisions/annex")
@page("decisions.draft")
def new_annex() -> str:
    """The form for a file, and what was wrong with the last one, row by row."""
    kept = current_visit().kept
    faults = kept.faults if kept and kept.at == guard.here() and kept.code == "annex_faulty" else []
    return show("decisions/annex.html", problems=model.faults_by_row(faults), count=len(faults), **_choices())


@blueprint.post("/decisions/annex")
@page("decisions.draft")
def upload_annex() -> Response:
    """The decision, read from its annex as a whole or not at all."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return guard.return_form(
            "file_missing", faults=[{"pointer": "/file", "detail": words("decisions.file_missing")}]
        )
    if faults := forms.missing(_form(), forms.NEEDED):
        return said(faults)
    header = forms.header(_form())
    fields: dict[str, Any] = {name: str(value) for name, value in header.items()}
    fields["demonstration"] = "true" if header["demonstration"] else "false"
    fields["article_id"] = request.form.get("article_id", "")
    fields["units_on"] = iso_day(request.form.get("units_on", ""))
    fields["works"] = request.form.getlist("works")
    sent = {name: value for name, value in fields.items() if value}
    drafted = ask().upload(
        ALLOCATION, f"{PATH}/annexes", (file.filename, file.read()), sent, key=guard.act_key()
    )
    return _shown(drafted)


@blueprint.get("/decisions/formula")
@page("formulas.compute")
def new_formula() -> str:
    """Which units share, by what, and how much there is."""
    choices = _choices()
    below = request.args.get("below", "")
    listed = [one for one in in_order(choices["units"]) if below and str(one["parent_id"]) == below]
    typed = _typed()
    return show(
        "decisions/formula.html",
        rows=forms.row_count(typed, SHARES, max(len(listed), forms.ROWS_AT_FIRST)),
        class_rows=forms.row_count(typed, CLASSES, CLASS_ROWS),
        listed=listed,
        below=below,
        **choices,
    )


@blueprint.post("/decisions/formula")
@page("formulas.compute")
def draft_by_formula() -> Response:
    """The decision whose amounts were computed; the arithmetic stands with it."""
    units = asking.units_of_day()
    instruments = {str(one["id"]): one["instrument"]["code"] for one in asking.articles()}
    names, labels = forms.names_of(units), forms.labels_of(units)
    return _drafted(f"{PATH}/formulas", forms.by_formula(_form(), names, labels, instruments), SHARES)


@blueprint.post("/decisions/rows")
@page("decisions.draft")
def more_rows() -> Response:
    """The form again as it was typed, with more rows."""
    return guard.return_form("")


def _drafted(path: str, reading: Reading, table: str) -> Response:
    """The decision that allocation stored. Raises: Refused, each fault at the row that was typed."""
    if reading.faults:
        return said(reading.faults)
    try:
        drafted = ask().post(ALLOCATION, path, reading.body, key=guard.act_key())
    except Refused as error:
        moved = forms.moved(error.faults, table, reading.places)
        problem = {"code": error.code, "detail": error.detail, "errors": moved}
        raise Refused(error.status, problem) from error
    return _shown(drafted)


def _shown(drafted: Mapping[str, Any]) -> Response:
    flash(words("decisions.done_draft"))
    return see_other(url_for("decisions.show_one", decision_id=drafted["id"]))


def _choices() -> dict[str, Any]:
    """What the fields of a header offer; where allocation is away the page waits as a whole."""
    units = asking.units_of_day()
    own = set(current_visit().person.units_for("decisions.draft"))
    issuing = [one for one in units if one["level"] <= PROVINCE_AND_DISTRICTS or str(one["id"]) in own]
    return {
        "choices": CHOICES,
        "units": units,
        "issuing": sorted(issuing, key=lambda one: (str(one["id"]) not in own, one["level"])),
        "labels": forms.labels_of(units),
        "articles": asking.articles(asking.day()),
        "year": asking.day().year,
        "day": asking.day(),
    }


def _form() -> dict[str, list[str]]:
    return {name: request.form.getlist(name) for name in request.form}


def _typed() -> Mapping[str, list[str]]:
    """What the form held that was sent from this page and came back."""
    kept = current_visit().kept
    return kept.form if kept and kept.at == guard.here() else {}
