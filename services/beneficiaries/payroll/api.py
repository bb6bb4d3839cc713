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
def show_payroll(period: str) -> dict[str, Any]:
    """The run of a month, with the job that computes it."""
    month = parse_month(period)
    run = handlers.find_run(current_connection(), month)
    if run is None:
        raise NotFound("payroll_unknown", f"{period} was not computed.")
    return {**run._mapping, "job_id": handlers.job_id_of(month)}  # noqa: SLF001 - SQLAlchemy's own name
