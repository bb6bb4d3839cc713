"""Money by programme, source, unit and year: every figure opens the rows behind it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, request

from services.portal.calls import units
from services.portal.calls.services import Away, Refused
from services.portal.calls.units import BEFORE_MERGERS
from services.portal.look.formats import order_of
from services.portal.look.page import show
from services.portal.money import model
from services.portal.money.model import Bar
from services.portal.visits.guard import ask, page
from shared.kernel.clock import business_date
from shared.web.context import current_context

READ = "ledger.read"
ACCOUNTS_MAX = 500
TRANSFERS_SHOWN = 100
LAST_DAY = "{}-12-31"

blueprint = Blueprint("money", __name__, template_folder="templates", url_prefix="/money")


@blueprint.get("")
@page(READ)
def programmes() -> str:
    """What was allotted, is held, was spent and is left, by programme and source, in a year."""
    year, found = _year()
    rows = [row for row in found["items"] if model.has_any(row)]
    shown = [{**row, "bar": Bar.of(row)} for row in rows]
    years = found["fiscal_years"]
    return show("money/programmes.html", year=year, years=years, rows=shown, total=model.total(rows))


@blueprint.get("/units")
@page(READ)
def by_unit() -> str:
    """The money of a programme or of all, by unit: a level further down at each step."""
    year = _asked_year()
    about = _about()
    found = ask().get("allocation", "/v1/balances", {"fiscal_year": year, "by": "unit", **about})
    names = units.names(ask(), _days(year))
    rows = sorted(
        (row for row in found["items"] if model.has_any(row)),
        key=lambda row: (not row["alone"], order_of(names.get(row["unit_id"], row["unit_id"]))),
    )
    shown = [{**row, "bar": Bar.of(row)} for row in rows]
    return show(
        "money/units.html",
        year=year,
        about=about,
        rows=shown,
        total=model.total(rows),
        names=names,
        above=_above(about.get("unit_id", ""), year),
        link=_link,
    )


@blueprint.get("/accounts")
@page(READ)
def accounts() -> str:
    """The accounts of a unit, or those behind one figure of it."""
    year, about, figure = _asked_year(), _about(), request.args.get("figure", "")
    query = {"fiscal_year": year, **about, "limit": ACCOUNTS_MAX}
    found = ask().get("allocation", "/v1/accounts", query)
    rows = model.behind(found["items"], figure)
    return show(
        "money/accounts.html",
        year=year,
        about=about,
        figure=figure if figure in model.FIGURES else "",
        rows=rows,
        total=sum(amount for _, amount in rows),
        cut=found["next_cursor"] is not None,
        names=units.names(ask(), _days(year)),
        above=_above(about.get("unit_id", ""), year),
        link=_link,
    )


@blueprint.get("/accounts/<uuid:account_id>")
@page(READ)
def account(account_id: UUID) -> str:
    """The transfers behind an account, oldest first."""
    found = ask().get("allocation", f"/v1/accounts/{account_id}")
    query = {"limit": TRANSFERS_SHOWN, "cursor": request.args.get("cursor")}
    moved = ask().get("allocation", f"/v1/accounts/{account_id}/transfers", query)
    names = units.names(ask(), _days(found["fiscal_year"]))
    return show("money/account.html", account=found, transfers=moved, names=names, link=_link)


def _year() -> tuple[int, Any]:
    """The year that was asked for, or the newest with money in it, and how money stands in it."""
    year = _asked_year()
    found = ask().get("allocation", "/v1/balances", {"fiscal_year": year})
    years = found["fiscal_years"]
    if "year" in request.args or not years or year in years:
        return year, found
    return years[0], ask().get("allocation", "/v1/balances", {"fiscal_year": years[0]})


def _asked_year() -> int:
    return request.args.get("year", business_date(current_context().clock.now()).year, int)


def _about() -> dict[str, str]:
    """The programme and unit that the page is about."""
    names = (*model.PROGRAMME, "unit_id")
    return {name: request.args[name] for name in names if request.args.get(name)}


def _days(year: int) -> set[str]:
    return {BEFORE_MERGERS, LAST_DAY.format(year)}


def _above(unit: str, year: int) -> list[Any]:
    """The way down to a unit, as units stood in the year."""
    try:
        for day in (LAST_DAY.format(year), BEFORE_MERGERS, ""):
            if found := model.trail(unit, units.of_day(ask(), day)):
                return found
    except (Away, Refused):
        return []
    return []


def _link(path: str, year: int, about: dict[str, str], **more: str) -> str:
    """The address of another page of this room about the same money."""
    query = {"year": year, **about, **more}
    return f"/money/{path}?{urlencode({name: value for name, value in query.items() if value})}"
