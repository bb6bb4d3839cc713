"""The contract of rates."""

from __future__ import annotations

from marshmallow import Schema, fields


class RateSchema(Schema):
    """One published amount. Units: đồng a month."""

    id = fields.UUID(required=True)
    decree = fields.String(required=True)
    code = fields.String(required=True)
    injury_percent = fields.Integer(allow_none=True)
    label = fields.String(required=True)
    amount_vnd = fields.Integer(required=True)
    applies_from = fields.String(required=True)
    known_from = fields.Date(required=True)
    source = fields.String(required=True)


class RatesSchema(Schema):
    """All published amounts."""

    items = fields.List(fields.Nested(RateSchema), required=True)
