"""The AsyncAPI 3.0 document: topics, what is sent on each, and the CloudEvents headers that come with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploy.contracts.registry import Published
from shared.bus.port import PARTITIONS

VERSION = "3.0.0"
SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
BINDING_VERSION = "0.5.0"
HEADERS_REF = "#/components/schemas/CloudEventHeaders"

# Attributes of CloudEvents 1.0.2 and our extensions, as they travel in the headers of a record.
HEADERS: dict[str, str] = {
    "ce_specversion": "The version of CloudEvents.",
    "ce_id": "The event's own id. The same event may come again; who keeps this id does it once.",
    "ce_source": "The service that tells it, with a slash before its name.",
    "ce_type": "What happened; the last part is the version of the data.",
    "ce_time": "When it happened, as its author dates it.",
    "ce_subject": "The same text as the record's key.",
    "content-type": "The form of the data.",
    "ce_partitionkey": "The record's key: events of one key arrive in their order.",
    "ce_sequence": "The position in the journal of its service: gapless within an epoch, from 1.",
    "ce_epoch": "The age of that journal; a new one begins after a restore.",
    "ce_recordedtime": "When it was recorded.",
    "ce_actor": "Who did it: the id of an account, or the name of a service.",
    "ce_backdated": "`true` where it was recorded on a later day than it is dated.",
    "ce_subjects": "What one can search by, a JSON list of texts such as list:<id>.",
    "ce_topicid": "The id of the topic it was meant for; a record of another topic's id is to be left aside.",
}
OPTIONAL_HEADERS: dict[str, str] = {
    "ce_onbehalfof": "For whom a deputy acted.",
    "ce_unit": "The unit of the person who acted.",
    "ce_reason": "Why, where the act needs a reason.",
    "ce_correlationid": "What belongs to the same request or piece of work.",
    "ce_causationid": "The id of the event that led to it.",
    "ce_traceparent": "The trace it belongs to (W3C Trace Context).",
    "ce_itemsroot": "The RFC 6962 root over the field `items`, in hex: each item can be proven alone.",
}
FORMS: dict[str, dict[str, Any]] = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {"format": "uuid"},
    "ce_time": {"format": "date-time"},
    "ce_recordedtime": {"format": "date-time"},
    "content-type": {"const": "application/json"},
    "ce_sequence": {"pattern": "^[1-9][0-9]*$"},
    "ce_epoch": {"pattern": "^[0-9]+$"},
    "ce_backdated": {"enum": ["true", "false"]},
    "ce_itemsroot": {"pattern": "^[0-9a-f]{64}$"},
}

Document = dict[str, Any]


def document(events: Sequence[Published]) -> Document:
    """The whole document."""
    topics = sorted({topic for one in events for topic in one.topics})
    sent = {topic: [one for one in events if topic in one.topics] for topic in topics}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Fundtrail events",
            "version": "1",
            "description": "Facts of Fundtrail as CloudEvents 1.0.2 in binary mode over Apache Kafka. Events "
            "arrive at least once, in order per key; within a version fields are only added.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "localhost:9092"}},
            }
        },
        "channels": {topic: _channel(topic, some) for topic, some in sent.items()},
        "operations": {topic.removesuffix(".v1"): _operation(topic, some) for topic, some in sent.items()},
        "components": {
            "messages": {one.type: _message(one) for one in events},
            "schemas": {"CloudEventHeaders": headers()},
        },
    }


def headers() -> Document:
    """The schema of a record's headers; there may be others."""
    told = {**HEADERS, **OPTIONAL_HEADERS}
    return {
        "type": "object",
        "properties": {name: _header(name, text) for name, text in told.items()},
        "required": list(HEADERS),
    }


def _header(name: str, text: str) -> Document:
    return {"type": "string", "description": text, **FORMS.get(name, {})}


def _channel(topic: str, events: Sequence[Published]) -> Document:
    service, kind, _ = topic.split(".")
    what = (
        "Business facts"
        if kind == "events"
        else "Attempts, exports and searches, for the audit service alone,"
    )
    return {
        "address": topic,
        "description": f"{what} of the service {service}; records are kept for ever.",
        "messages": {one.type: {"$ref": f"#/components/messages/{one.type}"} for one in events},
        "bindings": {
            "kafka": {"topic": topic, "partitions": PARTITIONS, "bindingVersion": BINDING_VERSION},
        },
    }


def _operation(topic: str, events: Sequence[Published]) -> Document:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{one.type}"} for one in events],
    }


def _message(one: Published) -> Document:
    key = {"type": "string", "description": f"The value of the field {one.key}."}
    return {
        "name": one.type,
        "title": one.event.__name__,
        "summary": one.summary,
        "contentType": "application/json",
        "headers": {"$ref": HEADERS_REF},
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"schemas/{one.type}.json"}},
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING_VERSION}},
    }
