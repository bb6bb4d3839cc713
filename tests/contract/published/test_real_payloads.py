"""What services really record is what is published of it: a short way through every service, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy.contracts.registry import published
from shared.web.acting import SIGNED_IN
from tests.contract.api.callers import SERVICES
from tests.contract.api.worlds import world_of
from tests.contract.published.payloads import Row, faults, published_schemas, rows_of
from tests.contract.published.ways import WAYS

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.scratch import ScratchDatabases
    from tests.contract.api.worlds import World


def walked(service: str, scratch: ScratchDatabases, folder: Path) -> list[Row]:
    with world_of(service, scratch, folder) as world:
        WAYS[service](world)
        refused = world.caller.ask(
            *asking_rights(world), {"Authorization": f"Bearer {world.caller.token({})}"}
        )
        assert refused.status_code == 403
        with world.caller.context.unit_of_work.engine.connect() as connection:
            return rows_of(service, connection)


def asking_rights(world: World) -> tuple[str, str]:
    """Method and path of an operation that one needs a right for."""
    for operation in world.caller.operations:
        told = world.caller.document["paths"][operation.path][operation.method]
        if "security" in told and told["x-permission"] != SIGNED_IN:
            return operation.method, operation.place()
    raise LookupError(world.caller.service)


def test_the_ways_lead_past_every_event_and_every_row_is_as_published(
    scratch: ScratchDatabases, tmp_path: Path
) -> None:
    schemas = published_schemas()
    met = set()
    for service in SERVICES:
        (tmp_path / service).mkdir()
        rows = walked(service, scratch, tmp_path / service)
        assert list(faults(rows, schemas)) == []
        met |= {row.type for row in rows}
    assert {one.type for one in published()} - met == set()


SOUND = Row(
    "allocation",
    "events",
    "vn.fundtrail.funds.drawn.v1",
    "7f1f0000-0000-7000-8000-000000000001",
    {
        "list_id": "7f1f0000-0000-7000-8000-000000000001",
        "submission": 1,
        "unit_id": "7f1f0000-0000-7000-8000-000000000002",
        "provider": "POST-QNA",
        "amount_vnd": 5,
    },
)
UNSOUND = {
    "a text for a number": ({"amount_vnd": "5"}, {}, "#/amount_vnd: '5' is not of type 'integer'"),
    "no id": ({"unit_id": "Núi Thành"}, {}, "#/unit_id: 'Núi Thành' is not a 'uuid'"),
    "a field of which nothing is published": (
        {"colour": 1},
        {},
        "#/colour: nothing is published of the field",
    ),
    "another key": ({}, {"key": "x"}, ": the key is not the field list_id"),
    "another topic": (
        {},
        {"topic": "trail"},
        ": recorded for allocation.trail.v1, published for ['allocation.events.v1']",
    ),
    "a type of which nothing is published": (
        {},
        {"type": "vn.fundtrail.x.y.v1"},
        ": nothing is published of it",
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_a_row_that_differs_is_named(name: str) -> None:
    data, changes, expected = UNSOUND[name]
    row = Row(**{**vars(SOUND), "data": {**SOUND.data, **data}, **changes})
    assert list(faults([row], published_schemas())) == [row.type + expected]
    assert list(faults([SOUND], published_schemas())) == []
