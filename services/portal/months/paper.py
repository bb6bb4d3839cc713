"""A payment list on paper, as it is signed and as people sign for what they get."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, request, url_for
from markupsafe import Markup

from services.portal.look.page import show
from services.portal.months import sheets
from services.portal.months.desk import SERVICE, provider_names, reading, unit_names
from services.portal.visits.guard import page
from shared.kernel.money import Money, in_words

PAYMENTS_MAX = 10_000  # of one printout; a longer list goes to its provider as a file
PAGE_ROWS = 500

blueprint = Blueprint("paper", __name__, url_prefix="/<string(length=7):period>/lists/<uuid:list_id>/paper")


@blueprint.get("")
@page("lists.read")
def paper(period: str, list_id: UUID) -> str:
    """The list for printing; one that changed since the named version says that its printout is void."""
    caller = reading(period)
    shown = caller.get(SERVICE, f"/v1/lists/{list_id}")
    if shown["period"] != period:
        abort(404)
    printed = request.args.get("version", "")
    too_long = shown["payment_count"] > PAYMENTS_MAX
    rows = [] if too_long else list(sheets.rows_of(_payments(period, list_id)))
    address = url_for(".paper", period=period, list_id=list_id, version=shown["version"], _external=True)
    return show(
        "months/paper.html",
        list=shown,
        period=period,
        sheets=sheets.sheets_of(rows),
        in_words=in_words(Money(shown["total_vnd"])),
        code=Markup(sheets.code_of(address)),  # noqa: S704 - drawn by us, with nothing of anybody's in it
        void=bool(printed) and printed != str(shown["version"]),
        printed=printed,
        too_long=too_long,
        units=unit_names(period),
        providers=provider_names(),
    )


def _payments(period: str, list_id: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    caller = reading(period)
    while True:
        query = {"limit": PAGE_ROWS, "cursor": cursor}
        some = caller.get(SERVICE, f"/v1/lists/{list_id}/payments", query)
        found += some["items"]
        cursor = some["next_cursor"]
        if cursor is None:
            return found
