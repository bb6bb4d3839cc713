from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.errors import Rejected
from shared.web.pages import LIMIT_DEFAULT, LIMIT_MAX, decode, encode, page
from shared.web.schemas import PageQuery

KEYS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(2**53) + 1, 2**53 - 1))


@given(KEYS)
def test_a_cursor_brings_back_the_key_it_was_made_of(key: list[str | int]) -> None:
    assert decode(encode(key), len(key)) == key


@given(KEYS)
def test_a_cursor_can_stand_in_an_address(key: list[str | int]) -> None:
    assert set(encode(key)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.sets(st.integers(0, 10_000)), st.integers(1, 50))
def test_turning_pages_shows_every_item_once_and_in_order(numbers: set[int], limit: int) -> None:
    items, cursor = sorted(numbers), None
    shown: list[int] = []
    for _ in range(len(items) + 1):
        after = decode(cursor, 1)
        found = [n for n in items if after is None or n > int(after[0])][: limit + 1]
        turned = page(found, limit, lambda n: [n])
        assert len(turned.items) <= limit
        shown.extend(turned.items)
        cursor = turned.next_cursor
        if cursor is None:
            break
    assert shown == items


def test_the_first_page_has_no_cursor() -> None:
    assert decode(None, 1) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "!",
        "%%%%",
        "not base64 at all",
        base64.urlsafe_b64encode(b"{").decode(),
        base64.urlsafe_b64encode(b'{"a":1}').decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
        "é",
        "",
    ],
)
def test_a_cursor_that_no_list_gave_is_refused(cursor: str) -> None:
    with pytest.raises(Rejected, match="cursor_invalid"):
        decode(cursor, 1)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Rejected, match="another list"):
        decode(encode([1, 2]), 1)


def test_a_page_has_a_size_within_bounds() -> None:
    assert PageQuery().load({}) == {"limit": LIMIT_DEFAULT, "cursor": None}
    assert PageQuery().validate({"limit": LIMIT_MAX}) == {}
    for limit in (0, -1, LIMIT_MAX + 1, "many"):
        assert "limit" in PageQuery().validate({"limit": limit})
