"""Paying again over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.beneficiaries.lists.queries import find_list
from services.beneficiaries.reissues import handlers
from services.beneficiaries.reissues.commands import ReissuePayments
from services.beneficiaries.reissues.schemas import ReissuedSchema, ReissueRequestSchema
from services.beneficiaries.units.queries import ensure_reach
from shared.web.acting import acts, business_day, current_principal, current_work
from shared.web.blueprint import Blueprint

blueprint = Blueprint(
    "reissues", __name__, url_prefix="/v1/lists", description="Paying again what came back."
)


@blueprint.post("/<uuid:list_id>/reissues")
@acts("lists.submit", idempotent=True)
@blueprint.arguments(ReissueRequestSchema)
@blueprint.response(201, ReissuedSchema)
def reissue_payments(body: dict[str, Any], list_id: UUID) -> dict[str, Any]:
    """Make a list of the payments that came back; it is submitted and approved as any other."""
    work = current_work()
    row = find_list(work.connection, list_id)
    ensure_reach(work.connection, current_principal(), "lists.submit", row.unit_id, business_day())
    made = handlers.reissue(work, ReissuePayments(list_id, **body))
    return {"list": find_list(work.connection, made.list_id), "left_out": made.left_out}
