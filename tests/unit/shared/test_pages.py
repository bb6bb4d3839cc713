from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.errors import Rejected
from shared.web.pages import LIMIT_DEFAULT, LIMIT_MAX, Small, decode, encode, page
from shared.web.schemas import PageQuery

LETTERS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1)
INSTANTS = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def raw(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@given(LETTERS, NUMBERS)
def test_a_cursor_brings_back_the_key_it_was_made_of(letters: str, number: int) -> None:
    assert decode(encode([letters, number]), str, int) == (letters, number)


@given(st.uuids(), INSTANTS)
def test_a_cursor_brings_back_ids_and_instants(identity: UUID, at: datetime) -> None:
    assert decode(encode([at.isoformat(), str(identity)]), datetime, UUID) == (at, identity)


@given(st.dates())
def test_a_cursor_brings_back_days(day: date) -> None:
    assert decode(encode([day.isoformat()]), date) == (day,)


def test_an_instant_is_brought_back_in_utc() -> None:
    at = decode(encode(["2024-08-05T08:00:00+07:00"]), datetime)
    assert at is not None
    assert at[0].isoformat() == "2024-08-05T01:00:00+00:00"


@given(LETTERS)
def test_a_cursor_can_stand_in_an_address(letters: str) -> None:
    assert set(encode([letters])) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.sets(st.integers(0, 10_000)), st.integers(1, 50))
def test_turning_pages_shows_every_item_once_and_in_order(numbers: set[int], limit: int) -> None:
    items, cursor = sorted(numbers), None
    shown: list[int] = []
    for _ in range(len(items) + 1):
        after = decode(cursor, int)
        found = [n for n in items if after is None or n > after[0]][: limit + 1]
        turned = page(found, limit, lambda n: [n])
        assert len(turned.items) <= limit
        shown.extend(turned.items)
        cursor = turned.next_cursor
        if cursor is None:
            break
    assert shown == items


def test_the_first_page_has_no_cursor() -> None:
    assert decode(None, int) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "!",
        "%%%%",
        "not base64 at all",
        raw(b"{"),
        raw(b"\xff\xfe"),
        raw(b"[" * 1200),
        raw(b"NaN"),
        "é",
        "",
    ],
)
def test_a_cursor_that_no_list_gave_is_refused(cursor: str) -> None:
    with pytest.raises(Rejected, match="cursor_invalid"):
        decode(cursor, int)


@pytest.mark.parametrize(
    ("kind", "json"),
    [
        (UUID, "1"),
        (UUID, "null"),
        (UUID, '"x"'),
        (UUID, '["00000000-0000-0000-0000-000000000001"]'),
        (int, '"1"'),
        (int, "1.0"),
        (int, "1e3"),
        (int, "true"),
        (int, "null"),
        (int, str(2**53)),
        (int, str(-(2**53))),
        (int, str(10**400)),
        (int, "{}"),
        (Small, str(2**31)),
        (Small, str(-(2**31))),
        (Small, "false"),
        (str, "1"),
        (str, "null"),
        (str, '"a\\u0000b"'),
        (str, '"\\ud800"'),
        (str, "[]"),
        (date, '"2024-02-30"'),
        (date, "20240201"),
        (date, '"x"'),
        (datetime, '"2024-08-05T08:00:00"'),
        (datetime, '"0001-01-01T00:00:00+14:00"'),
        (datetime, '"9999-12-31T23:59:59-14:00"'),
        (datetime, "1722819600"),
        (datetime, '"now"'),
    ],
    ids=str,
)
def test_a_value_that_the_column_cannot_hold_is_refused(kind: type, json: str) -> None:
    with pytest.raises(Rejected, match="another list"):
        decode(raw(f"[{json}]".encode()), kind)


@pytest.mark.parametrize("json", ["[]", "[1,2]", "[[1]]", "1", "null", '{"0":1}', '"1"', "true"])
def test_a_cursor_of_another_shape_is_refused(json: str) -> None:
    with pytest.raises(Rejected, match="another list"):
        decode(raw(json.encode()), int)


@given(st.binary(max_size=200))
def test_whatever_stands_in_a_cursor_is_read_or_refused(content: bytes) -> None:
    for kind in (UUID, date, datetime, int, Small, str):
        try:
            found = decode(raw(content), kind)
        except Rejected as refusal:
            assert refusal.code == "cursor_invalid"  # noqa: PT017 - reading it is as good as refusing it
        else:
            assert found is not None
            assert isinstance(found[0], kind)


def test_a_cursor_longer_than_any_list_gives_is_not_even_decoded() -> None:
    assert decode(encode(["x" * 1480]), str) == ("x" * 1480,)
    with pytest.raises(Rejected, match="another list"):
        decode(encode(["x" * 1500]), str)


def test_a_page_has_a_size_within_bounds() -> None:
    assert PageQuery().load({}) == {"limit": LIMIT_DEFAULT, "cursor": None}
    assert PageQuery().validate({"limit": LIMIT_MAX}) == {}
    for limit in (0, -1, LIMIT_MAX + 1, "many"):
        assert "limit" in PageQuery().validate({"limit": limit})
