"""What of an entry one can search by: its own subjects and every id that its data names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ENTRY = -1  # the item number that stands for the entry as a whole
ID_SUFFIX = "_id"
SUBJECT_CHARS_MAX = 200
SEALED = "sealed:"


class Mention(NamedTuple):
    """A subject and where it is named: in one item of a bulk row, or in the entry as a whole."""

    subject: str
    item: int


def mentions(envelope: Mapping[str, Any], data: Any) -> set[Mention]:  # noqa: ANN401 - JSON of any kind
    """Every subject that an entry names.

    In a bulk row the items name theirs by their own fields that end in `_id`; elsewhere ids are found at any
    depth. A sealed value is nobody's subject.
    """
    found = {Mention(subject, ENTRY) for subject in envelope.get("subjects", ())}
    if not isinstance(data, dict):
        return found
    if envelope.get("items_root") is None:
        return found | {Mention(subject, ENTRY) for subject in _ids_at_any_depth(data)}
    found |= {Mention(subject, ENTRY) for subject in _ids(data)}
    items = data.get("items")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            found |= {Mention(subject, number) for subject in _ids(item)}
    return found


def _ids(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if name.endswith(ID_SUFFIX) and isinstance(value, str) and _fit_to_search(value):
            yield f"{name.removesuffix(ID_SUFFIX)}:{value}"


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
