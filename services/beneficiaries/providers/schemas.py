"""The contract of providers."""

from __future__ import annotations

from marshmallow import Schema, fields


class ProviderSchema(Schema):
    """Who pays out, and through which channel."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    channel = fields.String(required=True)


class ProvidersSchema(Schema):
    """All providers under contract: a few, on one page."""

    items = fields.List(fields.Nested(ProviderSchema), required=True)
