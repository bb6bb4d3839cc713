"""The contract of statements."""

from __future__ import annotations

from flask_smorest.fields import Upload
from marshmallow import Schema, fields

from shared.web.schemas import Closed, PageQuery, TextField, page_of


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
    """Which page of rows."""


class UnmatchedSchema(Schema):
    """A row that waits for a person."""

    row = fields.Integer(required=True)
    reference = fields.String(required=True)
    amount_vnd = fields.Integer(allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


UnmatchedPageSchema = page_of(UnmatchedSchema, "UnmatchedPage")
