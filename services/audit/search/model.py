"""What of an entry one can search by: its own subjects and every id that its data names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, TypeGuard

Mention = tuple[str, int]  # a subject, and the item of a bulk row that names it, or ENTRY

ENTRY = -1  # the item number that stands for the entry as a whole
ITEMS_MAX = 32_768  # whose numbers the index keeps, as SMALLINT; what later items name is the entry's
ID_SUFFIX = "_id"
SUBJECT_CHARS_MAX = 200
SEALED = "sealed:"
COLON = ":"
SHAPES_KEPT_MAX = 1_000  # different sets of fields; the items of bulk rows have few


def mentions(envelope: Mapping[str, Any], data: Any) -> list[Mention]:  # noqa: ANN401 - JSON of any kind
    """Every subject that an entry names, in no order, each once for the entry or for an item.

    In a bulk row the items name theirs by their own fields that end in `_id`, those aside that the whole
    entry names; elsewhere ids are found at any depth. A sealed value is nobody's subject.
    """
    of_all, items = set(envelope.get("subjects", ())), None
    if isinstance(data, dict) and envelope.get("items_root") is None:
        of_all.update(_ids_at_any_depth(data))
    elif isinstance(data, dict):
        of_all.update(_ids(data))
        items = data.get("items")
    found = [(subject, ENTRY) for subject in of_all]
    return found + _of_items(items, of_all) if isinstance(items, list) else found


def _of_items(items: Sequence[Any], named: AbstractSet[str]) -> list[Mention]:
    """What items name beside `named`, field by field: the items of a bulk row are alike."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, item in enumerate(items):
        if isinstance(item, dict):
            alike.setdefault(tuple(item), []).append(number)
    found: list[Mention] = []
    for names, numbers in alike.items():
        for name, mark in _marks(names):
            column = [(items[number][name], number) for number in numbers]
            if not _all_fit([value for value, _ in column]):
                column = [(value, number) for value, number in column if _fits(value)]
            found += [(mark + value, number) for value, number in column]
    if len(items) > ITEMS_MAX:
        found = list(dict.fromkeys((one, at if at < ITEMS_MAX else ENTRY) for one, at in found))
    return [mention for mention in found if mention[0] not in named]


def _ids(fields: Mapping[str, Any]) -> list[str]:
    return [mark + value for name, mark in _marks(tuple(fields)) if _fits(value := fields[name])]


@lru_cache(SHAPES_KEPT_MAX)
def _marks(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Those of the fields that hold ids, each with what stands before its value in a subject.

    None has a colon of its own: two fields of one item never give the same subject.
    """
    ids = (name for name in names if name.endswith(ID_SUFFIX) and COLON not in name)
    return tuple((name, name.removesuffix(ID_SUFFIX) + COLON) for name in ids)


def _ids_at_any_depth(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any kind
    waiting = [value]  # no recursion: what is sent may be deeper than our stack
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from _ids(one)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _all_fit(values: Sequence[Any]) -> bool:
    """Whether each of many values fits, asked of all together; where some do not, each is asked."""
    if set(map(type, values)) != {str}:
        return False
    together, lengths = "".join(values), [len(value) for value in values]
    sound = together.isprintable() and SEALED not in together
    return sound and min(lengths) > 0 and max(lengths) <= SUBJECT_CHARS_MAX


def _fits(value: object) -> TypeGuard[str]:
    """Whether a value is an id that a search can ask for; a database keeps no NUL in a text."""
    if not isinstance(value, str) or value.startswith(SEALED):
        return False
    return 0 < len(value) <= SUBJECT_CHARS_MAX and value.isprintable()
