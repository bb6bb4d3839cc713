"""Every collection, read by every role in every relation of its unit to the rows: it shows theirs alone.

Whoever is let in is shown the rows of the units that their grant reaches, all of them and no other, however
small the pages are; a collection whose rows are of no unit says why.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from services.portal.roles.model import catalogue
from tests.contract.api.callers import SERVICES
from tests.contract.api.collections import (
    OF_NO_UNIT,
    OF_UNITS,
    Asked,
    Item,
    collections,
    items_of,
)
from tests.contract.api.neighbours import NEIGHBOURS
from tests.contract.api.worlds import world_of

if TYPE_CHECKING:
    from deploy.local.scratch import ScratchDatabases
    from tests.contract.api.callers import Caller
    from tests.contract.api.conftest import Callers
    from tests.contract.api.neighbours import Neighbours
    from tests.contract.api.worlds import World

PAGE = 2  # small, so that what is not shown lies between what is


@pytest.fixture(scope="module")
def neighbours(
    scratch: ScratchDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Neighbours]]:
    """`neighbours("allocation")` gives a service with rows of several units."""
    made: dict[str, Neighbours] = {}
    with contextlib.ExitStack() as stack:

        def give(service: str) -> Neighbours:
            if service not in made:
                world = stack.enter_context(world_of(service, scratch, tmp_path_factory.mktemp(service)))
                made[service] = NEIGHBOURS[service](world)
            return made[service]

        yield give


def asked(there: Neighbours) -> Iterator[Asked]:
    """Every collection of units, in each way in which it is asked for."""
    caller = there.world.caller
    for operation in collections(caller):
        if str(operation) in OF_UNITS[caller.service]:
            for path, query in there.ways.get(str(operation), [({}, {})]):
                yield Asked(operation, path, query)


def permission_of(caller: Caller, one: Asked) -> str:
    told = caller.document["paths"][one.operation.path][one.operation.method]
    permission: str = told["x-permission"]
    return permission


def identity(item: Item) -> str:
    return str(item.get("id") or item["unit_id"])


def reading(world: World, permission: str, relation: str) -> Iterator[tuple[str, str]]:
    """Everybody whose role may read, with a token for the unit of a relation."""
    unit = world.relations[relation]
    for role in catalogue().values():
        if permission in role.permissions:
            yield role.name, world.caller.token({one: [unit] for one in role.permissions})


@pytest.mark.parametrize("service", SERVICES)
def test_every_collection_says_of_which_units_its_rows_are_or_why_of_none(
    callers: Callers, service: str
) -> None:
    found = {str(operation) for operation in collections(callers(service))}
    assert found == {*OF_UNITS.get(service, {}), *OF_NO_UNIT[service]}


@pytest.mark.parametrize("service", OF_UNITS)
def test_rows_are_those_of_the_units_that_the_reader_reaches(
    neighbours: Callable[[str], Neighbours], service: str
) -> None:
    there = neighbours(service)
    world, wrong = there.world, []
    for one in asked(there):
        permission = permission_of(world.caller, one)
        everything = world.caller.token({permission: [world.relations["parent"]]})
        every = {
            identity(item): OF_UNITS[service][str(one.operation)](world, item)
            for item in items_of(world, one, everything, PAGE)
        }
        told = set[str | None]().union(*every.values())
        assert all(told & there.below[relation] for relation in ("own", "foreign")), f"{one}: too few rows"
        for relation in there.below:
            expected = sorted(name for name, units in every.items() if units & there.below[relation])
            for role, token in reading(world, permission, relation):
                shown = sorted(identity(item) for item in items_of(world, one, token, PAGE))
                if shown != expected:
                    wrong.append(f"{one} to {role} of the {relation} unit: {shown}, expected {expected}")
    assert wrong == []


def test_what_is_of_no_unit_is_shown_to_those_of_the_whole_province(
    neighbours: Callable[[str], Neighbours],
) -> None:
    there = neighbours("allocation")
    world = there.world
    (accounts,) = (one for one in asked(there) if str(one) == "GET /v1/accounts {}")
    seen = {
        relation: [
            item["role"]
            for item in items_of(world, accounts, world.caller.token({"ledger.read": [unit]}), PAGE)
            if item["unit_id"] is None
        ]
        for relation, unit in world.relations.items()
    }
    assert set(seen.pop("parent")) == {"source"}
    assert not any(seen.values())
