"""The contracts as pages to read: what each service answers, and what each event says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from deploy.contracts.asyncapi import HEADERS, OPTIONAL_HEADERS
from deploy.contracts.documents import operations
from deploy.contracts.registry import TRAIL, Published

OPEN = "anybody"


def api_page(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Every operation of every service."""
    return _head("api.md") + "".join(_service(name, document) for name, document in sorted(documents.items()))


def events_page(events: Sequence[Published], schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """Every event type with its topic, its key and its fields."""
    business = [one for one in events if TRAIL not in one.topics[0]]
    trail = [one for one in events if TRAIL in one.topics[0]]
    parts = [_head("events.md"), "\n## Headers\n\n| Header | Meaning | Always |\n|---|---|---|\n"]
    parts += [f"| `{name}` | {text} | yes |\n" for name, text in HEADERS.items()]
    parts += [f"| `{name}` | {text} | no |\n" for name, text in OPTIONAL_HEADERS.items()]
    parts.append("\n## Business facts\n")
    parts += [_event(one, schemas[one.type]) for one in business]
    parts.append("\n## The trail\n\nOnly the audit service may read these topics.\n")
    parts += [_event(one, schemas[one.type]) for one in trail]
    return "".join(parts)


def _head(name: str) -> str:
    return files("deploy.contracts").joinpath(f"data/{name}").read_text(encoding="utf-8")


def _service(name: str, document: Mapping[str, Any]) -> str:
    rows = "".join(
        f"| `{method.upper()} {path}` | {_permission(told)} | {told.get('summary', '')} "
        f"| {'yes' if told.get('x-idempotent') else ''} |\n"
        for path, method, told in operations(document)
    )
    head = "| Operation | Permission | What it does | Key |\n|---|---|---|---|\n"
    return f"\n## {name}\n\n[{name}.json]({name}.json)\n\n{head}{rows}"


def _permission(told: Mapping[str, Any]) -> str:
    return f"`{told['x-permission']}`" if "security" in told else OPEN


def _event(one: Published, schema: Mapping[str, Any]) -> str:
    topics = ", ".join(f"`{topic}`" for topic in one.topics)
    text = f"\n### `{one.type}`\n\n{one.summary}\n\nTopic {topics}, key `{one.key}`. "
    text += f"[Schema](schemas/{one.type}.json)\n\n{_table(schema)}"
    for name, shape in schema.get("$defs", {}).items():
        text += f"\n`{name}`: {shape['description']}\n\n{_table(shape)}"
    return text


def _table(schema: Mapping[str, Any]) -> str:
    required = set(schema["required"])
    rows = "".join(
        f"| `{name}` | {_type(told)} | {told['description']} | {'yes' if name in required else 'no'} |\n"
        for name, told in schema["properties"].items()
    )
    return f"| Field | Type | Meaning | Always |\n|---|---|---|---|\n{rows}"


def _type(told: Mapping[str, Any]) -> str:
    if "$ref" in told:
        return f"`{told['$ref'].rpartition('/')[2]}`"
    if told["type"] == "array":
        return f"list of {_type(told['items'])}"
    kinds = [told["type"]] if isinstance(told["type"], str) else told["type"]
    form = f" ({told['format']})" if "format" in told else ""
    return " or ".join(kinds) + form
