"""What an inspector looks at: conditions of a search, an entry's data as facts, the chain as a path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.portal.evidence.kinds import TYPES

ROWS_SHOWN_MAX = 50  # of a table inside an entry; the rest is one page on
MARK, VERSION = "vn.fundtrail.", ".v1"
SEALED = "sealed:"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MONTH = re.compile(r"\d{4}-\d{2}")
DAYS = frozenset({"from", "to"})
CONDITIONS = ("subject", "person", "unit", "actor", "type", "from", "to")

# From the citizen to the article of the law: the order in which the path of a payment is drawn.
PATH = ("person", "entitlement", "rate", "payment", "outcome", "list", "decision", "line", "article")

# What is told first about each place of the path; whatever else the log holds stands behind it.
TOLD: Mapping[str, tuple[str, ...]] = {
    "person": ("person_id", "unit_id", "provider", "sealed_name", "sealed_identity"),
    "entitlement": ("code", "from_period", "to_period"),
    "rate": ("code", "amount_vnd", "decree", "applies_from"),
    "payment": ("amount_vnd", "obligations"),
    "outcome": ("amount_vnd", "reason_code", "value_on"),
    "list": ("period", "unit_id", "channel", "provider", "total_vnd", "payment_count"),
    "decision": ("number", "title", "issued_on", "total_vnd"),
    "line": ("text", "label", "amount_vnd", "purpose", "component", "source"),
    "article": ("number", "article", "issuer", "effective_from", "effective_to"),
}
PAIRS = (("sealed_before", "sealed_after"), ("before", "after"))


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an entry's data. Shape: `inner` are the values of an object, `rows` those of a list."""

    name: str
    kind: str
    text: Any = None
    inner: Sequence[Value] = ()
    rows: Sequence[Sequence[Value]] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the path: what is told of it, and the facts of the log that say so."""

    step: str
    subject: str
    told: Sequence[Value]
    facts: Sequence[Mapping[str, Any]]


def short(type_: str) -> str:
    """A type as the catalogues and addresses name it: `payments.settled`."""
    return type_.removeprefix(MARK).removesuffix(VERSION)


def full(name: str) -> str:
    """The type of a short name; other texts stay what they are."""
    return f"{MARK}{name}{VERSION}" if name in TYPES else name


def conditions(given: Mapping[str, str]) -> dict[str, str]:
    """The conditions of a search that were filled in."""
    return {name: given[name].strip() for name in CONDITIONS if given.get(name, "").strip()}


def is_id(text: str) -> bool:
    """Whether a text is an id."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def is_day(text: str) -> bool:
    """Whether a text is a day as the services write it."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def values(data: Mapping[str, Any]) -> list[Value]:
    """An entry's data as facts, the short ones first; what has a before and an after is not among them."""
    paired = {name for pair in PAIRS if set(pair) <= data.keys() for name in pair}
    found = [_value(name, value) for name, value in data.items() if name not in paired]
    return sorted(found, key=lambda one: one.kind in {"object", "list"})


def before_and_after(data: Mapping[str, Any]) -> tuple[Sequence[Value], Sequence[Value]] | None:
    """What was known before and what is known since, where the data tells both."""
    for before, after in PAIRS:
        if {before, after} <= data.keys():
            return _side(before, data[before]), _side(after, data[after])
    return None


def changed(before: Sequence[Value], after: Sequence[Value]) -> set[str]:
    """The names of the values that differ between the two sides."""
    old = {one.name: one for one in before}
    new = {one.name: one for one in after}
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def path_of(chain: Mapping[str, Any]) -> list[Place]:
    """The places of a payment's chain from the citizen to the article."""
    steps = [step for step in chain["steps"] if step["facts"]]
    return [
        Place(one["step"], one["subject"], _told(one), one["facts"])
        for name in PATH
        for one in steps
        if one["step"] == name
    ]


def _told(step: Mapping[str, Any]) -> list[Value]:
    content: dict[str, Any] = {}
    for fact in step["facts"]:
        content.update(fact["content"])
    return [_value(name, content[name]) for name in TOLD[step["step"]] if content.get(name) is not None]


def _side(name: str, value: Any) -> Sequence[Value]:  # noqa: ANN401 - JSON of any kind
    return values(value) if isinstance(value, Mapping) else [_value(name, value)]


def _value(name: str, value: Any) -> Value:  # noqa: ANN401, PLR0911 - JSON of any kind, each kind told apart
    if isinstance(value, Mapping):
        return Value(name, "object", inner=values(value))
    if isinstance(value, list):
        if value and all(isinstance(one, Mapping) for one in value):
            return Value(name, "list", rows=[_row(one, value) for one in value[:ROWS_SHOWN_MAX]])
        return Value(name, "text", ", ".join(str(one) for one in value))
    if isinstance(value, bool):
        return Value(name, "flag", value)
    if isinstance(value, str):
        return Value(name, _kind_of_text(name, value), value)
    if isinstance(value, int):
        return Value(name, "money" if name.endswith("_vnd") else _kind_of_number(name), value)
    return Value(name, "nothing" if value is None else "text", value)


def _row(one: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Sequence[Value]:
    return [_value(name, one.get(name)) for name in dict.fromkeys(key for row in rows for key in row)]


def _kind_of_number(name: str) -> str:
    return "year" if name.endswith("year") else "number"


def _kind_of_text(name: str, value: str) -> str:
    if value.startswith(SEALED):
        return "sealed"
    if name in {"unit_id", "payment_id"}:
        return name.removesuffix("_id")
    if DAY.fullmatch(value):
        return "day"
    if name in {"period", "due_period", "from_period", "to_period", "applies_from"} and MONTH.fullmatch(
        value
    ):
        return "month"
    return "code" if is_id(value) or len(value) == 64 else "text"
