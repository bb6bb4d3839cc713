"""Reading ahead: a thread takes what comes next while its caller is busy with what came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def taken_ahead(items: Iterable[Item], count: int) -> Iterator[list[Item]]:
    """The items in their order, in lists of `count` and a last one of what is left.

    The next list is taken in a thread while the caller uses one; it pays where the caller waits for something
    else, such as a database. Bounds: at most two lists are held.
    Raises: what taking an item raises, after the lists before it.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, "ahead") as beside:
        coming = beside.submit(_taken, source, count)
        while some := coming.result():
            coming = beside.submit(_taken, source, count)
            yield some


def _taken(source: Iterator[Item], count: int) -> list[Item]:
    return list(islice(source, count))
