"""What of an entry one can search by: its own subjects and every id that its data names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

ENTRY = -1  # the item number that stands for the entry as a whole
ID_SUFFIX = "_id"
SUBJECT_CHARS_MAX = 200
SEALED = "sealed:"
SHAPES_KEPT_MAX = 1_000  # different sets of fields; the items of bulk rows have few


class Mention(NamedTuple):
    """A subject and where it is named: in one item of a bulk row, or in the entry as a whole."""

    subject: str
    item: int


def mentions(envelope: Mapping[str, Any], data: Any) -> set[Mention]:  # noqa: ANN401 - JSON of any kind
    """Every subject that an entry names.

    In a bulk row the items name theirs by their own fields that end in `_id`, those aside that the whole
    entry names; elsewhere ids are found at any depth. A sealed value is nobody's subject.
    """
    of_all = set(envelope.get("subjects", ()))
    if not isinstance(data, dict):
        return {Mention(subject, ENTRY) for subject in of_all}
    if envelope.get("items_root") is None:
        of_all.update(_ids_at_any_depth(data))
        return {Mention(subject, ENTRY) for subject in of_all}
    of_all.update(_ids(data))
    found = {Mention(subject, ENTRY) for subject in of_all}
    items = data.get("items")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            found.update([Mention(subject, number) for subject in _ids(item) if subject not in of_all])
    return found


def _ids(fields: Mapping[str, Any]) -> list[str]:
    return [
        mark + value
        for name, mark in _marks(tuple(fields))
        if isinstance(value := fields[name], str) and _fit_to_search(value)
    ]


@lru_cache(SHAPES_KEPT_MAX)
def _marks(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Those of the fields that hold ids, each with what stands before its value in a subject."""
    return tuple((name, f"{name.removesuffix(ID_SUFFIX)}:") for name in names if name.endswith(ID_SUFFIX))


def _ids_at_any_depth(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any kind
    waiting = [value]  # no recursion: what is sent may be deeper than our stack
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from _ids(one)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _fit_to_search(value: str) -> bool:
    fits = 0 < len(value) <= SUBJECT_CHARS_MAX and value.isprintable()  # a database keeps no NUL in a text
    return fits and not value.startswith(SEALED)
