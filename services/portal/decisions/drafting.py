"""Writing decisions: by hand with a table of lines, from the annex as a file, and by a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, flash, request, url_for

from services.portal.calls.services import Refused
from services.portal.decisions import asking, correcting, forms, model
from services.portal.decisions.asking import ALLOCATION, PATH, said
from services.portal.decisions.forms import CLASSES, LINES, SHARES, Reading
from services.portal.decisions.model import CAPITAL_KINDS, COMPONENTS, KINDS, SOURCES
from services.portal.decisions.views import article_choices
from services.portal.look.formats import in_order, iso_day
from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.uploads import files
from services.portal.uploads.model import Form
from services.portal.visits import guard
from services.portal.visits.guard import ask, current_visit, page, see_other

blueprint = Blueprint("drafting", __name__)
ANNEX = Form("/decisions/annex", "decisions.draft", 10_000_000)  # what allocation reads of a table
CLASS_ROWS = 3
PROVINCE_AND_DISTRICTS = 2
CHOICES = {"kinds": KINDS, "capital_kinds": CAPITAL_KINDS, "components": COMPONENTS, "sources": SOURCES}

Item = Mapping[str, Any]


@blueprint.get("/decisions/new")
@page("decisions.draft")
def new_by_hand() -> str:
    """A table of lines to be filled in, or pasted into from a spreadsheet."""
    return show_by_hand(choices(), {}, to=url_for("drafting.draft_by_hand"))


@blueprint.post("/decisions/new")
@page("decisions.draft")
def draft_by_hand() -> Response:
    """The decision, stored as a draft."""
    return _drafted(PATH, read_by_hand(asking.units_of_day()), LINES)


@blueprint.get("/decisions/annex")
@page("decisions.draft")
def new_annex() -> str:
    """The form for a file, and what was wrong with the last one, row by row."""
    return show_annex(choices(), {}, to=url_for("drafting.upload_annex"), file_form=ANNEX)


@blueprint.post("/decisions/annex")
@page("decisions.draft")
def upload_annex() -> Response:
    """The decision, read from its annex as a whole or not at all."""
    file = files.came(ANNEX)
    if file is None:
        return no_file()
    if form := lacks():
        return form
    drafted = ask().upload(ALLOCATION, f"{PATH}/annexes", file, annex_fields(), key=guard.act_key())
    files.used_up(file)
    return _shown(drafted)


@blueprint.get("/decisions/formula")
@page("formulas.compute")
def new_formula() -> str:
    """Which units share, by what, and how much there is."""
    return show_formula(choices(), {}, to=url_for("drafting.draft_by_formula"))


@blueprint.post("/decisions/formula")
@page("formulas.compute")
def draft_by_formula() -> Response:
    """The decision whose amounts were computed; the arithmetic stands with it."""
    return _drafted(f"{PATH}/formulas", read_formula(asking.units_of_day()), SHARES)


@blueprint.post("/decisions/rows")
@page("decisions.draft")
def more_rows() -> Response:
    """The form again as it was typed, with more rows."""
    return guard.return_form("")


def show_by_hand(offered: Mapping[str, Any], stands: Mapping[str, str], **more: Any) -> str:  # noqa: ANN401
    """The form for lines by hand; `stands` is in its fields where nothing was typed yet, `to` takes it."""
    filled = correcting.rows_in(stands, LINES)
    rows = forms.row_count(_typed(), LINES, filled + forms.ROWS_SPARE if filled else forms.ROWS_AT_FIRST)
    return show("decisions/new.html", rows=rows, stands=stands, rows_max=forms.ROWS_MAX, **offered, **more)


def show_annex(offered: Mapping[str, Any], stands: Mapping[str, str], **more: Any) -> str:  # noqa: ANN401
    """The form for a file, with what was wrong with the last one; as above."""
    kept = current_visit().kept
    faults = kept.faults if kept and kept.at == guard.here() and kept.code == "annex_faulty" else []
    found = {"problems": model.faults_by_row(faults), "count": len(faults)}
    return show("decisions/annex.html", stands=stands, **found, **offered, **more)


def show_formula(offered: Mapping[str, Any], stands: Mapping[str, str], **more: Any) -> str:  # noqa: ANN401
    """The form for a formula, where asked for with the units below one as its rows; as above."""
    below = request.args.get("below", "")
    if below:
        listed = [one for one in in_order(offered["units"]) if str(one["parent_id"]) == below]
        kept = {name: text for name, text in stands.items() if not name.startswith(f"{SHARES}-")}
        stands = kept | correcting.listed_fields(listed, offered["labels"])
    typed = _typed()
    rows = {
        "rows": forms.row_count(typed, SHARES, max(correcting.rows_in(stands, SHARES), forms.ROWS_AT_FIRST)),
        "class_rows": forms.row_count(typed, CLASSES, max(correcting.rows_in(stands, CLASSES), CLASS_ROWS)),
        "rows_max": forms.ROWS_MAX,
    }
    return show("decisions/formula.html", stands=stands, below=below, **rows, **offered, **more)


def read_by_hand(units: list[Item]) -> Reading:
    """The table of lines as it was typed, with units by their names."""
    articles = {label: key for key, label in article_choices(asking.articles(asking.day()))}
    return forms.by_hand(_form(), forms.names_of(units), forms.labels_of(units), articles)


def read_formula(units: list[Item]) -> Reading:
    """The formula as it was typed; as above."""
    instruments = {str(one["id"]): one["instrument"]["code"] for one in asking.articles()}
    return forms.by_formula(_form(), forms.names_of(units), forms.labels_of(units), instruments)


def lacks() -> Response | None:
    """The form of a file again, where it lacks a field; None where it is full."""
    faults = forms.missing(_form(), forms.NEEDED)
    return said(faults) if faults else None


def no_file() -> Response:
    """The form again, which brings no file."""
    fault = {"pointer": "/file", "detail": words("decisions.file_missing")}
    return guard.return_form("file_missing", faults=[fault])


def annex_fields() -> dict[str, Any]:
    """What goes with a file: the header, the article, the day of its units, the rows that are works."""
    header = forms.header(_form())
    fields: dict[str, Any] = {name: str(value) for name, value in header.items()}
    fields["demonstration"] = "true" if header["demonstration"] else "false"
    fields["article_id"] = request.form.get("article_id", "")
    fields["units_on"] = iso_day(request.form.get("units_on", ""))
    fields["works"] = request.form.getlist("works")
    return {name: value for name, value in fields.items() if value}


def stored(reading: Reading, table: str, send: Callable[[Mapping[str, Any]], Item]) -> Item:
    """What allocation stored. Raises: Refused, each fault at the row that was typed."""
    try:
        return send(reading.body)
    except Refused as error:
        moved = forms.moved(error.faults, table, reading.places)
        problem = {"code": error.code, "detail": error.detail, "values": error.values, "errors": moved}
        raise Refused(error.status, problem) from error


def choices(units: list[Item] | None = None) -> dict[str, Any]:
    """What the fields of a header offer; where allocation is away the page waits as a whole."""
    units = asking.units_of_day() if units is None else units
    own = set(current_visit().person.units_for("decisions.draft"))
    issuing = [one for one in units if one["level"] <= PROVINCE_AND_DISTRICTS or str(one["id"]) in own]
    return {
        "one": None,
        "choices": CHOICES,
        "units": units,
        "issuing": sorted(issuing, key=lambda one: (str(one["id"]) not in own, one["level"])),
        "labels": forms.labels_of(units),
        "articles": asking.articles(asking.day()),
        "year": asking.day().year,
        "day": asking.day(),
    }


def _drafted(path: str, reading: Reading, table: str) -> Response:
    if reading.faults:
        return said(reading.faults)
    key = guard.act_key()
    return _shown(stored(reading, table, lambda body: ask().post(ALLOCATION, path, body, key=key)))


def _shown(drafted: Item) -> Response:
    flash(words("decisions.done_draft"))
    return see_other(url_for("decisions.show_one", decision_id=drafted["id"]))


def _form() -> dict[str, list[str]]:
    return {name: request.form.getlist(name) for name in request.form}


def _typed() -> Mapping[str, list[str]]:
    """What the form held that was sent from this page and came back."""
    kept = current_visit().kept
    return kept.form if kept and kept.at == guard.here() else {}
