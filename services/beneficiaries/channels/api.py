"""Files for providers over HTTP."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from services.beneficiaries.channels import handlers
from services.beneficiaries.lists import queries
from services.beneficiaries.units.queries import ensure_reach
from shared.web.acting import acts, business_day, current_principal, current_work
from shared.web.blueprint import Blueprint

blueprint = Blueprint("channels", __name__, url_prefix="/v1/lists", description="Files for providers.")


@blueprint.post("/<uuid:list_id>/file")
@acts("lists.export")
@blueprint.response(
    200, description="The list as its provider takes it: XLSX for the post, pain.001 for a bank."
)
def export_list(list_id: UUID) -> Response:
    """The file of a list for its provider."""
    work = current_work()
    row = queries.find_list(work.connection, list_id)
    ensure_reach(work.connection, current_principal(), "lists.export", row.unit_id, business_day())
    file = handlers.export_list(work, list_id)
    disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, content_type=file.media_type, headers=disposition)
