"""Searching with any conditions gives what reading the whole log by eye gives, page by page."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from shared.journal.envelope import Envelope
from shared.kernel.clock import business_date
from shared.kernel.ids import id_of

if TYPE_CHECKING:
    from tests.integration.audit.conftest import Audit, Inspector

MakeEnvelope = Callable[..., Envelope]

COUNT = 120
PEOPLE, UNITS = ([str(id_of(kind, number)) for number in range(4)] for kind in ("person", "unit"))
TYPES = ("vn.fundtrail.lists.submitted.v1", "vn.fundtrail.payments.instructed.v1")
ACTORS = ("officer-1", "officer-2", "system:beneficiaries")
FIRST = datetime(2024, 8, 1, tzinfo=UTC)
SEARCH = "audit.search"
CONDITIONS: dict[str, Any] = {
    "subject": f"list:{id_of('list', 1)}",
    "person": PEOPLE[1],
    "unit": UNITS[2],
    "actor": ACTORS[1],
    "type": TYPES[1],
    "from": "2024-08-03",
    "to": "2024-08-06",
}


def written(envelope: MakeEnvelope) -> list[Envelope]:
    """Rows of every kind, by chance but always the same."""
    chance = random.Random(7)
    found = []
    for position in range(1, COUNT + 1):
        list_id, person = str(id_of("list", chance.randrange(4))), chance.choice(PEOPLE)
        bulk = chance.random() < 0.4
        data: dict[str, Any] = {"list_id": list_id}
        data |= (
            {"items": [{"person_id": one, "n": n} for n, one in enumerate(chance.sample(PEOPLE, 2))]}
            if bulk
            else {"person_id": person}
        )
        found.append(
            envelope(
                "beneficiaries",
                position,
                type=TYPES[bulk],
                data=data,
                subjects=(f"list:{list_id}",),
                unit=chance.choice([*UNITS, None]),
                actor=chance.choice(ACTORS),
                occurred_at=FIRST + timedelta(hours=chance.randrange(24 * 8)),
            )
        )
    return found


@pytest.fixture
def told(audit: Audit, envelope: MakeEnvelope) -> list[Envelope]:
    """A log with all of it, indexed."""
    rows = written(envelope)
    audit.take(*rows)
    audit.sign()
    audit.index()
    return rows


def people_in(row: Envelope) -> set[str]:
    payload = row.payload()
    return (
        {payload["person_id"]} if "person_id" in payload else {one["person_id"] for one in payload["items"]}
    )


def meets(row: Envelope, conditions: dict[str, Any]) -> bool:
    """By eye."""
    day = business_date(row.occurred_at)
    checks: dict[str, Callable[[str], bool]] = {
        "subject": lambda value: (
            value in row.subjects or value in {f"person:{one}" for one in people_in(row)}
        ),
        "person": lambda value: value in people_in(row),
        "unit": lambda value: row.unit == value,
        "actor": lambda value: row.actor == value,
        "type": lambda value: row.type == value,
        "from": lambda value: day >= date.fromisoformat(value),
        "to": lambda value: day <= date.fromisoformat(value),
    }
    return all(checks[name](value) for name, value in conditions.items())


def pages(inspector: Inspector, conditions: dict[str, Any], limit: int) -> Iterator[list[dict[str, Any]]]:
    cursor: dict[str, str] = {}
    for _ in range(COUNT + 1):
        reply = inspector.get(f"/v1/entries?{urlencode({**conditions, **cursor, 'limit': limit})}", SEARCH)
        assert reply.status_code == 200, reply.get_json()
        shown = reply.get_json()
        yield shown["items"]
        if shown["next_cursor"] is None:
            return
        cursor = {"cursor": shown["next_cursor"]}
    pytest.fail("the pages never end")


def found(inspector: Inspector, conditions: dict[str, Any], limit: int = 500) -> list[int]:
    return [entry["index"] for page in pages(inspector, conditions, limit) for entry in page]


def subsets(count: int) -> list[tuple[str, ...]]:
    return list(combinations(CONDITIONS, count))


@pytest.mark.parametrize(
    "names", [*subsets(0), *subsets(1), *subsets(2)], ids=lambda names: "+".join(names) or "none"
)
def test_two_conditions_at_a_time_find_what_the_eye_finds(
    told: list[Envelope], inspector: Inspector, names: tuple[str, ...]
) -> None:
    conditions = {name: CONDITIONS[name] for name in names}
    expected = [index for index, row in enumerate(told) if meets(row, conditions)]
    assert found(inspector, conditions) == expected
    assert len(names) > 1 or 0 < len(expected) <= COUNT


def test_all_other_combinations_find_what_the_eye_finds(told: list[Envelope], inspector: Inspector) -> None:
    for count in range(3, len(CONDITIONS) + 1):
        for names in subsets(count):
            conditions = {name: CONDITIONS[name] for name in names}
            expected = [index for index, row in enumerate(told) if meets(row, conditions)]
            assert found(inspector, conditions) == expected, names


@pytest.mark.parametrize("limit", [1, 2, 7, 119, 120, 121, 500])
def test_pages_of_any_size_show_everything_once_in_the_order_of_the_log(
    told: list[Envelope], inspector: Inspector, limit: int
) -> None:
    shown = list(pages(inspector, {}, limit))
    assert [entry["index"] for page in shown for entry in page] == list(range(COUNT))
    assert all(len(page) == limit for page in shown[:-1])


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_pages_of_a_search_show_what_one_large_page_shows(
    told: list[Envelope], inspector: Inspector, limit: int
) -> None:
    for conditions in ({"person": PEOPLE[1]}, {"unit": UNITS[2]}, {"actor": ACTORS[1], "from": "2024-08-03"}):
        assert found(inspector, conditions, limit) == found(inspector, conditions)


def test_entries_that_come_between_two_pages_are_neither_lost_nor_doubled(
    audit: Audit, told: list[Envelope], inspector: Inspector, envelope: MakeEnvelope
) -> None:
    turning = pages(inspector, {}, 50)
    shown = [entry["index"] for entry in next(turning)]
    audit.take(*[envelope("beneficiaries", COUNT + n, data={"n": n}) for n in range(1, 6)])
    audit.index()
    shown += [entry["index"] for page in turning for entry in page]
    assert shown == list(range(COUNT + 5))


def test_an_entry_that_is_not_indexed_yet_is_found_as_soon_as_it_is(
    audit: Audit, told: list[Envelope], inspector: Inspector, envelope: MakeEnvelope
) -> None:
    audit.take(envelope("beneficiaries", COUNT + 1, actor="newcomer"))
    assert found(inspector, {"actor": "newcomer"}) == []
    audit.index()
    assert found(inspector, {"actor": "newcomer"}) == [COUNT]


def test_a_bulk_row_says_which_of_its_items_are_meant(told: list[Envelope], inspector: Inspector) -> None:
    for page in pages(inspector, {"person": PEOPLE[1]}, 500):
        for entry in page:
            items = told[entry["index"]].payload().get("items")
            assert entry["items"] == [n for n, one in enumerate(items or []) if one["person_id"] == PEOPLE[1]]


@pytest.mark.parametrize(
    "query",
    [
        "person=x",
        "unit=7",
        "from=yesterday",
        "to=2024-02-30",
        "subject=",
        "type=",
        f"subject={'x' * 201}",
        "actor=%00",
        "limit=0",
        "person=" + PEOPLE[0] + "&unknown=1",
    ],
)
def test_a_condition_that_makes_no_sense_is_named(
    told: list[Envelope], inspector: Inspector, query: str
) -> None:
    reply = inspector.get(f"/v1/entries?{query}", SEARCH)
    assert reply.status_code == 422
    assert reply.get_json()["errors"]


@pytest.mark.parametrize(
    "value", ["list:%", "list:_", "%", "list:' OR 1=1 --", "LIST:1", "list", "list:", "person:*", "\\", "đ"]
)
def test_a_subject_is_taken_to_the_letter(told: list[Envelope], inspector: Inspector, value: str) -> None:
    assert found(inspector, {"subject": value}) == []


def test_a_range_of_days_that_ends_before_it_begins_is_empty(
    told: list[Envelope], inspector: Inspector
) -> None:
    assert found(inspector, {"from": "2024-08-06", "to": "2024-08-03"}) == []


@pytest.mark.parametrize("day", ["2024-08-01", "2024-08-03", "2024-08-08"])
def test_a_single_day_is_that_of_vietnam(told: list[Envelope], inspector: Inspector, day: str) -> None:
    expected = [
        index for index, row in enumerate(told) if business_date(row.occurred_at) == date.fromisoformat(day)
    ]
    assert found(inspector, {"from": day, "to": day}) == expected
