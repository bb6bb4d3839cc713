"""Messages that a service could not take: list, show, retry, drop, as `fundtrail quarantine` has it.

Every service that listens registers this blueprint and gives its handlers as a part of its context.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, cast

from marshmallow import Schema, fields
from sqlalchemy import Row

from shared.inbox import operations
from shared.inbox.consumer import Handler
from shared.inbox.operations import Retried
from shared.web import pages
from shared.web.acting import acts, current_connection, current_work, reads
from shared.web.blueprint import Blueprint
from shared.web.context import current_context
from shared.web.pages import Page
from shared.web.schemas import Closed, PageQuery, TextField, page_of

HANDLERS_PART = "handlers"
VALUE_CHARS_MAX = 100_000  # of a message that is shown; what is longer is shown as far as that

blueprint = Blueprint(
    "quarantine", __name__, url_prefix="/v1/quarantine", description="Messages that could not be taken."
)


class QuarantineQuery(PageQuery):
    """Which page of the messages that nobody has dealt with."""


class QuarantinedSchema(Schema):
    """A message that could not be taken: where it came from, and why. `behind`: it waits behind another."""

    number = fields.Integer(required=True)
    event_id = fields.String(required=True)
    topic = fields.String(required=True)
    key = fields.String(required=True)
    state = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    quarantined_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(allow_none=True, required=True)


class HeaderSchema(Schema):
    """One header of a message."""

    name = fields.String(required=True)
    value = fields.String(required=True)


class WholeQuarantinedSchema(QuarantinedSchema):
    """The same with the message as it was received."""

    headers = fields.List(fields.Nested(HeaderSchema), required=True)
    value = fields.String(required=True)


QuarantinePageSchema = page_of(QuarantinedSchema, "QuarantinePage")


class SettlementSchema(Closed):
    """Why a message is retried or dropped; it stands in the trail."""

    reason = TextField(required=True)


class RetriedSchema(Schema):
    """How many messages took effect; and the one behind them that was refused again, if any."""

    count = fields.Integer(required=True)
    refused = fields.Integer(allow_none=True, required=True)
    code = fields.String(allow_none=True, required=True)
    message = fields.String(allow_none=True, required=True)


@blueprint.get("")
@reads("operations.read")
@blueprint.arguments(QuarantineQuery, location="query")
@blueprint.response(200, QuarantinePageSchema)
def list_quarantine(query: dict[str, Any]) -> Page[Row[Any]]:
    """The messages that nobody has dealt with, oldest first."""
    place = pages.decode(query["cursor"], int)
    after = place[0] if place else 0
    rows = operations.list_open(current_connection(), _consumer(), after, query["limit"] + 1)
    return pages.page(rows, query["limit"], lambda row: [row.number])


@blueprint.get("/<int(max=9007199254740991):number>")
@reads("operations.read")
@blueprint.response(200, WholeQuarantinedSchema)
def show_quarantined(number: int) -> dict[str, Any]:
    """One message, settled or not, as it was received."""
    row = operations.show(current_connection(), _consumer(), number)
    return {
        **row._asdict(),
        "headers": [{"name": name, "value": _text(base64.b64decode(value))} for name, value in row.headers],
        "value": _text(bytes(row.value)),
    }


@blueprint.post("/<int(max=9007199254740991):number>/retry")
@acts("operations.act", idempotent=True)
@blueprint.arguments(SettlementSchema)
@blueprint.response(200, RetriedSchema)
def retry_quarantined(body: dict[str, Any], number: int) -> Retried:
    """Take a message, and those that wait behind it, in their order and in one go."""
    work = current_work().because(body["reason"])
    handlers = cast("Mapping[str, Handler]", current_context().parts[HANDLERS_PART])
    return operations.retry_within(work, _consumer(), handlers, number)


@blueprint.post("/<int(max=9007199254740991):number>/drop")
@acts("operations.act", idempotent=True)
@blueprint.arguments(SettlementSchema)
@blueprint.response(200, QuarantinedSchema)
def drop_quarantined(body: dict[str, Any], number: int) -> Row[Any]:
    """A message shall never take effect, also when it comes again; those behind it wait for a retry."""
    work = current_work().because(body["reason"])
    operations.drop_within(work, _consumer(), number)
    return operations.show(work.connection, _consumer(), number)


def _consumer() -> str:
    return current_context().service


def _text(data: bytes) -> str:
    return data.decode(errors="replace")[:VALUE_CHARS_MAX]
