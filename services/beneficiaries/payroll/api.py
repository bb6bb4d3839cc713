"""Payroll over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.beneficiaries.months import parse_month
from services.beneficiaries.payroll import handlers
from services.beneficiaries.payroll.schemas import PayrollSchema, PayrollStartedSchema
from shared.kernel.errors import NotFound
from shared.web.acting import acts, current_connection, current_work, reads
from shared.web.blueprint import Blueprint

blueprint = Blueprint("payroll", __name__, url_prefix="/v1/payroll", description="Computing a month.")


@blueprint.post("/<period>")
@acts("payroll.run", idempotent=True)
@blueprint.response(202, PayrollStartedSchema)
def begin_payroll(period: str) -> dict[str, UUID]:
    """Compute a month for everybody, as known on the business date."""
    return {"job_id": handlers.begin_payroll(current_work(), parse_month(period))}


@blueprint.get("/<period>")
@reads("payroll.read")
@blueprint.response(200, PayrollSchema)
def show_payroll(period: str) -> Any:  # noqa: ANN401 - a row of payroll runs
    """The run of a month."""
    run = handlers.find_run(current_connection(), parse_month(period))
    if run is None:
        raise NotFound("payroll_unknown", f"{period} was not computed.")
    return run
