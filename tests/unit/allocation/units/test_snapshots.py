"""The published lists as one registry: counts by date, tree, succession, names."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.units.model import Change, Level, Unit, changes_of, unit_id
from services.allocation.units.snapshots import (
    ASSUMED_FROM,
    FIRST_SNAPSHOT_ON,
    TWO_LEVELS_ON,
    published_units,
)

REGISTRY = published_units()
DAYS = st.dates(date(1950, 1, 1), date(2060, 1, 1))


def named(name: str, on: date) -> Unit:
    (unit,) = [unit for unit in REGISTRY.units if unit.name == name and unit.valid_on(on)]
    return unit


@pytest.mark.parametrize(
    ("on", "districts", "communes"),
    [
        (date(2010, 1, 1), 18, 241),
        (date(2023, 4, 10), 18, 241),
        (date(2024, 12, 31), 18, 241),
        (date(2025, 1, 1), 17, 234),
        (date(2025, 6, 30), 17, 234),
        (date(2025, 7, 1), 0, 94),
        (date(2030, 1, 1), 0, 94),
    ],
)
def test_every_date_has_its_units(on: date, districts: int, communes: int) -> None:
    tree = REGISTRY.on(on)
    assert len(tree.at(Level.DISTRICT)) == districts
    assert len(tree.at(Level.COMMUNE)) == communes
    assert len(tree.at(Level.PROVINCE)) == 1


@pytest.mark.parametrize(
    ("on", "counts"),
    [
        (date(2023, 4, 10), {"Phường": 30, "Thị trấn": 14, "Xã": 197}),
        (date(2025, 3, 1), {"Phường": 29, "Thị trấn": 14, "Xã": 191}),
        (date(2025, 7, 1), {"Phường": 23, "Xã": 70, "Đặc khu": 1}),
    ],
)
def test_kinds_are_as_published(on: date, counts: dict[str, int]) -> None:
    kinds = [unit.kind for unit in REGISTRY.on(on).at(Level.COMMUNE)]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == counts


@given(DAYS)
def test_on_any_day_everything_stands_under_one_root(day: date) -> None:
    tree = REGISTRY.on(day)
    (root,) = tree.at(Level.PROVINCE)
    assert tree.below(root.id) == {unit.id for unit in tree.units}
    assert len({unit.code for unit in tree.units if unit.level is Level.COMMUNE}) == len(
        tree.at(Level.COMMUNE)
    )
    levels = {unit.id: unit.level for unit in tree.units}
    assert all(levels[parent] < levels[child] for child, parent in tree.parent_of.items())


@given(DAYS)
def test_days_before_the_first_list_are_marked_assumed(day: date) -> None:
    assert REGISTRY.on(day).assumed == (day < FIRST_SNAPSHOT_ON)


def test_ids_are_unique_and_can_be_derived() -> None:
    assert len({unit.id for unit in REGISTRY.units}) == len(REGISTRY.units)
    unit = named("Xã Quế Sơn", TWO_LEVELS_ON)
    assert unit.id == unit_id("20641", "Xã Quế Sơn", TWO_LEVELS_ON)
    assert not unit.assumed
    assert named("Xã Quế Minh", FIRST_SNAPSHOT_ON).assumed
    assert named("Xã Quế Minh", FIRST_SNAPSHOT_ON).valid_from == ASSUMED_FROM


def test_nong_son_merged_into_que_son_and_its_communes_moved() -> None:
    old, new = named("Huyện Nông Sơn", date(2024, 1, 1)), named("Huyện Quế Sơn", date(2024, 1, 1))
    (step,) = changes_of(REGISTRY.successions, old.id)
    assert (step.successor_id, step.on, step.kind) == (new.id, date(2025, 1, 1), Change.MERGE)
    lam = named("Xã Quế Lâm", date(2024, 1, 1))
    assert REGISTRY.on(date(2024, 12, 31)).parent_of[lam.id] == old.id
    assert REGISTRY.on(date(2025, 1, 1)).parent_of[lam.id] == new.id


def test_a_code_that_kept_its_number_under_a_new_name_is_another_unit() -> None:
    old, new = named("Xã Hiệp Hòa", date(2024, 1, 1)), named("Xã Quế Tân", date(2025, 1, 1))
    assert old.code == new.code == "20758"
    assert [step.kind for step in changes_of(REGISTRY.successions, old.id)] == [Change.RENAME]


def test_unchanged_communes_live_on_under_the_city() -> None:
    hiep = named("Xã Tân Hiệp", date(2024, 1, 1))
    assert hiep == named("Xã Tân Hiệp", date(2026, 1, 1))
    assert hiep.valid_to is None
    assert changes_of(REGISTRY.successions, hiep.id) == ()


def test_predecessors_are_resolved_by_name_within_the_former_province() -> None:
    son = named("Xã Quế Sơn", TWO_LEVELS_ON)
    by_id = {unit.id: unit.name for unit in REGISTRY.units}
    assert {by_id[step.predecessor_id] for step in changes_of(REGISTRY.successions, son.id)} == {
        "Thị trấn Đông Phú", "Xã Quế Minh", "Xã Quế An", "Xã Quế Long", "Xã Quế Phong",
    }  # fmt: skip


def test_marks_part_predecessors_that_fold_alike() -> None:
    dan, ho = named("Xã Tam Dân", date(2025, 6, 1)), named("Xã Phú Ninh", TWO_LEVELS_ON)
    (step,) = changes_of(REGISTRY.successions, dan.id)
    assert step.successor_id == ho.id
    assert step.share_ppm is None


def test_what_cannot_be_resolved_stays_text() -> None:
    hien = named("Xã Bến Hiên", TWO_LEVELS_ON)
    assert hien.predecessor_text == "Xã Kà Dăng, Xã Mà Cooih"
    assert len(changes_of(REGISTRY.successions, hien.id)) == 1
    van = named("Phường Hải Vân", TWO_LEVELS_ON)
    assert "Xã Hòa Liên" in (van.predecessor_text or "")
    assert changes_of(REGISTRY.successions, van.id) == ()


def test_successions_happen_where_lives_meet() -> None:
    by_id = {unit.id: unit for unit in REGISTRY.units}
    for step in REGISTRY.successions:
        old, new = by_id[step.predecessor_id], by_id[step.successor_id]
        assert old.valid_to == step.on - timedelta(days=1)
        assert new.valid_on(step.on)
        assert old.level == new.level


def test_names_are_those_of_the_day_or_of_all_time() -> None:
    assert REGISTRY.names(date(2024, 8, 1)).find("Xã Quế Sơn").unit is None
    assert REGISTRY.names(date(2025, 8, 1)).find("Huyện Quế Sơn").unit is None
    ever = REGISTRY.names()
    assert ever.find("Xã Quế Sơn").unit is not None
    assert ever.find("Huyện Quế Sơn").unit is not None


def test_every_unit_of_a_day_is_found_by_its_name_and_district() -> None:
    for day in (FIRST_SNAPSHOT_ON, date(2025, 3, 1), TWO_LEVELS_ON):
        tree, names = REGISTRY.on(day), REGISTRY.names(day)
        by_id = {unit.id: unit for unit in tree.units}
        for unit in tree.at(Level.COMMUNE):
            match = names.find(unit.name, (by_id[tree.parent_of[unit.id]].name,))
            assert match.unit is not None
            assert match.unit.id == unit.id


def test_two_spaces_and_capital_kinds_of_the_lists_are_mended() -> None:
    assert named("Xã Tư", date(2024, 1, 1)).kind == "Xã"
    assert named("Thị trấn Ái Nghĩa", date(2024, 1, 1)).kind == "Thị trấn"


def test_units_are_listed_in_vietnamese_order() -> None:
    names = [unit.name for unit in REGISTRY.on(FIRST_SNAPSHOT_ON).at(Level.DISTRICT)]
    assert names.index("Huyện Duy Xuyên") < names.index("Huyện Đại Lộc") < names.index("Huyện Hiệp Đức")
