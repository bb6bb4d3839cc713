"""The contract of the log."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.web.schemas import Closed

SIZE_MAX = 2**53 - 1


class ConsistencyQuery(Closed):
    """Two sizes of the log; without the second, that of the newest checkpoint."""

    old_size = fields.Integer(
        data_key="from", required=True, strict=False, validate=validate.Range(min=0, max=SIZE_MAX)
    )
    new_size = fields.Integer(
        data_key="to", load_default=None, strict=False, validate=validate.Range(min=0, max=SIZE_MAX)
    )


class ConsistencySchema(Schema):
    """The hashes that show the older tree to be the beginning of the newer one (RFC 6962 section 2.1.2)."""

    old_size = fields.Integer(data_key="from", required=True)
    new_size = fields.Integer(data_key="to", required=True)
    hashes = fields.List(fields.String(), required=True)
