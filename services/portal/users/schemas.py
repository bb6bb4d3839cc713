"""The contract of accounts."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.web.schemas import Closed, ExactField, TextField


class AssignmentSchema(Closed):
    """A role in a unit and everything below it."""

    role = TextField(50, required=True)
    unit_id = fields.UUID(required=True)
    from_on = fields.Date(required=True)
    to_on = fields.Date(load_default=None, allow_none=True)


class NewUserSchema(Closed):
    """What makes an account."""

    username = TextField(100, required=True)
    display_name = TextField(200, required=True)
    password = ExactField(128, required=True)
    kind = fields.String(load_default="person", validate=validate.OneOf(["person", "service"]))
    unit_id = fields.UUID(load_default=None, allow_none=True)
    email = fields.Email(load_default=None, allow_none=True)
    phone = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"\A\+?[0-9]{9,15}\Z"))
    language = fields.String(load_default="vi", validate=validate.OneOf(["vi", "en"]))
    assignments = fields.List(
        fields.Nested(AssignmentSchema), required=True, validate=validate.Length(max=50)
    )


class CreatedUserSchema(Schema):
    """The new account and, once, its TOTP secret."""

    user_id = fields.UUID(required=True)
    username = fields.String(required=True)
    totp_secret = fields.String(allow_none=True)


class PasswordSchema(Closed):
    """The old and the new password."""

    current = ExactField(128, required=True)
    new = ExactField(128, required=True)


class ContactQuery(Closed):
    """Whom to reach: the holders of a permission for a unit."""

    permission = TextField(100, required=True)
    unit_id = fields.UUID(load_default=None)


class ContactSchema(Schema):
    """How to reach one officer."""

    user_id = fields.UUID(required=True)
    display_name = fields.String(required=True)
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    language = fields.String(required=True)


class ContactsSchema(Schema):
    """All officers found."""

    items = fields.List(fields.Nested(ContactSchema), required=True)
