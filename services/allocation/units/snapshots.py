"""Reads the published lists of units into one registry, and claims no more than they say.

Dates: the first list shows 10/04/2023; before it the same units are taken to hold from 1/1/1900 and are
marked assumed. The second list shows 01/03/2025, whose changes took effect on 1/1/2025. From 1/7/2025 the
district level is abolished and every commune stands under Đà Nẵng.
Succession is recorded where the lists allow it: the merger of Nông Sơn, units that keep their code under a
new name, and predecessors of 2025 that match a known commune by name; all else stays text.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from services.allocation.units.model import (
    Change,
    Level,
    Parent,
    Registry,
    Succession,
    Unit,
    bare_key,
    unit_id,
)
from shared.kernel.names import nfc, same_name, search_key

DATA = Path(__file__).parent / "data"
OLD_LISTS = DATA / "quang_nam_units_snapshots.csv"
NEW_LIST = DATA / "da_nang_communes_since_20250701_with_predecessors.csv"

ASSUMED_FROM = date(1900, 1, 1)
FIRST_SNAPSHOT_ON = date(2023, 4, 10)
MERGED_ON = date(2025, 1, 1)
TWO_LEVELS_ON = date(2025, 7, 1)
DAY = timedelta(days=1)
UNCHANGED = "giữ nguyên"
KINDS = ("Thành phố", "Thị trấn", "Đặc khu", "Thị xã", "Phường", "Huyện", "Tỉnh", "Xã")
MERGED_DISTRICTS = {"519": "509"}  # Nông Sơn into Quế Sơn on 1/1/2025
PARENTHESES = re.compile(r"\([^)]*\)")


class _Row(NamedTuple):
    """One commune of a list, with the code and name of what stands above it."""

    code: str
    name: str
    district_code: str
    district_name: str


class _Draft:
    """The registry while it is put together, unit by unit."""

    def __init__(self) -> None:
        self.units: dict[UUID, Unit] = {}
        self.parents: list[Parent] = []
        self.successions: list[Succession] = []

    def add(self, unit: Unit) -> Unit:
        self.units[unit.id] = unit
        return unit

    def follow(self, old: Unit, new: Unit, on: date, kind: Change) -> None:
        self.successions.append(Succession(old.id, new.id, on, kind))


@lru_cache(maxsize=1)
def published_units() -> Registry:
    """Every unit of the published lists, with tree and succession."""
    old, new = _old_rows()
    draft = _Draft()
    province = draft.add(_made("49", "Tỉnh Quảng Nam", Level.PROVINCE, ASSUMED_FROM, TWO_LEVELS_ON - DAY))
    districts = _add_districts(draft, province, old, new)
    communes = _add_communes(draft, districts, old, new)
    _add_two_levels(draft, province, communes)
    units = sorted(draft.units.values(), key=lambda unit: (unit.level, unit.valid_from, unit.code))
    return Registry(tuple(units), tuple(draft.parents), tuple(draft.successions), FIRST_SNAPSHOT_ON)


def _add_districts(
    draft: _Draft, province: Unit, old: Mapping[str, _Row], new: Mapping[str, _Row]
) -> dict[str, Unit]:
    current = {row.district_code for row in new.values()}
    names = {row.district_code: row.district_name for row in old.values()}
    districts = {}
    for code, name in sorted(names.items()):
        last = (TWO_LEVELS_ON if code in current else MERGED_ON) - DAY
        districts[code] = draft.add(_made(code, name, Level.DISTRICT, ASSUMED_FROM, last))
        draft.parents.append(Parent(districts[code].id, province.id, ASSUMED_FROM, last))
    for merged, into in MERGED_DISTRICTS.items():
        draft.follow(districts[merged], districts[into], MERGED_ON, Change.MERGE)
    return districts


def _add_communes(
    draft: _Draft, districts: Mapping[str, Unit], old: Mapping[str, _Row], new: Mapping[str, _Row]
) -> list[Unit]:
    """The communes of both lists; those that stand to the end of the district level are returned."""
    standing = []
    for code in sorted(old.keys() | new.keys()):
        before, after = old.get(code), new.get(code)
        if before and after and same_name(before.name, after.name):
            unit = draft.add(_made(code, before.name, Level.COMMUNE, ASSUMED_FROM, TWO_LEVELS_ON - DAY))
            _place(draft, unit, districts[before.district_code], districts[after.district_code])
            standing.append(unit)
            continue
        if before:
            ended = draft.add(_made(code, before.name, Level.COMMUNE, ASSUMED_FROM, MERGED_ON - DAY))
            draft.parents.append(
                Parent(ended.id, districts[before.district_code].id, ASSUMED_FROM, MERGED_ON - DAY)
            )
        if after:
            begun = draft.add(_made(code, after.name, Level.COMMUNE, MERGED_ON, TWO_LEVELS_ON - DAY))
            draft.parents.append(
                Parent(begun.id, districts[after.district_code].id, MERGED_ON, TWO_LEVELS_ON - DAY)
            )
            standing.append(begun)
        if before and after:
            draft.follow(ended, begun, MERGED_ON, Change.RENAME)
    return standing


def _place(draft: _Draft, unit: Unit, before: Unit, after: Unit) -> None:
    last = TWO_LEVELS_ON - DAY
    if before.id == after.id:
        draft.parents.append(Parent(unit.id, before.id, ASSUMED_FROM, last))
    else:
        draft.parents.append(Parent(unit.id, before.id, ASSUMED_FROM, MERGED_ON - DAY))
        draft.parents.append(Parent(unit.id, after.id, MERGED_ON, last))


def _add_two_levels(draft: _Draft, province: Unit, communes: Iterable[Unit]) -> None:
    text = "Tỉnh Quảng Nam, Thành phố Đà Nẵng"
    city = draft.add(_made("48", "Thành phố Đà Nẵng", Level.PROVINCE, TWO_LEVELS_ON, None, text))
    draft.follow(province, city, TWO_LEVELS_ON, Change.MERGE)
    former = {unit.code: unit for unit in communes}
    by_name = _by_name(former.values())
    rows = _read(NEW_LIST)
    named = Counter(part for row in rows for part in set(_predecessors(row["predecessor_text_vi"])))
    for row in rows:
        code, name, text = (
            row["commune_code_2025"],
            _name(row["commune_name"]),
            nfc(row["predecessor_text_vi"]),
        )
        old = former.get(code)
        if old is not None and text == UNCHANGED and same_name(old.name, name):
            unit = draft.add(_made(code, old.name, Level.COMMUNE, old.valid_from, None))
        else:
            unit = draft.add(_made(code, name, Level.COMMUNE, TWO_LEVELS_ON, None, text))
            if old is not None:  # codes of the former Quảng Nam; the wards of the old city are not listed
                _add_successions(draft, unit, text, by_name, named)
        draft.parents.append(Parent(unit.id, city.id, TWO_LEVELS_ON))


def _add_successions(
    draft: _Draft,
    unit: Unit,
    text: str,
    by_name: Mapping[tuple[str, str], list[Unit]],
    named: Mapping[str, int],
) -> None:
    predecessors = _predecessors(text)
    for name in predecessors:
        folded = by_name.get(_kind_and_name(name), [])
        found = [old for old in folded if same_name(old.name, name)] or folded  # Tam Dân is not Tam Đàn
        if len(found) == 1:
            whole = Change.RENAME if len(predecessors) == 1 else Change.MERGE
            draft.follow(found[0], unit, TWO_LEVELS_ON, Change.SPLIT if named[name] > 1 else whole)


def _predecessors(text: str) -> list[str]:
    return [_name(part) for part in PARENTHESES.sub("", text).split(",")]


def _by_name(units: Iterable[Unit]) -> dict[tuple[str, str], list[Unit]]:
    found: dict[tuple[str, str], list[Unit]] = {}
    for unit in units:
        found.setdefault(_kind_and_name(unit.name), []).append(unit)
    return found


def _kind_and_name(name: str) -> tuple[str, str]:
    """Kind and bare folded name: a phường and a xã of one name are two units."""
    return search_key(_kind(name)), bare_key(name)


def _made(
    code: str, name: str, level: Level, first: date, last: date | None, text: str | None = None
) -> Unit:
    return Unit(
        id=unit_id(code, name, first),
        code=code,
        name=name,
        kind=_kind(name),
        level=level,
        valid_from=first,
        valid_to=last,
        assumed=first == ASSUMED_FROM,
        predecessor_text=text,
    )


def _old_rows() -> tuple[dict[str, _Row], dict[str, _Row]]:
    lists: dict[str, dict[str, _Row]] = {}
    for row in _read(OLD_LISTS):
        commune = _Row(
            row["commune_code"], _name(row["commune_name"]), row["district_code"], _name(row["district_name"])
        )
        lists.setdefault(row["snapshot_date"], {})[commune.code] = commune
    first, second = sorted(lists, key=lambda text: text.split("/")[::-1])
    return lists[first], lists[second]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _name(text: str) -> str:
    """The name with single spaces and its kind in the usual letters ("Thị Trấn" becomes "Thị trấn")."""
    name = " ".join(nfc(text).split())
    kind = _kind(name)
    return kind + name[len(kind) :]


def _kind(name: str) -> str:
    return next((kind for kind in KINDS if name.lower().startswith(f"{kind.lower()} ")), "")
