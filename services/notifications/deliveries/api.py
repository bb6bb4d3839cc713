"""One's own messages, and receipts of gateways."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.deliveries import store
from services.notifications.deliveries.model import State
from services.notifications.deliveries.schemas import MessagePageSchema, MessagesQuery, ReceiptSchema
from services.notifications.templates.model import render
from shared.kernel.errors import NotFound
from shared.web.acting import SIGNED_IN, acts, current_connection, current_principal, current_work, reads
from shared.web.blueprint import Blueprint
from shared.web.pages import Page, decode, page

blueprint = Blueprint("deliveries", __name__, url_prefix="/v1", description="Messages to officers.")


@blueprint.get("/messages")
@reads(SIGNED_IN)
@blueprint.arguments(MessagesQuery, location="query")
@blueprint.response(200, MessagePageSchema)
def list_messages(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """The messages of the person who is signed in, newest first."""
    before = decode(query["cursor"], datetime, UUID)
    rows = store.inbox_of(current_connection(), current_principal().subject, before, query["limit"] + 1)
    shown = [_shown(row) for row in rows]
    return page(shown, query["limit"], lambda one: [one["created_at"].isoformat(), str(one["id"])])


@blueprint.post("/messages/<uuid:delivery_id>/reading")
@acts(SIGNED_IN)
@blueprint.response(204)
def mark_read(delivery_id: UUID) -> None:
    """The message was read."""
    work = current_work()
    if not store.mark_read(work.connection, delivery_id, current_principal().subject, work.now):
        raise NotFound("message_unknown", "There is no such message for you.")


@blueprint.post("/receipts")
@acts("receipts.report")
@blueprint.arguments(ReceiptSchema)
@blueprint.response(204)
def take_receipt(body: dict[str, Any]) -> None:
    """A gateway reports; a late or repeated report changes nothing."""
    store.advance(current_work().connection, body["delivery_id"], State(body["state"]))


def _shown(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of deliveries
    text = render(row.template, row.language, row.facts)
    return {
        "id": row.id,
        "subject": text.subject,
        "body": text.body,
        "created_at": row.created_at,
        "read_at": row.read_at,
    }
