"""Providers over HTTP."""

from __future__ import annotations

from typing import Any

from services.beneficiaries.providers.model import PROVIDERS
from services.beneficiaries.providers.schemas import ProvidersSchema
from shared.web.acting import reads
from shared.web.blueprint import Blueprint

blueprint = Blueprint("providers", __name__, url_prefix="/v1/providers", description="Who pays out.")


@blueprint.get("")
@reads("lists.read")
@blueprint.response(200, ProvidersSchema)
def list_providers() -> dict[str, Any]:
    """The providers under contract in order of their codes, with their names."""
    return {"items": [PROVIDERS[code] for code in sorted(PROVIDERS)]}
