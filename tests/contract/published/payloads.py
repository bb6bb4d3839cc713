"""Journal rows held against the published schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

PUBLISHED = Path(__file__).parents[3] / "docs" / "events" / "schemas"


@dataclass(frozen=True)
class Row:
    """What a journal says of one event."""

    service: str
    topic: str
    type: str
    key: str
    data: Mapping[str, Any]


def rows_of(service: str, connection: Connection) -> list[Row]:
    """Every row of a service's journal, in its order."""
    found = connection.execute(text("SELECT topic, type, key, data FROM journal ORDER BY seq"))
    return [Row(service, row.topic, row.type, row.key, json.loads(bytes(row.data))) for row in found]


def published_schemas() -> dict[str, Validator]:
    """The schemas as they lie in the repository, by the types of the events."""
    checker = Draft202012Validator.FORMAT_CHECKER
    return {
        path.stem: Draft202012Validator(json.loads(path.read_text(encoding="utf-8")), format_checker=checker)
        for path in PUBLISHED.glob("*.json")
    }


def faults(rows: list[Row], schemas: Mapping[str, Validator]) -> Iterator[str]:
    """Everything in which rows differ from what is published of them."""
    for row in rows:
        if row.type not in schemas:
            yield f"{row.type}: nothing is published of it"
            continue
        validator, schema = schemas[row.type], schemas[row.type].schema
        for error in validator.iter_errors(row.data):
            yield f"{row.type}#/{'/'.join(map(str, error.absolute_path))}: {error.message}"
        unknown = row.data.keys() - schema["properties"].keys()
        yield from (f"{row.type}#/{name}: nothing is published of the field" for name in sorted(unknown))
        if f"{row.service}.{row.topic}.v1" not in schema["x-topic"]:
            yield f"{row.type}: recorded for {row.service}.{row.topic}.v1, published for {schema['x-topic']}"
        if row.key != str(row.data[schema["x-key"]]):
            yield f"{row.type}: the key is not the field {schema['x-key']}"
