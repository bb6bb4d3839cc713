"""What every collection of every service speaks of: rows of units, or why its rows are of no unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.contract.api.callers import Operation

if TYPE_CHECKING:
    from tests.contract.api.callers import Caller
    from tests.contract.api.worlds import World

Item = Mapping[str, Any]
UnitsOf = Callable[["World", Item], set[str | None]]
REFERENCE = "the same for everybody: published data"
OPERATIONS = "messages of the whole service, for administrators"
OF_ONE = "rows of one thing, which is within reach or not: the table of operations asks for it"
PROCESSES = "processes of the whole service, for administrators"
OF_NO_UNIT: Mapping[str, Mapping[str, str]] = {
    "allocation": {
        "GET /v1/units": REFERENCE,
        "GET /v1/articles": REFERENCE,
        "GET /v1/quarantine": OPERATIONS,
        "GET /v1/processes": PROCESSES,
        "GET /v1/balances": "sums within reach: tests/integration/allocation/test_balances.py compares them",
        "GET /v1/accounts/{account_id}/transfers": OF_ONE,
        "GET /v1/decisions/{decision_id}/history": OF_ONE,
    },
    "beneficiaries": {
        "GET /v1/rates": REFERENCE,
        "GET /v1/providers": REFERENCE,
        "GET /v1/quarantine": OPERATIONS,
        "GET /v1/processes": PROCESSES,
        "GET /v1/jobs": "work of the whole service: its rows name a kind and figures, nobody and no unit",
        "GET /v1/lists/{list_id}/payments": OF_ONE,
        "GET /v1/lists/{list_id}/signatures": OF_ONE,
        "GET /v1/lists/{list_id}/outcomes": OF_ONE,
        "GET /v1/registrations": "a file has rows of many communes; who decides must reach all of them",
        "GET /v1/statements": "a provider answers for all units in one file",
        "GET /v1/statements/{statement_id}/unmatched": "what matches no payment is of no unit that is known",
        "GET /v1/discrepancies": "what matches no payment is of no unit that is known",
    },
    "notifications": {
        "GET /v1/messages": "one's own messages alone",
        "GET /v1/quarantine": OPERATIONS,
        "GET /v1/processes": PROCESSES,
    },
    "audit": {
        "GET /v1/processes": PROCESSES,
        "GET /v1/entries": "the log is one; every look into it is recorded",
        "GET /v1/entries/{index}": "one entry of it with the items that it carries",
    },
    "portal": {
        "GET /v1/contacts": "who holds a permission for the unit that a service asks about",
        "GET /v1/quarantine": OPERATIONS,
        "GET /v1/processes": PROCESSES,
    },
}


def of(name: str) -> UnitsOf:
    """The unit stands in a field of the item."""
    return lambda _, item: {item[name]}


def of_decision(world: World, item: Item) -> set[str | None]:
    """A decision is of the unit that issues it and of those that its lines name."""
    token = world.caller.token({"decisions.read": [world.relations["parent"]]})
    headers = {"Authorization": f"Bearer {token}"}
    whole = world.caller.ask("get", f"/v1/decisions/{item['id']}", headers).get_json()
    return {item["issuing_unit_id"], *(line["unit_id"] for line in whole["lines"])}


OF_UNITS: Mapping[str, Mapping[str, UnitsOf]] = {
    "allocation": {
        "GET /v1/accounts": of("unit_id"),
        "GET /v1/decisions": of_decision,
        "GET /v1/withdrawals": of("unit_id"),
    },
    "beneficiaries": {
        "GET /v1/changes": of("commune_id"),
        "GET /v1/lists": of("unit_id"),
        "GET /v1/persons/{person_id}/payments": of("unit_id"),
        "GET /v1/returns": of("unit_id"),
        "GET /v1/unanswered": of("unit_id"),
    },
}


@dataclass(frozen=True)
class Asked:
    """A collection as it is asked for: a place, and what the query says."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, object]

    def __str__(self) -> str:
        return f"{self.operation} {dict(self.query)}"


def collections(caller: Caller) -> Iterator[Operation]:
    """Every operation whose answer is some items."""
    schemas = caller.document["components"]["schemas"]
    for operation in caller.operations:
        told = caller.document["paths"][operation.path][operation.method]
        content = told["responses"].get("200", {}).get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if operation.method == "get" and "items" in schemas.get(name, {}).get("properties", {}):
            yield operation


def items_of(world: World, asked: Asked, token: str, limit: int) -> list[Item]:
    """Every item, page after page."""
    found: list[Item] = []
    cursor = None
    while True:
        paging = {"limit": limit, "cursor": cursor} if asked.operation.is_paged else {}
        query = asked.operation.query(**asked.query, **paging)
        reply = world.caller.ask(
            "get",
            asked.operation.place(**asked.path),
            {"Authorization": f"Bearer {token}"},
            query_string={name: value for name, value in query.items() if value is not None},
        )
        assert reply.status_code == 200, (str(asked), reply.get_data(as_text=True))
        page = reply.get_json()
        found += page["items"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return found
