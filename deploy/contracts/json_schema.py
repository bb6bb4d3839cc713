"""JSON Schema 2020-12 of an event, made from its dataclass: type hints, docstrings, words for its fields.

Schemas are open: within a version fields are added, and whoever reads an event passes over those it does not
know. What a field name means stands once for all events, since one word means one thing everywhere.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from inspect import getdoc
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from deploy.contracts.registry import Published
from shared.kernel import canonical

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCALARS = {str: "string", int: "integer", bool: "boolean", type(None): "null"}

Schema = dict[str, Any]


class FieldUnknown(Exception):
    """A field has a name whose meaning nobody wrote down."""


def of_event(one: Published) -> Schema:
    """The schema of the data of one event type."""
    hints = get_type_hints(one.event, include_extras=True)
    shapes: dict[str, Schema] = {}
    names = [field.name for field in dataclasses.fields(one.event)]
    told: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:fundtrail:event:{one.type}",
        "title": one.event.__name__,
        "description": one.summary,
        "x-type": one.type,
        "x-topic": list(one.topics),
        "x-key": one.key,
        "x-subjects": list(one.subjects),
        **_object(one.event.__name__, {name: hints[name] for name in names}, shapes),
    }
    return {**told, "$defs": shapes} if shapes else told


@cache
def meanings() -> Mapping[str, Mapping[str, Any]]:
    """What each field name means and, where it has one, the form of its text; `Owner.field` goes before."""
    found: Mapping[str, Mapping[str, Any]] = canonical.decode(
        files("deploy.contracts").joinpath("data/fields.json").read_bytes()
    )
    return found


def _object(owner: str, hints: Mapping[str, Any], shapes: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": True,
        "properties": {name: _field(owner, name, hint, shapes) for name, hint in hints.items()},
        "required": sorted(name for name, hint in hints.items() if get_origin(hint) is not NotRequired),
    }


def _field(owner: str, name: str, hint: Any, shapes: dict[str, Schema]) -> Schema:  # noqa: ANN401 - any hint
    told = meanings().get(f"{owner}.{name}") or meanings().get(name)
    if told is None:
        raise FieldUnknown(f"Say in deploy/contracts/data/fields.json what the field {name!r} means.")
    return {**_typed(hint, shapes), **told}


def _typed(hint: Any, shapes: dict[str, Schema]) -> Schema:  # noqa: ANN401, PLR0911 - one return per kind
    origin, inner = get_origin(hint), get_args(hint)
    if hint in SCALARS:
        return {"type": SCALARS[hint]}
    if is_typeddict(hint):
        return _shape(hint, shapes)
    if origin is NotRequired:
        return _typed(inner[0], shapes)
    if origin is Annotated:
        return _typed(inner[1], shapes)
    if origin in {tuple, list}:
        return {"type": "array", "items": _typed(inner[0], shapes)}
    if origin in {Union, types.UnionType}:
        return {"type": [SCALARS[one] for one in inner]}
    return {"type": "object", "additionalProperties": _typed(inner[1], shapes)}


def _shape(hint: Any, shapes: dict[str, Schema]) -> Schema:  # noqa: ANN401 - a typed dictionary
    if hint.__name__ not in shapes:
        shapes[hint.__name__] = {}
        fields = get_type_hints(hint, include_extras=True)
        shapes[hint.__name__] = {"description": getdoc(hint) or "", **_object(hint.__name__, fields, shapes)}
    return {"$ref": f"#/$defs/{hint.__name__}"}
