"""What is taken ahead arrives whole, in order, and no further ahead than one list."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.ahead import taken_ahead


@given(st.lists(st.integers(), max_size=40), st.integers(1, 12))
def test_everything_comes_in_its_order_in_lists_of_the_size(items: list[int], count: int) -> None:
    lists = list(taken_ahead(items, count))
    assert [one for some in lists for one in some] == items
    assert all(len(some) == count for some in lists[:-1])
    assert all(lists)


def test_the_next_list_is_taken_while_one_is_used_and_no_more() -> None:
    taken: list[int] = []
    all_of_two = threading.Event()

    def source() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            if number == 5:
                all_of_two.set()
            yield number

    lists = taken_ahead(source(), 3)
    assert next(lists) == [0, 1, 2]
    assert all_of_two.wait(30), "nothing was taken while the first list was in use"
    assert taken == [0, 1, 2, 3, 4, 5]
    lists.close()  # type: ignore[attr-defined] # it is a generator
    assert taken == [0, 1, 2, 3, 4, 5]


def test_what_breaks_is_told_after_what_came_before_it() -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise ValueError("cut off")

    lists = taken_ahead(source(), 2)
    assert [next(lists), next(lists)] == [[0, 1], [2, 3]]
    with pytest.raises(ValueError, match="cut off"):
        next(lists)
