"""Generated requests, sound and unsound: no answer breaks its service's document, and none is a crash."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from services.portal.roles.model import catalogue
from tests.contract.api.callers import SERVICES
from tests.contract.api.fuzzing import story_of, survives_a_form

if TYPE_CHECKING:
    from tests.contract.api.conftest import Worlds
    from tests.contract.api.worlds import World

EXAMPLES = 20
EXAMPLES_FEW = 2
EXAMPLES_FULL = 1000
FEW = "accountant"  # may read much and move money, and nothing else


def everything(world: World) -> str:
    permissions = {permission for role in catalogue().values() for permission in role.permissions}
    return world.caller.token({permission: [world.relations["own"]] for permission in permissions})


def little(world: World) -> str:
    return world.caller.token({one: [world.relations["own"]] for one in catalogue()[FEW].permissions})


def ensure_sound(world: World, token: str, examples: int, seed: int, *, edges: bool = True) -> None:
    story = story_of(world.caller, token, world.ids, examples, seed, edges=edges)
    sys.stdout.write(f"{world.caller.service}: {sorted(story.answers.items())}\n")  # a figure, shown with -s
    assert story.faults == {}, "\n\n".join(f"{place}\n{told}" for place, told in story.faults.items())
    assert len(story.operations) >= len(world.caller.operations)
    assert story.answers[200] > 0


@pytest.mark.timeout(900)  # several thousand requests, on whatever machine
def test_only_what_a_form_cannot_show_is_not_asked() -> None:
    fields = {"file": {"type": "string", "format": "binary"}, "rows": {"type": "array"}}
    asked = [{"file": b"x"}, {"file": [b"x", b"y"]}, {"more": "y"}, {"rows": []}, ["file"], None]
    assert [body for body in asked if not survives_a_form(body, fields)] == []
    assert not survives_a_form({"file": [b"x"]}, fields)
    assert not survives_a_form({"file": b"x", "more": []}, fields)


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_crashes_and_nothing_breaks_the_document(worlds: Worlds, service: str) -> None:
    world = worlds(service)
    ensure_sound(world, everything(world), EXAMPLES, 1)


@pytest.mark.parametrize("service", SERVICES)
def test_one_with_few_rights_is_answered_as_soundly(worlds: Worlds, service: str) -> None:
    world = worlds(service)
    ensure_sound(world, little(world), EXAMPLES_FEW, 2, edges=False)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service", SERVICES)
def test_a_thousand_requests_an_operation_find_nothing(worlds: Worlds, service: str) -> None:
    world = worlds(service)
    ensure_sound(world, everything(world), EXAMPLES_FULL, 3)
