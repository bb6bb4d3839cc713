"""The contract of payment lists."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.beneficiaries.lists.model import State
from services.beneficiaries.register.schemas import NamedPersonSchema
from shared.web.schemas import Closed, PageQuery, TextField, page_of

PAYMENTS_MAX = 10_000_000  # of a list, far more than a province has people


class ListsQuery(PageQuery):
    """Which lists: of a month or of all months, in a state, of a district."""

    period = fields.String(load_default=None, validate=validate.Regexp(r"\A[0-9]{4}-[0-9]{2}\Z"))
    state = fields.String(load_default=None, validate=validate.OneOf([state.value for state in State]))
    unit_id = fields.UUID(load_default=None)


class ListSchema(Schema):
    """One list. Units: total_vnd in đồng. `reissue` is 0 for the list of a month, else a number from 1.

    `version` counts every change, and `content_version` those that make an earlier printout void: of payments
    and sums, of what is paid again by another list, and a withdrawal.
    """

    id = fields.UUID(required=True)
    period = fields.String(required=True)
    unit_id = fields.UUID(required=True)
    provider = fields.String(required=True)
    channel = fields.String(required=True)
    reissue = fields.Integer(required=True)
    state = fields.String(required=True)
    submission = fields.Integer(required=True)
    payment_count = fields.Integer(required=True)
    total_vnd = fields.Integer(required=True)
    content_sha256 = fields.String(allow_none=True)
    content_version = fields.Integer(required=True)
    refusal = fields.Dict(allow_none=True)
    instructed_on = fields.Date(allow_none=True)
    version = fields.Integer(required=True)


ListPageSchema = page_of(ListSchema, "ListPage")


class ApprovalSchema(Closed):
    """The content that the approver saw."""

    content_sha256 = TextField(64, required=True)


class ReasonSchema(Closed):
    """Why."""

    reason = TextField(required=True)


class ObligationSchema(Schema):
    """One amount and how it came about: due less paid before. Units: đồng."""

    kind = fields.String(required=True)
    due_period = fields.String(required=True)
    decree = fields.String(allow_none=True)
    due_vnd = fields.Integer(required=True)
    paid_vnd = fields.Integer(required=True)
    amount_vnd = fields.Integer(required=True)


class PaymentSchema(Schema):
    """One payment with the obligations it pays, and those that it pays again and is paid again by.

    `person` is null for who may not see the persons of that commune.
    """

    id = fields.UUID(required=True)
    list_id = fields.UUID(required=True)
    person_id = fields.UUID(required=True)
    person = fields.Nested(NamedPersonSchema, allow_none=True)
    amount_vnd = fields.Integer(required=True)
    reissue_of = fields.UUID(allow_none=True)
    reissued_by = fields.UUID(allow_none=True)
    obligations = fields.List(fields.Nested(ObligationSchema), required=True)


class SignaturesQuery(Closed):
    """Which lines of the paper: from which number on, and how many."""

    first = fields.Integer(load_default=1, validate=validate.Range(min=1, max=PAYMENTS_MAX))
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))


class SignatureSchema(Schema):
    """One line for which somebody signs. Units: đồng, recoveries below 0.

    `person` is null for who may not see the persons of that commune; what another payment pays again
    (`reissued_by`) is not signed for.
    """

    number = fields.Integer(required=True)
    payment_id = fields.UUID(required=True)
    person_id = fields.UUID(required=True)
    person = fields.Nested(NamedPersonSchema, allow_none=True)
    monthly_vnd = fields.Integer(required=True)
    arrears_vnd = fields.Integer(required=True)
    recovery_vnd = fields.Integer(required=True)
    amount_vnd = fields.Integer(required=True)
    reissued_by = fields.UUID(allow_none=True)


class SignaturesSchema(Schema):
    """Lines of the paper in their order, and the sum of all lines before them, in đồng."""

    before_vnd = fields.Integer(required=True)
    items = fields.List(fields.Nested(SignatureSchema), required=True)


class PaymentsQuery(PageQuery):
    """Which page of payments."""


PaymentPageSchema = page_of(PaymentSchema, "PaymentPage")
