"""The contract of legal bases."""

from __future__ import annotations

from marshmallow import Schema, fields

from shared.web.schemas import Closed


class ArticlesQuery(Closed):
    """Which articles: of a purpose, in force on a day."""

    purpose = fields.String(load_default=None)
    on = fields.Date(load_default=None)


class InstrumentSchema(Schema):
    """A legal instrument; `confirmed` says whether its dates were read in a good source."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    issuer = fields.String(required=True)
    subject = fields.String(required=True)
    signed_on = fields.Date(allow_none=True)
    effective_from = fields.Date(allow_none=True)
    effective_to = fields.Date(allow_none=True)
    confirmed = fields.Boolean(required=True)
    source = fields.String(required=True)


class ArticleSchema(Schema):
    """What an article permits. Units: ceiling_vnd in đồng for each `ceiling_per`."""

    id = fields.UUID(required=True)
    instrument = fields.Nested(InstrumentSchema, required=True)
    article = fields.String(required=True)
    citation = fields.String(required=True)
    purpose = fields.String(required=True)
    title = fields.String(required=True)
    ceiling_vnd = fields.Integer(allow_none=True)
    ceiling_per = fields.String(allow_none=True)


class ArticlesSchema(Schema):
    """All articles found."""

    items = fields.List(fields.Nested(ArticleSchema), required=True)
