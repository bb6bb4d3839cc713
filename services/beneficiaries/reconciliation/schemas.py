"""The contract of statements."""

from __future__ import annotations

from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from services.beneficiaries.lists.schemas import ObligationSchema
from services.beneficiaries.reconciliation.model import UNMATCHED, Standing
from services.beneficiaries.register.schemas import NamedPersonSchema
from shared.web.schemas import Closed, PageQuery, TextField, page_of

DAYS_MAX = 3660


class StatementFileSchema(Closed):
    """A provider's answer as it came."""

    file = Upload(required=True)


class ProviderQuery(Closed):
    """Whose answer it is."""

    provider = TextField(40, required=True)


class StatementStartedSchema(Schema):
    """The statement and the job that matches it."""

    statement_id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)


class StatementSchema(Schema):
    """A statement and what came of it."""

    id = fields.UUID(required=True)
    provider = fields.String(required=True)
    format = fields.String(required=True)
    state = fields.String(required=True)
    row_count = fields.Integer(required=True)
    matched_count = fields.Integer(required=True)
    unmatched_count = fields.Integer(required=True)
    received_on = fields.Date(required=True)
    received_by = fields.String(required=True)
    job_id = fields.UUID(required=True)


class StatementsQuery(PageQuery):
    """Which statements: all, or those of a provider."""

    provider = TextField(40, load_default=None)


StatementPageSchema = page_of(StatementSchema, "StatementPage")


class UnmatchedQuery(PageQuery):
    """Which page of rows: all, or only those that nobody has explained."""

    open = fields.Boolean(load_default=False)


class UnmatchedSchema(Schema):
    """A row that waits for a person."""

    row = fields.Integer(required=True)
    reference = fields.String(required=True)
    amount_vnd = fields.Integer(allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    explanation = fields.String(allow_none=True)
    explained_by = fields.String(allow_none=True)
    explained_on = fields.Date(allow_none=True)


UnmatchedPageSchema = page_of(UnmatchedSchema, "UnmatchedPage")


class ExplanationSchema(Closed):
    """Why a row that did not match needs nothing more."""

    reason = TextField(required=True)


class DiscrepanciesQuery(PageQuery):
    """Which rows: of a provider, with a fault."""

    provider = TextField(40, load_default=None)
    code = fields.String(load_default=None, validate=validate.OneOf(list(UNMATCHED)))


class DiscrepancySchema(UnmatchedSchema):
    """A row that waits for a person, with the statement it stands in."""

    statement_id = fields.UUID(required=True)
    provider = fields.String(required=True)
    received_on = fields.Date(required=True)
    payment_id = fields.UUID(allow_none=True)


DiscrepancyPageSchema = page_of(DiscrepancySchema, "DiscrepancyPage")


class OutcomesQuery(PageQuery):
    """Which payments of a list: all, or those that stand so."""

    standing = fields.String(load_default=None, validate=validate.OneOf([one.value for one in Standing]))


class OutcomeSchema(Schema):
    """How a payment stands, and what reissues it. Units: amount_vnd in đồng.

    `person` is null for who may not see the persons of that commune.
    """

    id = fields.UUID(required=True)
    person_id = fields.UUID(required=True)
    person = fields.Nested(NamedPersonSchema, allow_none=True)
    amount_vnd = fields.Integer(required=True)
    standing = fields.String(required=True)
    reason_code = fields.String(allow_none=True)
    value_on = fields.Date(allow_none=True)
    returned_late = fields.Boolean(required=True)
    disputed = fields.Boolean(required=True)
    reissue_of = fields.UUID(allow_none=True)
    reissued_by = fields.UUID(allow_none=True)


OutcomePageSchema = page_of(OutcomeSchema, "OutcomePage")


class UnansweredQuery(PageQuery):
    """Which lists: of a provider, silent for at least so many days."""

    provider = TextField(40, load_default=None)
    days = fields.Integer(load_default=0, validate=validate.Range(min=0, max=DAYS_MAX))


class UnansweredSchema(Schema):
    """A list with payments that the provider has said nothing about. Units: amount_vnd in đồng."""

    id = fields.UUID(required=True)
    period = fields.String(required=True)
    unit_id = fields.UUID(required=True)
    provider = fields.String(required=True)
    state = fields.String(required=True)
    instructed_on = fields.Date(required=True)
    payment_count = fields.Integer(required=True)
    amount_vnd = fields.Integer(required=True)
    days_silent = fields.Integer(required=True)
    due_on = fields.Date(required=True)
    overdue = fields.Boolean(required=True)


UnansweredPageSchema = page_of(UnansweredSchema, "UnansweredPage")


class SumsSchema(Schema):
    """So many payments of so much altogether. Units: đồng."""

    count = fields.Integer(required=True)
    vnd = fields.Integer(required=True)


class PlaceSchema(Schema):
    """What a month comes to in a unit, through a provider, for the lists that stand in one state.

    `unanswered` are payments with the provider that it has said nothing about; `reissued` those of the
    returned ones that a list with the provider pays again.
    """

    unit_id = fields.UUID(required=True)
    provider = fields.String(required=True)
    channel = fields.String(required=True)
    state = fields.String(required=True)
    list_count = fields.Integer(required=True)
    payments = fields.Nested(SumsSchema, required=True)
    settled = fields.Nested(SumsSchema, required=True)
    returned = fields.Nested(SumsSchema, required=True)
    unanswered = fields.Nested(SumsSchema, required=True)
    reissued = fields.Nested(SumsSchema, required=True)


class ReasonCountSchema(SumsSchema):
    """How much came back for one reason."""

    reason_code = fields.String(required=True)


class SummarySchema(Schema):
    """How a month stands, within the caller's reach."""

    period = fields.String(required=True)
    places = fields.List(fields.Nested(PlaceSchema), required=True)
    reasons = fields.List(fields.Nested(ReasonCountSchema), required=True)


class ReturnsQuery(PageQuery):
    """Which payments that came back: of a month, for a reason, of a unit, only those not paid again yet."""

    period = fields.String(required=True, validate=validate.Regexp(r"\A[0-9]{4}-[0-9]{2}\Z"))
    reason_code = TextField(40, load_default=None)
    unit_id = fields.UUID(load_default=None)
    open = fields.Boolean(load_default=False)


class ReturnSchema(OutcomeSchema):
    """A payment that came back, with the list it stood in."""

    list_id = fields.UUID(required=True)
    period = fields.String(required=True)
    unit_id = fields.UUID(required=True)
    provider = fields.String(required=True)


ReturnPageSchema = page_of(ReturnSchema, "ReturnPage")


class PersonPaymentsQuery(PageQuery):
    """Which page of a person's payments."""


class PersonPaymentSchema(ReturnSchema):
    """A payment of a person, how it stands and how its amount came about."""

    state = fields.String(required=True)
    obligations = fields.List(fields.Nested(ObligationSchema), required=True)


PersonPaymentPageSchema = page_of(PersonPaymentSchema, "PersonPaymentPage")
