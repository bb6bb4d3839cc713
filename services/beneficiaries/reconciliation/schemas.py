"""The contract of statements."""

from __future__ import annotations

from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from services.beneficiaries.reconciliation.model import UNMATCHED, Standing
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
    """How a payment stands, and what reissues it. Units: amount_vnd in đồng."""

    id = fields.UUID(required=True)
    person_id = fields.UUID(required=True)
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
