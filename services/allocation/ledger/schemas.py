"""The contract of the ledger."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.allocation.ledger.model import CapitalKind, Kind, Role
from shared.kernel.money import MAX_VND
from shared.web.schemas import Closed, PageQuery, TextField, page_of


class AccountKeySchema(Closed):
    """What makes an account."""

    fiscal_year = fields.Integer(required=True, strict=True, validate=validate.Range(min=2000, max=2100))
    component = TextField(60, required=True)
    source = TextField(60, required=True)
    capital_kind = fields.Enum(CapitalKind, by_value=True, required=True)
    unit_id = fields.UUID(load_default=None, allow_none=True)
    role = fields.Enum(Role, by_value=True, required=True)
    party = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=60))


class NewTransferSchema(Closed):
    """One transfer. The id is made by the caller and stands for this act for ever."""

    id = fields.UUID(required=True)
    debit = fields.Nested(AccountKeySchema, required=True)
    credit = fields.Nested(AccountKeySchema, required=True)
    amount_vnd = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=MAX_VND))
    kind = fields.Enum(Kind, by_value=True, required=True)
    hold_id = fields.UUID(load_default=None, allow_none=True)
    group_id = fields.UUID(load_default=None, allow_none=True)


class NewTransfersSchema(Closed):
    """A batch of 1 to 1,000 transfers, decided in the order given."""

    transfers = fields.List(
        fields.Nested(NewTransferSchema), required=True, validate=validate.Length(min=1, max=1000)
    )


class OutcomeSchema(Schema):
    """What became of one transfer. Units: shortfall_vnd in đồng."""

    id = fields.UUID(required=True)
    verdict = fields.String(required=True)
    exists = fields.Boolean(required=True)
    code = fields.String(allow_none=True)
    message = fields.String(allow_none=True)
    shortfall_vnd = fields.Integer(required=True)


class OutcomesSchema(Schema):
    """One outcome per transfer, in the order of the batch."""

    outcomes = fields.List(fields.Nested(OutcomeSchema), required=True)


class ReversalSchema(Closed):
    """Why a transfer is reversed."""

    reason = TextField(required=True)


class AccountsQuery(PageQuery):
    """Which accounts."""

    fiscal_year = fields.Integer(load_default=None)
    component = fields.String(load_default=None)
    source = fields.String(load_default=None)
    capital_kind = fields.String(load_default=None)
    unit_id = fields.UUID(load_default=None)
    role = fields.String(load_default=None)
    party = fields.String(load_default=None)


class AccountSchema(Schema):
    """An account with its four running totals. Units: đồng."""

    id = fields.UUID(required=True)
    fiscal_year = fields.Integer(required=True)
    component = fields.String(required=True)
    source = fields.String(required=True)
    capital_kind = fields.String(required=True)
    unit_id = fields.UUID(allow_none=True)
    role = fields.String(required=True)
    party = fields.String(allow_none=True)
    debits_posted = fields.Integer(required=True)
    credits_posted = fields.Integer(required=True)
    debits_pending = fields.Integer(required=True)
    credits_pending = fields.Integer(required=True)
    available_vnd = fields.Integer(required=True)


class BalancesQuery(Closed):
    """Which money of a year, and by what it is added up: by programme, or by the units below one."""

    fiscal_year = fields.Integer(required=True, strict=False, validate=validate.Range(min=2000, max=2100))
    component = TextField(60, load_default=None)
    source = TextField(60, load_default=None)
    capital_kind = fields.Enum(CapitalKind, by_value=True, load_default=None)
    unit_id = fields.UUID(load_default=None, metadata={"description": "This unit and those below it."})
    by = fields.String(load_default="programme", validate=validate.OneOf(["programme", "unit"]))


class BalanceSchema(Schema):
    """How the money of a programme, or of a unit with all below it, stands. Units: đồng.

    allotted_vnd + unmatched_vnd = held_vnd + spent_vnd + left_vnd. `alone`: of this unit without those below.
    `parts`: whether there are units below it.
    """

    component = fields.String(allow_none=True, required=True)
    source = fields.String(allow_none=True, required=True)
    capital_kind = fields.String(allow_none=True, required=True)
    unit_id = fields.UUID(allow_none=True, required=True)
    alone = fields.Boolean(required=True)
    parts = fields.Boolean(required=True)
    undivided_vnd = fields.Integer(required=True)
    allotted_vnd = fields.Integer(required=True)
    held_vnd = fields.Integer(required=True)
    spent_vnd = fields.Integer(required=True)
    left_vnd = fields.Integer(required=True)
    unmatched_vnd = fields.Integer(required=True)
    carried_vnd = fields.Integer(required=True)
    cancelled_vnd = fields.Integer(required=True)


class BalancesSchema(Schema):
    """How money stands, within reach of who asks; and the years of which there is any."""

    fiscal_years = fields.List(fields.Integer(), required=True)
    items = fields.List(fields.Nested(BalanceSchema), required=True)


AccountPageSchema = page_of(AccountSchema, "AccountPage")


class TransfersQuery(PageQuery):
    """Which page of transfers."""


class OtherAccountSchema(Schema):
    """The account at the other end of a transfer; `readable` says whether it may be opened."""

    id = fields.UUID(required=True)
    role = fields.String(required=True)
    unit_id = fields.UUID(allow_none=True, required=True)
    party = fields.String(allow_none=True, required=True)
    readable = fields.Boolean(required=True)


class TransferSchema(Schema):
    """A stored transfer. Units: amount_vnd in đồng."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    debit_account = fields.UUID(required=True)
    credit_account = fields.UUID(required=True)
    amount_vnd = fields.Integer(required=True)
    kind = fields.String(required=True)
    effective_on = fields.Date(required=True)
    period = fields.String(required=True)
    hold_id = fields.UUID(allow_none=True)
    decision_line = fields.UUID(allow_none=True)
    other = fields.Nested(OtherAccountSchema, required=True)


TransferPageSchema = page_of(TransferSchema, "TransferPage")
