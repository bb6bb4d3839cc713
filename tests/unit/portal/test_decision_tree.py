"""What pages show of decisions: the tree with its subtotals, how lines stand, and the arithmetic."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.portal.decisions import model
from services.portal.decisions.model import Row

MILLION = 1_000_000
UNITS = {
    "p": {"id": "p", "name": "Tỉnh Quảng Nam", "level": 1, "parent_id": None},
    "d": {"id": "d", "name": "Huyện Núi Thành", "level": 2, "parent_id": "p"},
    "e": {"id": "e", "name": "Huyện Nam Trà My", "level": 2, "parent_id": "p"},
    "c1": {"id": "c1", "name": "Xã Tam Sơn", "level": 3, "parent_id": "d"},
    "c2": {"id": "c2", "name": "Xã Tam Trà", "level": 3, "parent_id": "d"},
    "n": {"id": "n", "name": "Phường Tam Kỳ", "level": 3, "parent_id": "p"},
}
GRAVE = {
    "id": "g",
    "citation": "Điều 11",
    "title": "Vỏ mộ",
    "ceiling_vnd": 10 * MILLION,
    "ceiling_per": "vỏ mộ",
}
FREE = {"id": "f", "citation": "Điều 10", "title": "Ưu đãi", "ceiling_vnd": None, "ceiling_per": None}
LAWS: dict[str, Any] = {"g": GRAVE, "f": FREE}


def line(amount: int, unit: str | None, text: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "id": f"{unit}-{amount}",
        "unit_id": unit,
        "text": text or (UNITS[unit]["name"] if unit else "Công trình"),
        "amount_vnd": amount,
        "article_id": "f",
        "quantity": None,
        "note": "",
        **more,
    }


def tree(*lines: dict[str, Any]) -> list[Row]:
    return model.tree(lines, UNITS, "Công trình", "Tổng số")


def shown(rows: list[Row]) -> list[tuple[int, str, int]]:
    return [(row.depth, row.name, row.amount_vnd) for row in rows]


def test_communes_stand_under_their_district_with_a_subtotal() -> None:
    assert shown(tree(line(3, "c1"), line(4, "e"), line(5, "c2"))) == [
        (0, "Tổng số", 12),
        (1, "Huyện Núi Thành", 8),
        (2, "Xã Tam Sơn", 3),
        (2, "Xã Tam Trà", 5),
        (1, "Huyện Nam Trà My", 4),
    ]


def test_communes_right_below_the_province_stand_by_themselves() -> None:
    assert shown(tree(line(3, "n"))) == [(0, "Tổng số", 3), (1, "Phường Tam Kỳ", 3)]


def test_works_have_a_heading_beside_units_and_none_alone() -> None:
    assert shown(tree(line(3, "c1"), line(2, None, "Đường")))[3:] == [(1, "Công trình", 2), (2, "Đường", 2)]
    assert shown(tree(line(2, None, "Đường"))) == [(0, "Tổng số", 2), (1, "Đường", 2)]


def test_a_line_says_its_unit_where_its_text_does_not() -> None:
    names = [row.name for row in tree(line(1, "c1", "Tam Sơn"), line(2, "c2", "Sửa kênh"))]
    assert names[2:] == ["Xã Tam Sơn", "Sửa kênh – Xã Tam Trà"]


def test_a_unit_that_nobody_knows_is_no_work() -> None:
    assert shown(tree(line(1, None, "Đường"), line(2, "x", "Xã Lạ"))) [-1] == (1, "Xã Lạ", 2)  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 10**12), st.sampled_from([None, *UNITS])), min_size=1, max_size=30))
def test_subtotals_add_up_to_the_total(found: list[tuple[int, str | None]]) -> None:
    rows = tree(*(line(amount, unit) for amount, unit in found))
    total = sum(amount for amount, _ in found)
    assert rows[0].amount_vnd == total == sum(row.amount_vnd for row in rows if row.line)
    assert total == sum(row.amount_vnd for row in rows if row.depth == 1)


def test_a_line_stands_against_its_ceiling() -> None:
    lines = [
        line(amount, None, article_id="g", quantity=count)
        for amount, count in ((100 * MILLION, 10), (1, None))
    ]
    within, missing = model.judged(tree(*lines), LAWS, {"g"})[1:]
    assert within.ceiling is not None
    assert (within.ceiling.limit_vnd, within.within) == (100 * MILLION, True)
    assert missing.ceiling is not None
    assert (missing.ceiling.limit_vnd, missing.within) == (None, None)
    (above,) = model.judged(tree(line(10 * MILLION + 1, None, article_id="g", quantity=1)), LAWS, {"g"})[1:]
    assert above.within is False


def test_a_line_stands_against_its_law() -> None:
    def in_force(holds: set[str] | None) -> bool | None:
        law = model.judged(tree(line(1, "e")), LAWS, holds)[-1].law
        assert law is not None
        return law.in_force

    assert (in_force({"f"}), in_force(set()), in_force(None)) == (True, False, None)


def test_an_account_is_drawn_down_line_by_line() -> None:
    rows = model.drawn_down(tree(line(3, "c1"), line(4, "e")), 5)
    assert [row.left_vnd for row in rows] == [None, None, 2, -2]
    assert [row.left_vnd for row in model.drawn_down(rows[:1], None)] == [None]


def test_an_allocation_draws_on_the_envelope_and_an_appropriation_on_its_source() -> None:
    money = {"fiscal_year": 2024, "component": "x", "source": "y", "capital_kind": "recurrent"}
    one = money | {"kind": "allocation", "issuing_unit_id": "p"}
    assert model.account_query(one) == money | {"role": "envelope", "unit_id": "p"}
    assert model.account_of(one, [{"available_vnd": 7}]).available_vnd == 7
    assert model.account_of(one, []).available_vnd == 0
    assert model.account_query(one | {"kind": "appropriation"}) == money | {"role": "source"}
    assert not model.account_of(one | {"kind": "appropriation"}, []).bounded


def test_steps_are_those_of_the_state_for_who_may_take_them() -> None:
    assert model.steps("submitted", {"decisions.approve", "decisions.submit"}) == ["approval", "return"]
    assert model.steps("approved", {"decisions.issue"}) == ["issue"]
    assert model.steps("issued", {"decisions.issue"}) == []
    drafts = {"decisions.draft"}
    assert [model.steps(state, drafts) for state in model.STATES] == [
        ["revision", "withdrawal"],
        ["withdrawal"],
        ["revision", "withdrawal"],
        ["withdrawal"],
        [],
        [],
    ]


def test_units_are_those_of_the_day_of_issue_or_of_the_year() -> None:
    today = date(2026, 11, 29)
    assert model.day_of_units({"issued_on": "2024-07-15", "fiscal_year": 2024}, today) == date(2024, 7, 15)
    assert model.day_of_units({"issued_on": None, "fiscal_year": 2024}, today) == date(2024, 12, 31)
    assert model.day_of_units({"issued_on": None, "fiscal_year": 2026}, today) == today


def test_long_annexes_are_shown_part_by_part() -> None:
    rows = tree(*(line(amount, None) for amount in range(1, 12)))
    first, last, beyond = (model.window(rows, start, 5) for start in (0, 10, 99))
    assert (len(first.rows), first.before, first.after) == (5, None, 5)
    assert (len(last.rows), last.before, last.after) == (2, 5, None)
    assert beyond == first


def test_arithmetic_by_count_and_by_class() -> None:
    assert model.arithmetic(None) is None
    parts = [{"unit_id": "c1", "amount": 3}, {"unit_id": "c2", "amount": 7}]
    computed = {"instrument": "X", "total": 10, "parts": parts}
    shares: list[dict[str, Any]] = [{"classes": [], "count": 30}, {"classes": [], "count": 70}]
    counted = model.arithmetic(json.dumps({"computed": computed, "shares": shares}))
    assert counted is not None
    assert [part.amount_vnd for part in counted.behind(tree(line(7, "c2"), line(1, None)))] == [7]
    assert (counted.by_count, counted.whole, [part.count for part in counted.parts]) == (True, 100, [30, 70])
    classes: list[dict[str, Any]] = [{"classes": ["a"], "count": 0}, {"classes": ["b"], "count": 0}]
    classed = model.arithmetic(json.dumps({"computed": computed, "shares": classes}))
    assert classed is not None
    assert (classed.by_count, [part.classes for part in classed.parts]) == (False, [["a"], ["b"]])


def test_faults_of_an_annex_stand_row_by_row() -> None:
    unconfirmed = {"code": "unit_unconfirmed", "row": 6, "value": "Đường", "cure": "Đại Lộc"}
    unknown = {"code": "unit_unknown", "row": 5}
    again = unconfirmed | {"row": 5, "value": "Xã Trà Maii"}
    whole, fifth, sixth = model.faults_by_row([unconfirmed, unknown, again, {"code": "total_missing"}])
    assert (whole.row, whole.may_be_work) == (None, False)
    assert (fifth.row, fifth.value, fifth.may_be_work) == (5, "Xã Trà Maii", False)
    assert [fault["code"] for fault in fifth.faults] == ["unit_unknown"]
    assert (sixth.row, sixth.cure, sixth.may_be_work) == (6, "Đại Lộc", True)
