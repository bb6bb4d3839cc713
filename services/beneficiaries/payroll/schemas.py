"""The contract of payroll runs."""

from __future__ import annotations

from marshmallow import Schema, fields


class PayrollStartedSchema(Schema):
    """The job that computes the month."""

    job_id = fields.UUID(required=True)


class PayrollSchema(Schema):
    """One run. Units: đồng; recoveries are shown as a positive sum."""

    id = fields.UUID(required=True)
    period = fields.String(required=True)
    known_on = fields.Date(required=True)
    state = fields.String(required=True)
    list_count = fields.Integer(allow_none=True)
    payment_count = fields.Integer(allow_none=True)
    total_vnd = fields.Integer(allow_none=True)
    arrears_vnd = fields.Integer(allow_none=True)
    recoveries_vnd = fields.Integer(allow_none=True)
    carried_vnd = fields.Integer(allow_none=True)
    job_id = fields.UUID(required=True)
