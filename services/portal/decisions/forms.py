"""What officers type, as allocation takes it: decisions by hand and by formula, with their tables of rows.

Rows that hold nothing are left out; a fault that allocation names is moved back to the row that was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.portal.visits.model import TABLE_ROWS_MAX
from shared.kernel.names import nfc
from shared.kernel.unit_names import UnitName, UnitNames

Form = Mapping[str, Sequence[str]]
Item = Mapping[str, Any]

HEADER = ("kind", "title", "component", "source", "capital_kind", "issuing_unit_id")
NEEDED = ("title", "fiscal_year", "article_id")
ROWS_AT_FIRST, ROWS_MORE, ROWS_SPARE, ROWS_MAX = 10, 20, 5, TABLE_ROWS_MAX
GROUPED = re.compile(r"\d{1,3}([. \u00a0\u202f,])\d{3}(\1\d{3})*", re.ASCII)
LINES, SHARES, CLASSES = "lines", "shares", "classes"


@dataclass(slots=True)
class Reading:
    """A body as far as it could be read. Shape: `places` has the typed row of each row that is sent."""

    body: dict[str, Any]
    places: list[int] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def fault(self, code: str, pointer: str, value: str, cure: str = "") -> None:
        """Note what could not be read, and in which field."""
        row = pointer.split("/")[2:3]
        found = {"code": code, "pointer": pointer, "value": value, "cure": cure}
        self.faults.append(found | ({"row": int(row[0]) + 1} if row and row[0].isdigit() else {}))


def names_of(units: Iterable[Item]) -> UnitNames:
    """The units as an index that finds them by the way they are written."""
    rows = {str(unit["id"]): unit for unit in units}
    return UnitNames(
        UnitName(unit["id"], unit["name"], unit["kind"], _parent(unit, rows)) for unit in rows.values()
    )


def labels_of(units: Iterable[Item]) -> dict[str, str]:
    """What each unit is offered as, with the one above it: that tells apart two of one name."""
    rows = {str(unit["id"]): unit for unit in units}
    return {
        key: f"{unit['name']} ({above})" if (above := _parent(unit, rows)) else str(unit["name"])
        for key, unit in rows.items()
    }


def _parent(unit: Item, rows: Mapping[str, Item]) -> str | None:
    above = rows.get(str(unit["parent_id"]))
    return str(above["name"]) if above else None


def number(text: str) -> int | None:
    """A whole number as it is typed or pasted, with or without signs between thousands; None for no number.

    "1.466.875.000" and "1466875000" are one; a decimal comma makes it none, for money is whole đồng.
    """
    typed = text.strip()
    if GROUPED.fullmatch(typed):
        return int(re.sub(r"\D", "", typed))
    return int(typed) if typed.isascii() and typed.isdecimal() else None


def row_count(form: Form, table: str, at_first: int = ROWS_AT_FIRST) -> int:
    """How many rows a table shows: those typed, and more where more were asked for. Bounds: ROWS_MAX."""
    typed = max(_indices(form, table), default=-1) + 1
    wanted = (typed or at_first) + (ROWS_MORE if form.get("more") == [table] else 0)
    return min(wanted, ROWS_MAX)


def header(form: Form) -> dict[str, Any]:
    """What all lines of a decision share."""
    year = _one(form, "fiscal_year")
    return {name: _one(form, name) for name in HEADER} | {
        "fiscal_year": int(year) if year.isascii() and year.isdecimal() else year,
        "demonstration": _one(form, "demonstration") == "true",
    }


def _article(reading: Reading, form: Form, index: int, articles: Mapping[str, str]) -> str | None:
    """The article of a line: its own where one is named, else that of the decision."""
    own = _cell(form, LINES, index, "article_id")
    if own and own not in articles:
        reading.fault("article_unknown", f"/{LINES}/{index}/article_id", own)
    return articles.get(own) if own else _one(form, "article_id")


def missing(form: Form, names: Sequence[str]) -> list[dict[str, Any]]:
    """A fault for each of the fields in which nothing stands."""
    return [{"code": "missing", "pointer": f"/{name}"} for name in names if not _one(form, name)]


def by_hand(form: Form, names: UnitNames, labels: Mapping[str, str], articles: Mapping[str, str]) -> Reading:
    """A decision with its table of lines. Shape: `articles` has the id of each by its words."""
    reading = Reading(header(form) | {"lines": []}, faults=missing(form, NEEDED))
    for index in _filled(form, LINES, ("text", "unit_id", "amount_vnd", "quantity", "note")):
        reading.places.append(index)
        line = _line(reading, form, index, names, labels)
        line["article_id"] = _article(reading, form, index, articles)
        reading.body["lines"].append(line)
    return _with_rows(reading, LINES)


def _line(
    reading: Reading, form: Form, index: int, names: UnitNames, labels: Mapping[str, str]
) -> dict[str, Any]:
    at = f"/{LINES}/{index}"
    cells = {name: _cell(form, LINES, index, name) for name in ("text", "unit_id", "note")}
    unit = _unit(reading, f"{at}/unit_id", cells["unit_id"], names, labels) if cells["unit_id"] else None
    return {
        "label": _cell(form, LINES, index, "label") or str(len(reading.body["lines"]) + 1),
        "text": cells["text"] or cells["unit_id"],
        "unit_id": unit,
        "amount_vnd": _number(reading, f"{at}/amount_vnd", _cell(form, LINES, index, "amount_vnd")),
        "quantity": _number(reading, f"{at}/quantity", _cell(form, LINES, index, "quantity"), needed=False),
        "note": cells["note"],
    }


def by_formula(form: Form, names: UnitNames, labels: Mapping[str, str], instruments: Item) -> Reading:
    """A decision whose amounts are computed: fixed amounts by class, or a total shared by counts.

    `instruments` has the code of the instrument of each article.
    """
    article = _one(form, "article_id")
    body = header(form) | {"article_id": article, "instrument": instruments.get(article, "")}
    reading = Reading(body, faults=missing(form, NEEDED))
    counted = _one(form, "method") == "count"
    reading.body["shares"] = []
    for index in _filled(form, SHARES, ("count",) if counted else ("classes",)):
        reading.places.append(index)
        reading.body["shares"].append(_share(reading, form, index, names, labels))
    if counted:
        reading.body["total_vnd"] = _number(reading, "/total_vnd", _one(form, "total_vnd"))
        reading.body["rounding_vnd"] = _number(reading, "/rounding_vnd", _one(form, "rounding_vnd") or "1")
    else:
        reading.body["class_amounts"] = _class_amounts(reading, form)
    return _with_rows(reading, SHARES)


def _with_rows(reading: Reading, table: str) -> Reading:
    """The reading; a table without any row, or with more than it takes, is a fault of its own."""
    first = f"/{table}/0/{'text' if table == LINES else 'unit_id'}"
    if not reading.places:
        reading.fault("rows_missing", first, "")
    if len(reading.places) > ROWS_MAX:
        reading.faults.clear()  # they stand at rows that are not shown
        reading.fault("rows_too_many", first, "")
    return reading


def _share(
    reading: Reading, form: Form, index: int, names: UnitNames, labels: Mapping[str, str]
) -> dict[str, Any]:
    at = f"/{SHARES}/{index}"
    unit = _cell(form, SHARES, index, "unit_id")
    share: dict[str, Any] = {"unit_id": _unit(reading, f"{at}/unit_id", unit, names, labels)}
    if _one(form, "method") == "count":
        return share | {"count": _number(reading, f"{at}/count", _cell(form, SHARES, index, "count"))}
    classes = re.split(r"[,;]", _cell(form, SHARES, index, "classes"))
    return share | {"classes": [one.strip() for one in classes if one.strip()]}


def _class_amounts(reading: Reading, form: Form) -> dict[str, int | None]:
    amounts: dict[str, int | None] = {}
    for index in _filled(form, CLASSES, ("name", "amount_vnd")):
        name = _cell(form, CLASSES, index, "name")
        typed = _cell(form, CLASSES, index, "amount_vnd")
        amounts[name] = _number(reading, f"/{CLASSES}/{index}/amount_vnd", typed)
    return amounts


def _unit(
    reading: Reading, pointer: str, text: str, names: UnitNames, labels: Mapping[str, str]
) -> str | None:
    """The id of the unit that is written there; a fault with the nearest names where there is none."""
    written = nfc(text).strip()
    for key, label in labels.items():
        if label == written:
            return key
    match = names.find(written)
    if match.unit is not None:
        return str(match.unit.id)
    near = tuple(one.label for one in match.candidates) or match.nearest
    reading.fault("unit_unknown", pointer, text, ", ".join(near))
    return None


def _number(reading: Reading, pointer: str, text: str, *, needed: bool = True) -> int | None:
    if not text and not needed:
        return None
    found = number(text)
    if found is None:
        reading.fault("number_unreadable", pointer, text)
    return found


def moved(faults: Iterable[Item], table: str, places: Sequence[int]) -> list[dict[str, Any]]:
    """The faults of allocation at the rows that were typed, for rows that hold nothing were not sent."""
    return [_moved(dict(fault), table, places) for fault in faults]


def _moved(fault: dict[str, Any], table: str, places: Sequence[int]) -> dict[str, Any]:
    parts = str(fault.get("pointer", "")).split("/")
    if len(parts) > 2 and parts[1] == table and parts[2].isdigit() and int(parts[2]) < len(places):
        place = places[int(parts[2])]
        return fault | {"pointer": "/".join(["", table, str(place), *parts[3:]]), "row": place + 1}
    return fault


def _one(form: Form, name: str) -> str:
    values = form.get(name)
    return values[0].strip() if values else ""


def _cell(form: Form, table: str, index: int, name: str) -> str:
    return _one(form, f"{table}-{index}-{name}")


def _indices(form: Form, table: str) -> set[int]:
    found = (name.split("-") for name in form if name.startswith(f"{table}-"))
    return {int(parts[1]) for parts in found if len(parts) == 3 and parts[1].isdigit()}


def _filled(form: Form, table: str, names: Sequence[str]) -> list[int]:
    rows = sorted(_indices(form, table))
    return [index for index in rows if any(_cell(form, table, index, name) for name in names)]
