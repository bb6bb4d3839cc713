"""Closing a year over HTTP."""

from __future__ import annotations

from services.allocation.units.queries import ensure_reach_of_all
from services.allocation.year_end import handlers
from services.allocation.year_end.events import YearClosed
from services.allocation.year_end.schemas import ClosingSchema
from shared.web.acting import acts, current_principal, current_work
from shared.web.blueprint import Blueprint

blueprint = Blueprint("year_end", __name__, url_prefix="/v1/ledger/years", description="Fiscal years.")


@blueprint.post("/<int:fiscal_year>/closing")
@acts("ledger.transfer", idempotent=True)
@blueprint.response(200, ClosingSchema)
def close_year(fiscal_year: int) -> YearClosed:
    """Close a year that is over, for all units; what is under way goes on in the next one."""
    work = current_work()
    ensure_reach_of_all(work.connection, current_principal(), "ledger.transfer", work.act.business_date)
    return handlers.close_year(work, fiscal_year)
