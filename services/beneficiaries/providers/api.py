"""Providers over HTTP."""

from __future__ import annotations

from typing import Any

from services.beneficiaries.providers.model import PROVIDERS
from services.beneficiaries.providers.schemas import ProviderPageSchema, ProvidersQuery
from shared.web.acting import reads
from shared.web.blueprint import Blueprint
from shared.web.pages import Page

blueprint = Blueprint("providers", __name__, url_prefix="/v1/providers", description="Who pays out.")


@blueprint.get("")
@reads("lists.read")
@blueprint.arguments(ProvidersQuery, location="query")
@blueprint.response(200, ProviderPageSchema)
def list_providers(query: dict[str, Any]) -> Page[Any]:  # noqa: ARG001 - a few, all on one page
    """The providers under contract, with their names."""
    return Page(list(PROVIDERS.values()), None)
