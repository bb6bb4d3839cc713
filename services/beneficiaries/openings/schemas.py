"""The contract of openings."""

from __future__ import annotations

from flask_smorest.fields import Upload
from marshmallow import Schema, fields

from shared.web.schemas import Closed


class OpeningFileSchema(Closed):
    """A CSV file of what was paid for one month."""

    file = Upload(required=True)


class OpeningStartedSchema(Schema):
    """The opening and the job that reads it."""

    opening_id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)


class OpeningSchema(Schema):
    """A month taken over."""

    id = fields.UUID(required=True)
    period = fields.String(required=True)
    state = fields.String(required=True)
    row_count = fields.Integer(required=True)
    total_vnd = fields.Integer(required=True)
