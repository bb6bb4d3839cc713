"""The first page: what waits for me, and nothing else."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from services.portal.calls import units
from services.portal.calls.services import Away, Refused
from services.portal.calls.units import BEFORE_MERGERS
from services.portal.home.model import COUNTED_MAX, SHOWN, TILES, Tile
from services.portal.look.page import show
from services.portal.visits.guard import ask, current_visit, page
from shared.web.acting import SIGNED_IN

blueprint = Blueprint("home", __name__, template_folder="templates")


@blueprint.get("/")
@page(SIGNED_IN)
def home() -> str:
    """Every kind of work that waits for who is signed in, with its newest items."""
    visit = current_visit()
    mine = [tile for tile in TILES if tile.permission == SIGNED_IN or visit.may(tile.permission)]
    names = units.names(ask(), {BEFORE_MERGERS}) if visit.may("units.read") else {}
    return show("home/home.html", tiles=[_filled(tile) for tile in mine], units=names)


def _filled(tile: Tile) -> dict[str, Any]:
    shown: dict[str, Any] = {"tile": tile, "items": [], "count": 0, "more": False, "away": None}
    try:
        found = ask().get(tile.service, tile.path, {"state": tile.state, "limit": COUNTED_MAX})
    except Away as away:
        return shown | {"away": away}
    except Refused:
        return shown
    items = found["items"]
    return shown | {
        "items": items[:SHOWN],
        "count": len(items),
        "more": found["next_cursor"] is not None,
    }
