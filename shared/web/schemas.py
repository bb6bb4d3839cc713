"""The few things all API contracts share: closed input, strict numbers, pages."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from shared.kernel.money import MAX_VND
from shared.web.pages import LIMIT_DEFAULT, LIMIT_MAX

TEXT_MAX = 2000


class Closed(Schema):
    """A schema that refuses fields it does not know."""

    class Meta:
        """Unknown fields are an error."""

        unknown = RAISE


class VndField(fields.Integer):
    """An amount in integer đồng; text and fractions are refused. Bounds: 0 to 2^53-1."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(strict=True, validate=validate.Range(min=0, max=MAX_VND), **options)


class TextField(fields.String):
    """A text of 1 to 2,000 characters."""

    def __init__(self, maximum: int = TEXT_MAX, **options: Any) -> None:  # noqa: ANN401 - as above
        super().__init__(validate=validate.Length(min=1, max=maximum), **options)


class PageQuery(Closed):
    """What every list takes: how many, and where to go on."""

    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(min=1, max=LIMIT_MAX))
    cursor = fields.String(load_default=None)


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """The schema of one page of items, named for the API document."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(allow_none=True),
        },
        name=name,
    )
