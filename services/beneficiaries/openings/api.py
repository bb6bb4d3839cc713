"""Months taken over, over HTTP."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from services.beneficiaries.months import parse_month
from services.beneficiaries.openings import handlers
from services.beneficiaries.openings.jobs import KIND
from services.beneficiaries.openings.schemas import OpeningFileSchema, OpeningSchema, OpeningStartedSchema
from shared.documents.store import DocumentStore
from shared.jobs.runner import enqueue
from shared.web.acting import acts, current_work
from shared.web.blueprint import Blueprint
from shared.web.context import current_context
from shared.web.uploads import content_of

blueprint = Blueprint(
    "openings", __name__, url_prefix="/v1/openings", description="Months paid before this system."
)


@blueprint.post("/<period>/imports")
@acts("openings.import", idempotent=True, files=True)
@blueprint.arguments(OpeningFileSchema, location="files")
@blueprint.response(202, OpeningStartedSchema)
def import_opening(files: dict[str, Any], period: str) -> dict[str, UUID]:
    """Take over what was paid for a month; another person closes it."""
    work = current_work()
    month = parse_month(period)
    document = cast("DocumentStore", current_context().parts["documents"]).put(content_of(files["file"]))
    opening_id = handlers.begin_opening(work, month, document)
    params = {"opening_id": str(opening_id), "period": str(month), "document": document}
    return {"opening_id": opening_id, "job_id": enqueue(work, KIND, params)}


@blueprint.post("/<uuid:opening_id>/approval")
@acts("openings.approve", idempotent=True)
@blueprint.response(200, OpeningSchema)
def close_opening(opening_id: UUID) -> Any:  # noqa: ANN401 - a row of openings
    """Confirm that a month was paid so; it is never rewritten from now on."""
    return handlers.close_opening(current_work(), opening_id)
