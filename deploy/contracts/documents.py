"""Finding one's way in a document: its operations, what a reference points to, how a pointer is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")

Json = Mapping[str, Any]


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Each operation of an OpenAPI document: its path, its method and what is told of it."""
    for path, told in sorted(document["paths"].items()):
        yield from ((path, method, told[method]) for method in METHODS if method in told)


def target(document: Json, value: Json) -> Json:
    """The value, or what it refers to within its document."""
    found: Any = value
    while "$ref" in found:
        parts, found = found["$ref"].removeprefix("#/").split("/"), document
        for part in parts:
            found = found[part.replace("~1", "/").replace("~0", "~")]
    return found  # type: ignore[no-any-return]


def escaped(part: str) -> str:
    """One part of a JSON pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
