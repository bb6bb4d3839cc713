"""The contract of providers."""

from __future__ import annotations

from marshmallow import Schema, fields

from shared.web.schemas import PageQuery, page_of


class ProvidersQuery(PageQuery):
    """Which page of providers."""


class ProviderSchema(Schema):
    """Who pays out, and through which channel."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    channel = fields.String(required=True)


ProviderPageSchema = page_of(ProviderSchema, "ProviderPage")
