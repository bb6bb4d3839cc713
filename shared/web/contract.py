"""The published document of an API: what `acts` and `reads` ask of a request stands in it, and it is sound.

flask-smorest documents bodies, queries and replies. What it does not know is told here: who may call, which
headers matter, how errors look; and where it leaves the OpenAPI 3.1 standard, the document is mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from shared.web.idempotency import HEADER, KEY_CHARS_MAX

PROBLEM_TYPE = "application/problem+json"
MULTIPART = "multipart/form-data"
SCHEME = "bearer"
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token of the portal; its grants say which permission holds in which units.",
}
KEY_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "description": "New for every act. A repeat with the same key and content gets the first reply again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX},
}
VERSION_PARAMETER = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The ETag of the version that was seen.",
    "schema": {"type": "string", "minLength": 1},
}
DATE_PARAMETER = {
    "in": "header",
    "name": "Business-Date",
    "required": False,
    "description": "The day the request speaks of, today unless told; an earlier one needs acts.backdate.",
    "schema": {"type": "string", "format": "date"},
}
REFUSALS = {"401": "No token that this service can trust.", "403": "The permission or the unit is missing."}
KEY_REFUSALS = {
    "400": "The Idempotency-Key is missing.",
    "409": "What is stored contradicts the request, or an equal one still runs.",
}
VERSION_REFUSALS = {
    "412": "Somebody changed it since it was seen.",
    "428": "The version that was seen is not said.",
}

Document = dict[str, Any]


def described(
    view: Callable[..., Any],
    permission: str,
    *,
    public: bool,
    idempotent: bool = False,
    versioned: bool = False,
) -> dict[str, Any]:
    """What flask-smorest knows of a view, with what is asked of a request before it."""
    known: Mapping[str, Any] = getattr(view, "_apidoc", {})
    asked = {"permission": permission, "public": public, "idempotent": idempotent, "versioned": versioned}
    return {**known, "asked": asked}


def add_asked(doc: Document, info: Mapping[str, Any], **_: object) -> Document:
    """The operation, with its permission, headers and refusals."""
    asked = info.get("asked")
    if asked is None:
        return doc
    doc["x-permission"] = asked["permission"]
    doc["x-idempotent"] = asked["idempotent"]
    told = (
        (asked["idempotent"], KEY_PARAMETER, KEY_REFUSALS),
        (asked["versioned"], VERSION_PARAMETER, VERSION_REFUSALS),
        (not asked["public"], DATE_PARAMETER, REFUSALS),
    )
    headers = [header for is_asked, header, _ in told if is_asked]
    refusals = {status: text for is_asked, _, texts in told if is_asked for status, text in texts.items()}
    doc["parameters"] = [*doc.get("parameters", []), *deepcopy(headers)]
    responses = doc.setdefault("responses", {})
    responses.update({status: _problem(text) for status, text in refusals.items()})
    responses.setdefault("default", {"$ref": "#/components/responses/DEFAULT_ERROR"})
    if not asked["public"]:
        doc["security"] = [{SCHEME: []}]
    return doc


def mended(document: Document) -> Document:
    """The document as the standard wants it; the one given is left as it is."""
    whole = deepcopy(document)
    components = whole.setdefault("components", {})
    components.setdefault("securitySchemes", {})[SCHEME] = dict(BEARER)
    for response in components.get("responses", {}).values():
        response["content"] = {PROBLEM_TYPE: next(iter(response["content"].values()))}
    for operation in _operations(whole):
        _mend_form(operation, components.get("schemas", {}))
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                _mend_query(parameter["schema"])
    _mend_enumerations(whole)
    return whole


def _problem(text: str) -> Document:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {PROBLEM_TYPE: {"schema": schema}}}


def _operations(document: Document) -> Iterator[Document]:
    for path in document["paths"].values():
        yield from (told for told in path.values() if isinstance(told, dict))


def _mend_form(operation: Document, schemas: Mapping[str, Document]) -> None:
    """Fields that come beside a file stand in the body's schema; OpenAPI 3 knows no other place for them."""
    told = operation.get("parameters", [])
    fields = [one for one in told if one["in"] == "formData"]
    if not fields:
        return
    operation["parameters"] = [one for one in told if one["in"] != "formData"]
    content = operation["requestBody"]["content"][MULTIPART]
    files = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    for field in fields:
        _mend_query(field["schema"])
    needed = [one["name"] for one in fields if one.get("required")]
    content["schema"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {**{one["name"]: one["schema"] for one in fields}, **files["properties"]},
        "required": sorted([*needed, *files.get("required", [])]),
    }


def _mend_query(schema: Document) -> None:
    """A query says "none" by leaving the name out; the word null would be a text."""
    if isinstance(schema.get("type"), list):
        (schema["type"],) = (kind for kind in schema["type"] if kind != "null")
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    if schema.get("default", "") is None:
        del schema["default"]


def _mend_enumerations(value: object) -> None:
    """A list of texts to choose from is a text; marshmallow's enumerations do not say so."""
    if isinstance(value, dict):
        choices = value.get("enum")
        if isinstance(choices, list) and "type" not in value:
            value["type"] = ["string", "null"] if None in choices else "string"
        for inner in value.values():
            _mend_enumerations(inner)
    elif isinstance(value, list):
        for inner in value:
            _mend_enumerations(inner)
