"""A payment list on paper, as it is signed and as people sign for what they get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import Blueprint, abort, request, url_for

from services.portal.calls.services import Caller
from services.portal.look.language import words
from services.portal.look.page import show
from services.portal.look.paper import on_paper, qr_code
from services.portal.months import sheets
from services.portal.months.asking import SERVICE, provider_names, reading, unit_names
from services.portal.months.sheets import Span
from services.portal.visits.guard import page
from shared.kernel.money import Money, in_words

PAYMENTS_MAX = 10_000  # of one printout; a longer list goes to its provider as a file

blueprint = Blueprint("paper", __name__, url_prefix="/<string(length=7):period>/lists/<uuid:list_id>/paper")


@blueprint.get("")
@page("lists.read")
def paper(period: str, list_id: UUID) -> str:
    """The list for printing; an earlier printout is void once something on it changed, and not before.

    The version on paper is that of the list's content, which stays as the list moves from desk to desk. A
    long list is printed in parts, each with what is carried from those before it.
    """
    caller = reading(period)
    shown = caller.get(SERVICE, f"/v1/lists/{list_id}")
    if shown["period"] != period:
        abort(404)
    printed, version = request.args.get("version", ""), shown["content_version"]
    count = shown["payment_count"]
    plan = sheets.plan_of(count) if 0 < count <= PAYMENTS_MAX else []
    parts = sheets.parts_of(plan) or [[]]
    number = request.args.get("part", 1, int)
    if not 1 <= number <= len(parts):
        abort(404)
    names = unit_names(period)
    address = url_for(".paper", period=period, list_id=list_id, version=version, _external=True)
    with on_paper() as aside:
        return show(
            "months/paper.html",
            aside=aside,
            list=shown,
            period=period,
            sheets=_filled(caller, list_id, parts[number - 1], names),
            sheet_count=len(plan),
            part=number,
            part_count=len(parts),
            in_words=in_words(Money(shown["total_vnd"])),
            code=qr_code(address, words("look.paper_code")),
            changed=bool(printed) and printed != str(version),
            withdrawn=shown["state"] == "withdrawn",
            printed=printed,
            too_long=count > PAYMENTS_MAX,
            units=names,
            providers=provider_names(),
        )


def _filled(
    caller: Caller, list_id: UUID, part: Sequence[Span], names: Mapping[str, str]
) -> list[sheets.Sheet]:
    """The sheets of a part with their lines; none of a list that is not printed."""
    if not part:
        return []
    lines = {"first": part[0].first, "limit": sum(span.count for span in part)}
    found = caller.get(SERVICE, f"/v1/lists/{list_id}/signatures", lines)
    return list(sheets.sheets_of(part, sheets.rows_of(found["items"], names), found["before_vnd"]))
