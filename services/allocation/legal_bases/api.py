"""Legal bases over HTTP."""

from __future__ import annotations

from typing import Any

from services.allocation.legal_bases import store
from services.allocation.legal_bases.schemas import ArticlesQuery, ArticlesSchema
from shared.web.acting import current_connection, reads
from shared.web.blueprint import Blueprint

blueprint = Blueprint("legal_bases", __name__, url_prefix="/v1/articles", description="What the law permits.")


@blueprint.get("")
@reads("legal_bases.read")
@blueprint.arguments(ArticlesQuery, location="query")
@blueprint.response(200, ArticlesSchema)
def list_articles(query: dict[str, Any]) -> dict[str, Any]:
    """Articles of a purpose, in force on a day."""
    found = store.find(current_connection()).values()
    on, purpose = query["on"], query["purpose"]
    return {
        "items": [
            one
            for one in found
            if (purpose is None or one.purpose == purpose) and (on is None or one.instrument.in_force_on(on))
        ]
    }
