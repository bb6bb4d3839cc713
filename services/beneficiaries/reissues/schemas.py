"""The contract of reissues."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.beneficiaries.lists.schemas import ListSchema
from shared.web.schemas import Closed, TextField

PAYMENTS_MAX = 500


class ReissueRequestSchema(Closed):
    """Through whom to pay again, and which payments; without them all that came back."""

    provider = TextField(40, required=True)
    payment_ids = fields.List(
        fields.UUID(), load_default=None, validate=validate.Length(min=1, max=PAYMENTS_MAX)
    )


class LeftOutSchema(Schema):
    """A payment that came back and is not paid again."""

    payment_id = fields.UUID(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


class ReissuedSchema(Schema):
    """The new list, and what of the old one is not in it."""

    list = fields.Nested(ListSchema, required=True)
    left_out = fields.List(fields.Nested(LeftOutSchema), required=True)
