"""The contract of messages and receipts."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.web.schemas import Closed, PageQuery, page_of


class MessagesQuery(PageQuery):
    """Which page of one's own messages."""


class MessageSchema(Schema):
    """One message to the person who is signed in."""

    id = fields.UUID(required=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    read_at = fields.AwareDateTime(allow_none=True)


MessagePageSchema = page_of(MessageSchema, "MessagePage")


class ReceiptSchema(Closed):
    """What a gateway says became of a delivery."""

    delivery_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["delivered", "failed"]))
