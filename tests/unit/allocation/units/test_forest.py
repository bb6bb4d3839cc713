"""The units of a year as a forest."""

from __future__ import annotations

from uuid import UUID

from services.allocation.units.forest import Forest, Link

PROVINCE, DISTRICT, COMMUNE, OTHER, LONE = (UUID(int=number) for number in range(1, 6))
FOREST = Forest.of([Link(DISTRICT, PROVINCE), Link(COMMUNE, DISTRICT), Link(OTHER, PROVINCE)])


def test_a_unit_is_divided_into_itself_and_those_right_below() -> None:
    assert FOREST.parts(PROVINCE) == {
        PROVINCE: PROVINCE,
        DISTRICT: DISTRICT,
        COMMUNE: DISTRICT,
        OTHER: OTHER,
    }
    assert FOREST.parts(LONE) == {LONE: LONE}


def test_units_count_for_the_topmost_of_those_in_reach() -> None:
    assert FOREST.tops({DISTRICT, COMMUNE, LONE}) == {DISTRICT: DISTRICT, COMMUNE: DISTRICT, LONE: LONE}


def test_what_is_below_includes_the_unit_and_ends_where_links_go_round() -> None:
    assert FOREST.below([DISTRICT]) == {DISTRICT, COMMUNE}
    assert Forest.of([Link(DISTRICT, COMMUNE), Link(COMMUNE, DISTRICT)]).below([COMMUNE]) == {
        DISTRICT,
        COMMUNE,
    }
