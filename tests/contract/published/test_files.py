"""What lies in docs/ is what the code makes; nothing is missing, and nothing is left over."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from deploy.contracts import files
from deploy.contracts.__main__ import main
from deploy.contracts.registry import Published, published, service_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.published.conftest import Documents

ROOT = Path(__file__).parents[3]
TYPE = re.compile(r"vn\.fundtrail\.[a-z_]+\.[a-z_]+\.v[1-9]\d*")
EVENTS = published()


def on_disk(folder: Path) -> set[Path]:
    found = {path for path in folder.rglob("*") if path.is_file()}
    return {path.relative_to(files.DOCS) for path in found if "released" not in path.parts}


def sources() -> Iterator[Path]:
    for package in ("services", "shared", "deploy"):
        yield from sorted((ROOT / package).rglob("*.py"))


def test_the_documents_of_the_apis_are_those_that_the_code_makes() -> None:
    made = files.api_files()
    assert on_disk(files.DOCS / "api") == set(made), "run `make openapi`"
    stale = [str(path) for path, text in made.items() if (files.DOCS / path).read_text() != text]
    assert stale == [], "run `make openapi`"


def test_the_documents_of_the_events_are_those_that_the_code_makes(event_files: files.Files) -> None:
    assert on_disk(files.DOCS / "events") == set(event_files), "run `make events`"
    stale = [str(path) for path, text in event_files.items() if (files.DOCS / path).read_text() != text]
    assert stale == [], "run `make events`"


@pytest.mark.parametrize("service", service_names())
def test_a_document_of_an_api_is_sound(documents: Documents, service: str) -> None:
    OpenAPIV31SpecValidator(documents[service]).validate()


@pytest.mark.parametrize("service", service_names())
def test_every_operation_names_its_permission_and_its_key(documents: Documents, service: str) -> None:
    for path, told in documents[service]["paths"].items():
        for method, one in told.items():
            if method == "parameters" or path in {"/livez", "/readyz", "/metrics"}:
                continue
            headers = {told["name"] for told in one.get("parameters", []) if told["in"] == "header"}
            assert ("Idempotency-Key" in headers) == one["x-idempotent"], f"{method} {path}"
            assert ("security" in one) == (one["x-permission"] != "public"), f"{method} {path}"
            assert one["summary"], f"{method} {path}"


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.type)
def test_the_schema_of_an_event_is_sound_and_names_its_key(event: Published, schemas: Documents) -> None:
    schema = schemas[event.type]
    Draft202012Validator.check_schema(schema)
    assert event.key in schema["required"]
    assert set(event.subjects) <= set(schema["properties"])
    assert schema["description"].endswith(".")


def test_a_schema_takes_fields_that_nobody_knows_yet(schemas: Documents) -> None:
    closed = [name for name, schema in schemas.items() if schema["additionalProperties"] is not True]
    assert closed == []
    shapes = [shape for schema in schemas.values() for shape in schema.get("$defs", {}).values()]
    assert len(shapes) > 10
    assert all(shape["additionalProperties"] is True for shape in shapes)


def test_every_type_that_the_code_names_has_a_schema() -> None:
    named = {found for path in sources() for found in TYPE.findall(path.read_text(encoding="utf-8"))}
    assert named - {one.type for one in EVENTS} == set()


def test_an_event_of_the_trail_is_recorded_there_and_nowhere_else() -> None:
    """Wherever a fact is recorded on the trail, its class says so; the others are recorded elsewhere."""
    trail = {one.event.__name__ for one in EVENTS if "trail" in one.topics[0]}
    business = {one.event.__name__ for one in EVENTS} - trail
    told: dict[bool, set[str]] = {True: set(), False: set()}
    for path in sources():
        for function in functions(path):
            names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            if records(function):
                told["Topic" in names] |= names
    assert trail <= told[True]
    assert trail & told[False] == set()
    assert business & told[True] == set()


def functions(path: Path) -> Iterator[ast.AST]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def records(function: ast.AST) -> bool:
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(isinstance(one, ast.Attribute) and one.attr in {"record", "record_many"} for one in calls)


def test_what_is_written_is_all_there_is(tmp_path: Path) -> None:
    (tmp_path / "events/schemas").mkdir(parents=True)
    (tmp_path / "events/schemas/of_yesterday.json").write_text("{}")
    files.write({Path("events/schemas/today.json"): "{}\n"}, tmp_path)
    assert [path.name for path in (tmp_path / "events/schemas").iterdir()] == ["today.json"]


def test_another_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["everything"]) == 2
    assert "api, events, release" in capsys.readouterr().err


def test_a_release_that_breaks_a_promise_is_refused(tmp_path: Path) -> None:
    files.release(tmp_path)
    kept = tmp_path / "events/released/v1/vn.fundtrail.funds.drawn.v1.json"
    schema = json.loads(kept.read_text())
    schema["properties"]["colour"] = {"type": "string"}
    kept.write_text(files.text_of(schema))
    with pytest.raises(files.ReleaseBroken, match="#/properties/colour: the field is gone"):
        files.release(tmp_path)


def test_what_was_released_is_kept() -> None:
    assert files.breaks() == []
    assert set(files.released(files.API)) == set(service_names())
    assert len(files.released(files.EVENTS)) > 50
