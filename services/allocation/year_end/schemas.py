"""The contract of closing a year."""

from __future__ import annotations

from marshmallow import Schema, fields


class MovedSchema(Schema):
    """What went into the next year from the accounts of a role. Units: moved_vnd in đồng."""

    role = fields.String(required=True)
    moved_vnd = fields.Integer(required=True)


class LeftSchema(Schema):
    """What stays in the accounts of a role until a decision is made on it. Units: left_vnd in đồng."""

    role = fields.String(required=True)
    left_vnd = fields.Integer(required=True)


class ClosingSchema(Schema):
    """A closed year."""

    fiscal_year = fields.Integer(required=True)
    successor_year = fields.Integer(required=True)
    hold_count = fields.Integer(required=True)
    moved = fields.List(fields.Nested(MovedSchema), required=True)
    left = fields.List(fields.Nested(LeftSchema), required=True)
