"""What the documents of the APIs say beyond what the standard asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from deploy.contracts.documents import operations, target
from deploy.contracts.registry import service_names
from shared.web.contract import MULTIPART, PROBLEM_TYPE, mended

if TYPE_CHECKING:
    from tests.contract.published.conftest import Documents

PAIRS = [(service, part) for service in service_names() for part in ("query", "header")]


def bodies(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema of what is sent to a service, those within others too."""
    for path, method, told in operations(document):
        for content in told.get("requestBody", {}).get("content", {}).values():
            yield from nested(document, content["schema"], f"{method} {path}")


def nested(
    document: Mapping[str, Any], schema: Mapping[str, Any], place: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    found = target(document, schema)
    if "properties" in found:
        yield place, found
    inner = {**found.get("properties", {}), **({"[]": found["items"]} if "items" in found else {})}
    for name, told in inner.items():
        yield from nested(document, told, f"{place} {name}")


@pytest.mark.parametrize("service", service_names())
def test_a_body_takes_no_field_that_is_not_named(documents: Documents, service: str) -> None:
    open_ones = [
        place for place, schema in bodies(documents[service]) if schema["additionalProperties"] is not False
    ]
    assert open_ones == []


@pytest.mark.parametrize(("service", "part"), PAIRS, ids="-".join)
def test_a_parameter_has_one_type_and_is_never_null(documents: Documents, service: str, part: str) -> None:
    for path, method, told in operations(documents[service]):
        for one in told.get("parameters", []):
            if one["in"] == part:
                assert isinstance(one["schema"]["type"], str), f"{method} {path} {one['name']}"
                assert one["schema"].get("default", 0) is not None
                assert None not in one["schema"].get("enum", [])


@pytest.mark.parametrize("service", service_names())
def test_every_error_is_a_problem(documents: Documents, service: str) -> None:
    for path, method, told in operations(documents[service]):
        errors = {status: one for status, one in told["responses"].items() if status[0] not in "123"}
        assert "default" in errors
        for status, one in errors.items():
            if (path, status) != ("/readyz", "503"):
                kinds = set(target(documents[service], one)["content"])
                assert kinds == {PROBLEM_TYPE}, f"{method} {path} {status}"


def test_a_form_holds_its_file_and_its_fields(documents: Documents) -> None:
    told = documents["allocation"]["paths"]["/v1/decisions/annexes"]["post"]
    schema = told["requestBody"]["content"][MULTIPART]["schema"]
    assert {"file", "title", "issuing_unit_id", "works"} <= set(schema["properties"])
    assert {"file", "title"} <= set(schema["required"])
    assert "works" not in schema["required"]
    assert {one["in"] for one in told["parameters"]} == {"header"}


def test_a_document_that_is_mended_is_left_as_it_was() -> None:
    given: dict[str, Any] = {
        "paths": {
            "/x": {
                "get": {"parameters": [{"in": "query", "name": "q", "schema": {"type": ["string", "null"]}}]}
            }
        }
    }
    assert mended(given)["paths"]["/x"]["get"]["parameters"][0]["schema"] == {"type": "string"}
    assert given["paths"]["/x"]["get"]["parameters"][0]["schema"] == {"type": ["string", "null"]}
