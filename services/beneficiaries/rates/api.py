"""Rates over HTTP."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from services.beneficiaries.rates.schemas import RatesSchema
from services.beneficiaries.rates.tables import rates
from shared.web.acting import current_connection, reads
from shared.web.blueprint import Blueprint

blueprint = Blueprint("rates", __name__, url_prefix="/v1/rates", description="Published monthly amounts.")


@blueprint.get("")
@reads("rates.read")
@blueprint.response(200, RatesSchema)
def list_rates() -> dict[str, Any]:
    """Every published amount of every decree."""
    ordered = select(rates).order_by(rates.c.applies_from, rates.c.code, rates.c.injury_percent)
    return {"items": current_connection().execute(ordered).all()}
