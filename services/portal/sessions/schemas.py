"""The contract of signing in."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.web.schemas import Closed, ExactField


class SignInSchema(Closed):
    """User name, password and, where the account needs it, six digits."""

    username = ExactField(100, required=True)
    password = ExactField(128, required=True)
    totp = fields.String(load_default=None, validate=validate.Regexp(r"\A[0-9]{6}\Z"))


class RefreshSchema(Closed):
    """The refresh token of a session."""

    refresh_token = ExactField(200, required=True)


class TokensSchema(Schema):
    """Access token for the Authorization header, refresh token for the next."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in_s = fields.Integer(required=True)
    token_type = fields.Constant("Bearer")


class KeySetSchema(Schema):
    """A JSON Web Key Set (RFC 7517)."""

    keys = fields.List(fields.Dict(keys=fields.String()), required=True)
