"""Events are primitives with names that everybody can foretell."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SHAPED = re.compile(r"Annotated\[(.+), \w+\]")
TYPE = re.compile(r"vn\.fundtrail\.[a-z_]+\.[a-z_]+\.v[1-9]\d*")


def events() -> list[type[Any]]:
    """Every event class of every `events.py`."""
    found = []
    for path in sorted([*ROOT.glob("services/*/*/events.py"), *ROOT.glob("shared/*/events.py")]):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "TYPE")
        ]
    return found


EVENTS = events()


def test_there_are_events() -> None:
    assert len(EVENTS) > 20


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_an_event_is_a_frozen_dataclass_with_type_key_and_subjects(event: type[Any]) -> None:
    names = {field.name for field in dataclasses.fields(event)}
    assert event.__dataclass_params__.frozen
    assert TYPE.fullmatch(event.TYPE)
    assert event.KEY in names
    assert set(event.SUBJECTS) <= names


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_the_fields_of_an_event_are_primitives(event: type[Any]) -> None:
    allowed = re.compile(r"(str|int|bool|None|dict|Mapping|tuple|Any|\.\.\.|[\[\], |])+")
    for field in dataclasses.fields(event):
        plain = SHAPED.sub(r"\1", str(field.type))  # the shape that is told beside it is for readers
        assert allowed.fullmatch(plain), f"{field.name}: {field.type}"
        assert "float" not in str(field.type)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_amounts_say_their_unit(event: type[Any]) -> None:
    for field in dataclasses.fields(event):
        assert "amount" not in field.name or field.name.endswith("_vnd"), field.name


def test_a_type_belongs_to_one_event() -> None:
    types = [event.TYPE for event in EVENTS]
    assert len(set(types)) == len(types)


def test_every_event_a_service_listens_to_is_sent_by_some_service() -> None:
    sent = {event.TYPE for event in EVENTS}
    for path in sorted(ROOT.glob("services/*/worker.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        handled = set(getattr(module, "HANDLERS", {}))
        assert handled <= sent, f"{path.parent.name} waits for {handled - sent}"
