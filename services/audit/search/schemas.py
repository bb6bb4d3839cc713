"""The contract of search, chain and proofs."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.audit.search.model import SUBJECT_CHARS_MAX
from shared.web.schemas import Closed, PageQuery, TextField, page_of

ITEM_MAX = 499  # a bulk row carries at most 500


class SearchQuery(PageQuery):
    """What to look for; every condition given must hold. Dates are business dates, both included."""

    subject = TextField(SUBJECT_CHARS_MAX, load_default=None)
    person = fields.UUID(load_default=None)
    unit = fields.UUID(load_default=None)
    actor = TextField(SUBJECT_CHARS_MAX, load_default=None)
    type = TextField(SUBJECT_CHARS_MAX, load_default=None)
    from_on = fields.Date(data_key="from", load_default=None)
    to_on = fields.Date(data_key="to", load_default=None)


class ProofQuery(Closed):
    """Which item of a bulk row to prove; without it the whole entry."""

    item = fields.Integer(load_default=None, validate=validate.Range(min=0, max=ITEM_MAX))


class EntrySchema(Schema):
    """One entry of the log: who did what when, and what was recorded of it."""

    index = fields.Integer(required=True)
    id = fields.String(attribute="envelope.id", required=True)
    source = fields.String(attribute="envelope.source", required=True)
    epoch = fields.Integer(attribute="envelope.epoch", required=True)
    position = fields.Integer(attribute="envelope.position", required=True)
    topic = fields.String(attribute="envelope.topic", required=True)
    type = fields.String(attribute="envelope.type", required=True)
    key = fields.String(attribute="envelope.key", required=True)
    subjects = fields.List(fields.String(), attribute="envelope.subjects", required=True)
    occurred_at = fields.String(attribute="envelope.occurred_at", required=True)
    recorded_at = fields.String(attribute="envelope.recorded_at", required=True)
    backdated = fields.Boolean(attribute="envelope.backdated", required=True)
    actor = fields.String(attribute="envelope.actor", required=True)
    on_behalf_of = fields.String(attribute="envelope.on_behalf_of", allow_none=True)
    unit = fields.String(attribute="envelope.unit", allow_none=True)
    reason = fields.String(attribute="envelope.reason", allow_none=True)
    correlation = fields.String(attribute="envelope.correlation", allow_none=True)
    causation = fields.String(attribute="envelope.causation", allow_none=True)
    items_root = fields.String(attribute="envelope.items_root", allow_none=True)
    items = fields.List(
        fields.Integer(), metadata={"description": "Items of a bulk row that were searched for."}
    )


class WholeEntrySchema(EntrySchema):
    """One entry with its data."""

    data = fields.Dict(required=True)


EntryPageSchema = page_of(EntrySchema, "EntryPage")


class FactSchema(Schema):
    """One fact of a chain, and where it stands in the log."""

    index = fields.Integer(required=True)
    item = fields.Function(
        lambda fact: fact.item if fact.item >= 0 else None, metadata={"type": ["integer", "null"]}
    )
    source = fields.String(attribute="envelope.source", required=True)
    position = fields.Integer(attribute="envelope.position", required=True)
    type = fields.String(attribute="envelope.type", required=True)
    actor = fields.String(attribute="envelope.actor", required=True)
    occurred_at = fields.String(attribute="envelope.occurred_at", required=True)
    recorded_at = fields.String(attribute="envelope.recorded_at", required=True)
    content = fields.Dict(required=True)


class StepSchema(Schema):
    """What the log says about one subject of the chain."""

    step = fields.String(required=True)
    subject = fields.String(required=True)
    facts = fields.List(fields.Nested(FactSchema), required=True)


class ChainSchema(Schema):
    """The chain behind a payment; `missing` names what the log should have told but does not."""

    payment_id = fields.String(required=True)
    steps = fields.List(fields.Nested(StepSchema), required=True)
    missing = fields.List(fields.String(), required=True)


class SourceSchema(Schema):
    """How far one epoch of a journal was taken; orphaned rows were lost by its service in a restore."""

    source = fields.String(required=True)
    epoch = fields.Integer(required=True)
    first_position = fields.Integer(required=True)
    position = fields.Integer(required=True)
    ended_at = fields.Integer(allow_none=True)
    orphaned = fields.Integer(required=True)


class LogStateSchema(Schema):
    """How far the log is: what it holds, what is signed, what can be searched."""

    origin = fields.String(required=True)
    size = fields.Integer(required=True)
    signed = fields.Integer(required=True)
    indexed = fields.Integer(required=True)
    sources = fields.List(fields.Nested(SourceSchema), required=True)
