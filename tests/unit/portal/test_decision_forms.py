"""What officers type, as allocation takes it, and faults at the rows that were typed."""

from __future__ import annotations

import pytest

from services.portal.decisions import forms

UNITS = [
    {"id": "d", "name": "Huyện Nam Trà My", "kind": "huyện", "parent_id": None},
    {"id": "c", "name": "Xã Trà Mai", "kind": "xã", "parent_id": "d"},
    {"id": "e", "name": "Xã Trà Don", "kind": "xã", "parent_id": "d"},
]
NAMES, LABELS = forms.names_of(UNITS), forms.labels_of(UNITS)
ARTICLES = {"Điều 11": "b"}
HEADER = {"kind": ["allocation"], "title": [" Phân bổ "], "fiscal_year": ["2024"], "article_id": ["a"]}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1466875000", 1_466_875_000),
        ("1.466.875.000", 1_466_875_000),
        ("1,466,875,000", 1_466_875_000),
        ("1 466 875 000", 1_466_875_000),
        (" 500 ", 500),
        ("12,5", None),
        ("1.466,875", None),
        ("-5", None),
        ("x", None),
        ("", None),
        ("٣", None),
    ],
)
def test_numbers_are_read_with_their_groups_or_not_at_all(typed: str, meant: int | None) -> None:
    assert forms.number(typed) == meant


def test_rows_that_hold_nothing_are_left_out() -> None:
    form = HEADER | {
        "lines-0-text": [""],
        "lines-2-text": ["Sinh kế"],
        "lines-2-unit_id": ["xa tra mai"],
        "lines-2-amount_vnd": ["1.000.000"],
        "lines-4-unit_id": ["Xã Trà Don (Huyện Nam Trà My)"],
        "lines-4-amount_vnd": ["5"],
        "lines-4-quantity": ["2"],
        "lines-4-article_id": ["Điều 11"],
    }
    reading = forms.by_hand(form, NAMES, LABELS, ARTICLES)
    first, second = reading.body["lines"]
    assert reading.faults == []
    assert reading.places == [2, 4]
    assert (reading.body["title"], reading.body["fiscal_year"]) == ("Phân bổ", 2024)
    assert (first["unit_id"], first["amount_vnd"], first["article_id"]) == ("c", 1_000_000, "a")
    assert (second["unit_id"], second["quantity"], second["article_id"]) == ("e", 2, "b")
    assert second["text"] == "Xã Trà Don (Huyện Nam Trà My)"


def test_what_cannot_be_read_is_named_at_its_field_with_the_nearest_names() -> None:
    form = HEADER | {
        "lines-3-text": ["X"],
        "lines-3-unit_id": ["Xã Trà Maii"],
        "lines-3-amount_vnd": ["12,5"],
    }
    unit, amount = forms.by_hand(form, NAMES, LABELS, ARTICLES).faults
    assert (unit["code"], unit["pointer"], unit["row"]) == ("unit_unknown", "/lines/3/unit_id", 4)
    assert "Xã Trà Mai" in unit["cure"]
    assert (amount["code"], amount["pointer"]) == ("number_unreadable", "/lines/3/amount_vnd")


def test_an_article_that_is_not_offered_is_a_fault() -> None:
    form = HEADER | {"lines-0-text": ["x"], "lines-0-amount_vnd": ["5"], "lines-0-article_id": ["Điều 99"]}
    (fault,) = forms.by_hand(form, NAMES, LABELS, ARTICLES).faults
    assert (fault["code"], fault["pointer"]) == ("article_unknown", "/lines/0/article_id")


def test_what_is_needed_and_not_there_is_named() -> None:
    reading = forms.by_hand({"title": [" "]}, NAMES, LABELS, ARTICLES)
    assert [(one["code"], one["pointer"]) for one in reading.faults] == [
        ("missing", "/title"),
        ("missing", "/fiscal_year"),
        ("missing", "/article_id"),
        ("rows_missing", "/lines/0/text"),
    ]


def test_a_table_takes_so_many_rows_and_no_more() -> None:
    def typed(count: int) -> dict[str, list[str]]:
        rows = {f"lines-{index}-text": ["x"] for index in range(count)}
        return HEADER | rows | {f"lines-{index}-amount_vnd": ["5"] for index in range(count)}

    assert forms.by_hand(typed(forms.ROWS_MAX), NAMES, LABELS, ARTICLES).faults == []
    (fault,) = forms.by_hand(typed(forms.ROWS_MAX + 1) | {"title": [""]}, NAMES, LABELS, ARTICLES).faults
    assert (fault["code"], fault["pointer"]) == ("rows_too_many", "/lines/0/text")


def test_a_line_keeps_the_number_that_its_row_brings() -> None:
    form = HEADER | {
        "lines-0-text": ["x"],
        "lines-0-amount_vnd": ["5"],
        "lines-0-label": ["1.2"],
        "lines-1-text": ["y"],
        "lines-1-amount_vnd": ["5"],
    }
    lines = forms.by_hand(form, NAMES, LABELS, ARTICLES).body["lines"]
    assert [one["label"] for one in lines] == ["1.2", "2"]


def test_a_work_has_no_unit() -> None:
    form = HEADER | {"lines-0-text": ["Đường"], "lines-0-amount_vnd": ["5"]}
    assert forms.by_hand(form, NAMES, LABELS, ARTICLES).body["lines"][0]["unit_id"] is None


def test_faults_of_allocation_go_to_the_rows_that_were_typed() -> None:
    faults = [
        {"pointer": "/lines/1/amount_vnd", "detail": "x"},
        {"pointer": "/title", "detail": "y"},
        {"detail": "z"},
    ]
    moved = forms.moved(faults, "lines", [2, 4])
    assert moved[0] == {"pointer": "/lines/4/amount_vnd", "detail": "x", "row": 5}
    assert moved[1:] == faults[1:]


def test_more_rows_are_shown_where_they_are_asked_for() -> None:
    assert forms.row_count({}, "lines") == forms.ROWS_AT_FIRST
    assert forms.row_count({"lines-4-text": ["x"]}, "lines") == 5
    asked = {"lines-4-text": ["x"], "more": ["lines"]}
    assert forms.row_count(asked, "lines") == 5 + forms.ROWS_MORE
    assert forms.row_count(asked, "classes", 3) == 3
    assert forms.row_count({"lines-9999-text": ["x"]}, "lines") == forms.ROWS_MAX


def test_a_formula_by_class() -> None:
    form = HEADER | {
        "method": ["class"],
        "classes-0-name": ["miền núi"],
        "classes-0-amount_vnd": ["1.466.875.000"],
        "shares-0-unit_id": ["Xã Trà Mai"],
        "shares-0-classes": ["miền núi; khác"],
        "shares-1-unit_id": ["Xã Trà Don"],
    }
    body = forms.by_formula(form, NAMES, LABELS, {"a": "QD-07-2022"}).body
    assert (body["instrument"], body["class_amounts"]) == ("QD-07-2022", {"miền núi": 1_466_875_000})
    assert body["shares"] == [{"unit_id": "c", "classes": ["miền núi", "khác"]}]


def test_a_formula_by_count() -> None:
    form = HEADER | {
        "method": ["count"],
        "total_vnd": ["1.000.000"],
        "shares-1-unit_id": ["Xã Trà Don"],
        "shares-1-count": ["300"],
    }
    reading = forms.by_formula(form, NAMES, LABELS, {})
    assert (reading.body["total_vnd"], reading.body["rounding_vnd"]) == (1_000_000, 1)
    assert reading.body["shares"] == [{"unit_id": "e", "count": 300}]
    assert "class_amounts" not in reading.body
