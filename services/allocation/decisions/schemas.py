"""The contract of decisions."""

from __future__ import annotations

from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from services.allocation.decisions.model import LINES_MAX, DecisionKind
from services.allocation.ledger.model import CapitalKind
from shared.kernel.money import MAX_VND
from shared.web.schemas import Closed, PageQuery, TextField, page_of
from shared.web.texts import SMALL_MAX

WORKS_MAX = 100


class HeaderSchema(Closed):
    """What all lines of a decision share."""

    kind = fields.Enum(DecisionKind, by_value=True, required=True)
    title = TextField(500, required=True)
    fiscal_year = fields.Integer(required=True, validate=validate.Range(min=2000, max=2100))
    component = TextField(60, required=True)
    source = TextField(60, required=True)
    capital_kind = fields.Enum(CapitalKind, by_value=True, required=True)
    issuing_unit_id = fields.UUID(required=True)
    demonstration = fields.Boolean(load_default=False)


class NewLineSchema(Closed):
    """One line. `quantity` counts what the article's ceiling is set for."""

    label = fields.String(load_default="", validate=validate.Length(max=20))
    text = TextField(500, required=True)
    unit_id = fields.UUID(load_default=None, allow_none=True)
    article_id = fields.UUID(required=True)
    amount_vnd = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=MAX_VND))
    quantity = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=1_000_000)
    )
    note = fields.String(load_default="", validate=validate.Length(max=500))


class DraftDecisionSchema(HeaderSchema):
    """A decision written by hand."""

    lines = fields.List(
        fields.Nested(NewLineSchema), required=True, validate=validate.Length(min=1, max=LINES_MAX)
    )


class AnnexHeaderSchema(HeaderSchema):
    """What the annex does not say: the header, the article of its lines, the day its units stood on.

    `works` names the rows whose text is a work and no unit, which an officer has confirmed.
    """

    article_id = fields.UUID(required=True)
    units_on = fields.Date(load_default=None)
    works = fields.List(
        fields.Integer(validate=validate.Range(min=1, max=SMALL_MAX)),
        load_default=list,
        validate=validate.Length(max=WORKS_MAX),
    )


class AnnexFileSchema(Closed):
    """The annex as a file: CSV, XLSX or XLS."""

    file = Upload(required=True)


class ShareSchema(Closed):
    """One unit of a formula: its class, or its count."""

    unit_id = fields.UUID(required=True)
    classes = fields.List(fields.String(), load_default=list)
    count = fields.Integer(load_default=0, strict=True, validate=validate.Range(min=0, max=10_000_000))


class FormulaDecisionSchema(HeaderSchema):
    """A decision computed by a formula: fixed amounts by class, or a total shared by counts."""

    article_id = fields.UUID(required=True)
    instrument = TextField(60, required=True)
    class_amounts = fields.Dict(keys=fields.String(), values=fields.Integer(strict=True), load_default=None)
    total_vnd = fields.Integer(load_default=None, strict=True, validate=validate.Range(min=1, max=MAX_VND))
    rounding_vnd = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1))
    shares = fields.List(
        fields.Nested(ShareSchema), required=True, validate=validate.Length(min=1, max=LINES_MAX)
    )


class IssueSchema(Closed):
    """Number and date of the signed paper."""

    number = TextField(60, required=True)
    issued_on = fields.Date(required=True)


class ReasonSchema(Closed):
    """Why."""

    reason = TextField(required=True)


class LineSchema(Schema):
    """One line. Units: amount_vnd in đồng."""

    id = fields.UUID(required=True)
    position = fields.Integer(required=True)
    label = fields.String(required=True)
    text = fields.String(required=True)
    unit_id = fields.UUID(allow_none=True)
    article_id = fields.UUID(required=True)
    amount_vnd = fields.Integer(required=True)
    quantity = fields.Integer(allow_none=True)
    note = fields.String(required=True)


class DecisionSummarySchema(Schema):
    """A decision without its lines. Units: total_vnd in đồng."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    fiscal_year = fields.Integer(required=True)
    component = fields.String(required=True)
    source = fields.String(required=True)
    capital_kind = fields.String(required=True)
    issuing_unit_id = fields.UUID(required=True)
    state = fields.String(required=True)
    demonstration = fields.Boolean(required=True)
    total_vnd = fields.Integer(required=True)
    number = fields.String(allow_none=True)
    issued_on = fields.Date(allow_none=True)
    version = fields.Integer(required=True)


class DecisionSchema(DecisionSummarySchema):
    """A decision with its lines and what they come from: an annex by its SHA-256, or arithmetic."""

    document = fields.String(allow_none=True)
    arithmetic = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(LineSchema), required=True)


class DecisionsQuery(PageQuery):
    """Which decisions; the oldest first, or the newest."""

    state = fields.String(load_default=None)
    kind = fields.String(load_default=None)
    component = fields.String(load_default=None)
    fiscal_year = fields.Integer(load_default=None)
    newest = fields.Boolean(load_default=False)


DecisionPageSchema = page_of(DecisionSummarySchema, "DecisionPage")


class HistoryQuery(PageQuery):
    """Which page of a history."""


class HistoryEntrySchema(Schema):
    """One step of a decision. `actor` is the subject of a token: who that is, the issuer of tokens knows."""

    seq = fields.Integer(required=True)
    step = fields.String(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    recorded_at = fields.AwareDateTime(required=True)
    actor = fields.String(required=True)
    reason = fields.String(allow_none=True)
    backdated = fields.Boolean(required=True)


HistoryPageSchema = page_of(HistoryEntrySchema, "DecisionHistoryPage")
