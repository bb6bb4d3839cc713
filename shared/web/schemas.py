"""The few things all API contracts share: closed input, strict numbers, pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from shared.kernel.money import MAX_VND
from shared.web.pages import LIMIT_DEFAULT, LIMIT_MAX
from shared.web.texts import SMALL_MAX, faults_of, is_plain

TEXT_MAX = 2000


class Closed(Schema):
    """A schema that refuses fields it does not know, and values that no column can hold.

    A whole number that has no bounds of its own is one of 32 bits.
    """

    class Meta:
        """Unknown fields are an error."""

        unknown = RAISE

    @pre_load
    def ensure_storable(self, data: Any, **_: object) -> Any:  # noqa: ANN401 - whatever was sent
        """The data as sent. Raises: ValidationError naming the fields that cannot be stored."""
        if isinstance(data, Mapping):
            own = {name: value for name, value in data.items() if not _checks_itself(self.fields.get(name))}
            faults = {str(name): list(faults_of(value))[:1] for name, value in own.items()}
            if found := {name: texts for name, texts in faults.items() if texts}:
                raise ValidationError(found)
        return data

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002 - marshmallow calls it
        """Give a number without bounds those of its column."""
        if isinstance(field_obj, fields.Integer) and not field_obj.validators:
            field_obj.validators = [validate.Range(-SMALL_MAX, SMALL_MAX)]


def _checks_itself(field: fields.Field[Any] | None) -> bool:
    """Whether a schema of its own names the faults of the field, each at its place."""
    return isinstance(field.inner if isinstance(field, fields.List) else field, fields.Nested)


class VndField(fields.Integer):
    """An amount in integer đồng; text and fractions are refused. Bounds: 0 to 2^53-1."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(strict=True, validate=validate.Range(min=0, max=MAX_VND), **options)


class TextField(fields.String):
    """What somebody writes: 1 to 2,000 characters, without the blanks around them and without controls.

    Line breaks and tabs may stand in it.
    """

    def __init__(self, maximum: int = TEXT_MAX, **options: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(validate=validate.Length(min=1, max=maximum), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # noqa: ANN401
        text = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        if not is_plain(text.replace("\n", " ").replace("\t", " ")):
            raise ValidationError("Control characters cannot be stored; write plain text.")
        return text


class ExactField(fields.String):
    """What must be met to the letter, as a password: taken as it was typed. Bounds: 1 to `maximum`."""

    def __init__(self, maximum: int, **options: Any) -> None:  # noqa: ANN401 - as above
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


class JournalHeadSchema(Schema):
    """How far a journal goes and how far it was sent."""

    service = fields.String(required=True)
    epoch = fields.Integer(required=True)
    position = fields.Integer(required=True)
    sent = fields.Integer(required=True)


class ProcessSchema(Schema):
    """The last sign of life of a process: when all its loops had gone round. Units: age_s in seconds."""

    role = fields.String(required=True)
    member = fields.String(required=True)
    started_at = fields.DateTime(required=True)
    seen_at = fields.DateTime(required=True)
    age_s = fields.Integer(required=True)
    slowest = fields.String(required=True)


class ProcessesSchema(Schema):
    """The processes of a service that were there within a day."""

    items = fields.List(fields.Nested(ProcessSchema), required=True)
