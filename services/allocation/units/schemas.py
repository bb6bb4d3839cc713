"""The contract of units."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.web.schemas import PageQuery, page_of


class UnitsQuery(PageQuery):
    """Which units: of a level, below a unit, as they stood on a day (today unless told)."""

    on = fields.Date(load_default=None)
    level = fields.Integer(load_default=None, validate=validate.Range(min=1, max=3))
    parent_id = fields.UUID(load_default=None)


class UnitSchema(Schema):
    """One unit as it stood. `assumed`: its first day is not documented."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    level = fields.Integer(required=True)
    parent_id = fields.UUID(allow_none=True)
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(allow_none=True)
    assumed = fields.Boolean(required=True)
    predecessor_text = fields.String(allow_none=True)


UnitPageSchema = page_of(UnitSchema, "UnitPage")
