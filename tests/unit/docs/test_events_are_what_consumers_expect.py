"""Types, keys and subjects of every event; what the chain of the audit log follows is really told."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from services.audit.search.chain import LINKS

ROOT = Path(__file__).parents[3]
MODULES = sorted([*ROOT.glob("services/*/*/events.py"), *ROOT.glob("shared/*/events.py")])


def events_of(path: Path) -> list[type[Any]]:
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return [one for one in vars(module).values() if isinstance(one, type) and hasattr(one, "TYPE")]


EVENTS = [(path, event) for path in MODULES for event in events_of(path)]
NAMES = [event.__name__ for _, event in EVENTS]


def test_types_and_class_names_are_unique() -> None:
    types = [event.TYPE for _, event in EVENTS]
    assert len(types) == len(set(types)) > 35
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize(("path", "event"), EVENTS, ids=NAMES)
def test_a_type_is_one_of_ours_in_its_first_version(path: Path, event: type[Any]) -> None:
    assert re.fullmatch(r"vn\.fundtrail\.[a-z_]+\.[a-z_]+\.v1", event.TYPE), path


@pytest.mark.parametrize(("path", "event"), EVENTS, ids=NAMES)
def test_key_subjects_and_items_are_fields(path: Path, event: type[Any]) -> None:
    fields = {field.name: str(field.type) for field in dataclasses.fields(event)}
    assert event.KEY in fields, path
    assert "None" not in fields[event.KEY], "a key that may be missing orders nothing"
    assert set(event.SUBJECTS) <= fields.keys()
    assert len(event.SUBJECTS) == len(set(event.SUBJECTS))
    items = getattr(event, "ITEMS", None)
    if items is not None:
        assert items == "items"
        assert fields[items].startswith("tuple")


@pytest.mark.parametrize(("path", "event"), EVENTS, ids=NAMES)
def test_subjects_are_ids_so_that_they_can_be_searched(path: Path, event: type[Any]) -> None:
    assert all(name.endswith("_id") for name in event.SUBJECTS), path


@pytest.mark.parametrize(("path", "event"), EVENTS, ids=NAMES)
def test_an_event_says_in_a_sentence_what_happened(path: Path, event: type[Any]) -> None:
    said = (event.__doc__ or "").strip()
    assert len(said) > 15, path
    assert not said.startswith(event.__name__ + "("), "the dataclass wrote it"


def test_the_chain_follows_only_facts_that_a_service_tells() -> None:
    told = {event.TYPE for _, event in EVENTS}
    followed = {name for link in LINKS for name in link.types}
    assert followed <= told, f"nobody tells {followed - told}"


def test_every_fact_about_a_list_that_is_keyed_by_it_stands_in_its_chain_or_is_a_payment() -> None:
    of_lists = {event.TYPE for _, event in EVENTS if event.KEY == "list_id"}
    followed = {name for link in LINKS for name in link.types}
    assert {name.split(".")[3] for name in of_lists - followed} <= {"exported"}


def test_the_ids_that_lead_on_are_named_where_facts_are_made() -> None:
    texts = " ".join(path.read_text() for path in ROOT.glob("services/[ab]*/*/*.py"))
    for name in {name for link in LINKS for name in link.follow}:
        assert f'"{name}"' in texts or f"{name}:" in texts, name


def test_nothing_but_values_stands_in_an_events_module() -> None:
    for path in MODULES:
        functions = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)
        ]
        assert functions == [], f"{path}: an event is a fact, not a deed"
