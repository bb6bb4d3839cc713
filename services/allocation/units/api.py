"""Units over HTTP."""

from __future__ import annotations

from typing import Any

from services.allocation.units import queries
from services.allocation.units.schemas import UnitPageSchema, UnitsQuery
from shared.web.acting import business_day, current_connection, reads
from shared.web.blueprint import Blueprint

blueprint = Blueprint(
    "units", __name__, url_prefix="/v1/units", description="Administrative units through time."
)


@blueprint.get("")
@reads("units.read")
@blueprint.arguments(UnitsQuery, location="query")
@blueprint.response(200, UnitPageSchema)
def list_units(query: dict[str, Any]) -> Any:  # noqa: ANN401 - a page of rows
    """The units of a day."""
    return queries.units_on(current_connection(), query, query["on"] or business_day())
