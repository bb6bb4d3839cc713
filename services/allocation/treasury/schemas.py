"""The contract with the Treasury."""

from __future__ import annotations

from marshmallow import Schema, fields

from shared.web.schemas import Closed, PageQuery, TextField, page_of


class WithdrawalsQuery(PageQuery):
    """Which requests."""

    state = fields.String(load_default=None)


class WithdrawalSchema(Schema):
    """A request to move money to a provider. Units: amount_vnd in đồng."""

    id = fields.UUID(required=True)
    list_id = fields.UUID(required=True)
    submission = fields.Integer(required=True)
    unit_id = fields.UUID(required=True)
    provider = fields.String(required=True)
    amount_vnd = fields.Integer(required=True)
    state = fields.String(required=True)
    requested_on = fields.Date(required=True)
    reference = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    version = fields.Integer(required=True)


WithdrawalPageSchema = page_of(WithdrawalSchema, "WithdrawalPage")


class ConfirmationSchema(Closed):
    """The Treasury's reference."""

    reference = TextField(60, required=True)


class RefusalSchema(Closed):
    """Why the Treasury did not pay."""

    reason = TextField(required=True)
