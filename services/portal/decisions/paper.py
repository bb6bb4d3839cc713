"""Decisions as they are signed: on paper, and as a spreadsheet laid out the same way."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

from flask import Blueprint, Response, make_response, request, send_file, url_for

from services.portal.decisions import asking, sheets, workbook
from services.portal.look.formats import day as written_day
from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.look.paper import on_paper, qr_code
from services.portal.visits.guard import page

blueprint = Blueprint("papers", __name__)
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/decisions/<uuid:decision_id>/paper")
@page("decisions.read")
def print_one(decision_id: UUID) -> Response:
    """The decision on sheets of A4; void where it was given up, an earlier print where it says otherwise."""
    one = asking.decision(decision_id)
    mark = sheets.mark_of(one)
    rows, citations = asking.tree(one), _citations()
    address = url_for("papers.print_one", decision_id=decision_id, content=mark, _external=True)
    with on_paper() as aside:
        return make_response(
            show(
                "decisions/paper.html",
                aside=aside,
                one=one,
                mark=mark,
                printed=request.args.get("content") or mark,
                sheets=sheets.sheets(rows, citations, one["title"]),
                count=len(one["lines"]),
                total=sheets.in_words(one["total_vnd"]),
                issuer=_issuer(one["issuing_unit_id"]),
                citations=citations,
                code=qr_code(address, words("look.paper_code")),
            )
        )


@blueprint.get("/decisions/<uuid:decision_id>/annex.xlsx")
@page("decisions.read")
def export_one(decision_id: UUID) -> Response:
    """The same as a spreadsheet; whatever is text stays text."""
    one = asking.decision(decision_id)
    dated = written_day(one["issued_on"]) if one["issued_on"] else ""
    with on_paper():
        texts = {name: words(f"decisions.paper_{name}") for name in workbook.TEXTS}
        texts["issuer"] = _issuer(one["issuing_unit_id"])
        texts["mark"] = words("decisions.paper_mark", id=one["id"], content=sheets.mark_of(one))
        texts["attached"] = words("decisions.paper_attached", number=one["number"] or "…", day=dated or "…")
        if one["state"] == "withdrawn":
            texts["attached"] = words("decisions.paper_withdrawn")
        content = workbook.workbook(one, asking.tree(one), _citations(), texts)
    name = f"{one['number'] or one['id']}.xlsx".replace("/", "-")
    return send_file(BytesIO(content), SPREADSHEET, as_attachment=True, download_name=name)


def _issuer(unit_id: str) -> str:
    unit = asking.places().get(str(unit_id))
    return str(unit["name"]) if unit else str(unit_id)


def _citations() -> dict[str, str]:
    found = asking.part(asking.articles).found or ()
    return {str(one["id"]): str(one["citation"]) for one in found}
