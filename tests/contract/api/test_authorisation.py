"""Every operation, asked by every role in every relation of its unit to the matter: each cell of the table.

What is expected comes from the permission that the route declares and from the catalogue of roles; where an
operation concerns a unit, the role must hold it in that unit or above it. What is observed is the answer.
"""

from __future__ import annotations

import io
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from services.portal.roles.model import Role, catalogue
from shared.kernel import canonical
from shared.kernel.ids import new_id
from shared.web.acting import PUBLIC, SIGNED_IN
from tests.contract.api.callers import SERVICES, WITHOUT_TOKEN
from tests.contract.api.worlds import Ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.api.callers import Operation
    from tests.contract.api.conftest import Worlds
    from tests.contract.api.worlds import World

RELATIONS = ("own", "child", "parent", "foreign")
REACHING = ("own", "parent")
ALLOWED, WITHOUT_RIGHT, OUT_OF_REACH = "allowed", "permission_missing", "unit_foreign"
NO_TOKEN = "unauthorized"


@dataclass(frozen=True)
class Cell:
    """One question of the table."""

    operation: Operation
    permission: str
    role: Role
    relation: str
    ask: Ask
    concerns_unit: bool

    @property
    def expected(self) -> str:
        if self.permission in {PUBLIC, SIGNED_IN}:
            return ALLOWED
        if self.permission not in self.role.permissions:
            return WITHOUT_RIGHT
        return OUT_OF_REACH if self.concerns_unit and self.relation not in REACHING else ALLOWED

    def __str__(self) -> str:
        return f"{self.operation} by {self.role.name} of the {self.relation} unit"


def cells(world: World) -> Iterator[Cell]:
    """Every operation x every role x every relation that there is."""
    for operation in world.caller.operations:
        if operation.path in WITHOUT_TOKEN:
            continue
        told = world.caller.document["paths"][operation.path][operation.method]
        ask = world.asks.get(str(operation), Ask())
        for role in catalogue().values():
            for relation in ask.relations or world.relations:
                concerned = str(operation) in world.asks
                yield Cell(operation, told["x-permission"], role, relation, ask, concerned)


class Asking:
    """One person after another at the desk of a service."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens: dict[tuple[str, str], str] = {}

    def observed(self, cell: Cell) -> str:
        """What became of the request: allowed, or the code of the refusal for lack of a right."""
        options = cell.ask.options() or self._unread(cell.operation)
        reply = self._world.caller.app.test_client().open(
            cell.operation.place(**cell.ask.path),
            method=cell.operation.method.upper(),
            query_string=cell.operation.query(**cell.ask.query),
            headers={"Authorization": f"Bearer {self._token(cell)}", "Idempotency-Key": str(new_id())},
            **options,
        )
        assert reply.status_code < 500, f"{cell}: {reply.get_data(as_text=True)}"
        code = reply.get_json()["code"] if reply.status_code in {401, 403} else ""
        return code if code in {WITHOUT_RIGHT, OUT_OF_REACH, NO_TOKEN} else ALLOWED

    @staticmethod
    def _unread(operation: Operation) -> dict[str, Any]:
        """A body for an operation that asks nothing but the role: whether it is right does not matter."""
        if "multipart/form-data" in operation.contents:
            return {"data": {"file": (io.BytesIO(b"x"), "f")}, "content_type": "multipart/form-data"}
        return {} if operation.method == "get" else {"json": {}}

    def _token(self, cell: Cell) -> str:
        unit = (cell.ask.relations or self._world.relations)[cell.relation]
        if (cell.role.name, unit) not in self._tokens:
            grants = {permission: [unit] for permission in cell.role.permissions}
            self._tokens[cell.role.name, unit] = self._world.caller.token(grants)
        return self._tokens[cell.role.name, unit]


def denials(world: World) -> Counter[tuple[str, str]]:
    """Which denied attempts stand on the trail, by permission and method with path."""
    with world.caller.context.unit_of_work.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT data, topic FROM journal WHERE type = 'vn.fundtrail.access.attempt_refused.v1'")
        ).all()
    assert {row.topic for row in rows} <= {"trail"}
    told = (canonical.decode(bytes(row.data)) for row in rows)
    return Counter((one["permission"], f"{one['method']} {one['path']}") for one in told if one["denied"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_cell_is_as_roles_and_units_say(worlds: Worlds, service: str) -> None:
    world = worlds(service)
    asking, before, expected = Asking(world), denials(world), Counter[tuple[str, str]]()
    wrong, asked = [], set()
    for cell in cells(world):
        observed = asking.observed(cell)
        asked.add((str(cell.operation), cell.role.name))
        if observed != cell.expected:
            wrong.append(f"{cell}: {observed}, expected {cell.expected}")
        elif observed != ALLOWED:
            place = f"{cell.operation.method.upper()} {cell.operation.place(**cell.ask.path)}"
            expected[cell.permission, place] += 1
    assert wrong == []
    assert denials(world) - before >= expected, "a denied attempt left no row on the trail"
    operations = {str(one) for one in world.caller.operations if one.path not in WITHOUT_TOKEN}
    assert asked == set(itertools.product(operations, catalogue()))


@pytest.mark.parametrize("service", ["allocation", "beneficiaries"])
def test_an_operation_that_concerns_a_unit_is_one_of_the_service(worlds: Worlds, service: str) -> None:
    world = worlds(service)
    known = {str(operation) for operation in world.caller.operations}
    assert set(world.asks) <= known
    assert len(world.asks) >= 10
