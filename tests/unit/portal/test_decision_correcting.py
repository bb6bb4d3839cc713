"""A form that corrects a decision is filled with what stands; sent as it is, it says just that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.portal.decisions import correcting, forms, model

UNITS = [
    {"id": "d", "name": "Huyện Nam Trà My", "kind": "huyện", "parent_id": None},
    {"id": "c", "name": "Xã Trà Mai", "kind": "xã", "parent_id": "d"},
]
NAMES, LABELS = forms.names_of(UNITS), forms.labels_of(UNITS)
ARTICLES = {"a": "Điều 10 – Ưu đãi", "b": "Điều 11 – Vỏ mộ"}
SAID = ("label", "text", "unit_id", "article_id", "amount_vnd", "quantity", "note")


def line(position: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    plain = {"label": str(position), "text": "Sinh kế", "unit_id": "c", "article_id": "a"}
    return plain | {"position": position, "amount_vnd": 1_500_000, "quantity": None, "note": ""} | more


def decision(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    head = {"kind": "allocation", "title": "Phân bổ", "component": "x", "source": "y", "capital_kind": "z"}
    rest = {"issuing_unit_id": "d", "fiscal_year": 2024, "demonstration": True}
    made = {"document": None, "arithmetic": None}
    return head | rest | made | {"lines": list(lines)} | more


def sent_again(one: dict[str, Any]) -> dict[str, Any]:
    fields = correcting.header_fields(one) | correcting.line_fields(one, LABELS, ARTICLES)
    offered = {words: key for key, words in ARTICLES.items()}
    reading = forms.by_hand({name: [text] for name, text in fields.items()}, NAMES, LABELS, offered)
    assert reading.faults == []
    return reading.body


def test_what_is_sent_as_it_stands_says_the_same() -> None:
    one = decision(
        line(1),
        line(2, label="1.2", unit_id=None, text="Đường", note="đợt 1"),
        line(3, article_id="b", quantity=1_200),
        line(4, text="Xã Trà Mai (Huyện Nam Trà My)"),
    )
    body = sent_again(one)
    assert body["lines"] == [{name: stood[name] for name in SAID} for stood in one["lines"]]
    assert {name: body[name] for name in (*forms.HEADER, "fiscal_year", "demonstration")} == {
        name: one[name] for name in (*forms.HEADER, "fiscal_year", "demonstration")
    }


def test_amounts_and_units_stand_as_people_write_them() -> None:
    fields = correcting.line_fields(decision(line(1)), LABELS, ARTICLES)
    assert fields["lines-0-amount_vnd"] == "1.500.000"
    assert fields["lines-0-unit_id"] == "Xã Trà Mai (Huyện Nam Trà My)"
    assert fields["lines-0-article_id"] == ""


def test_the_article_of_most_lines_is_that_of_the_head() -> None:
    one = decision(line(1, article_id="b"), line(2), line(3))
    assert correcting.header_fields(one)["article_id"] == "a"
    assert correcting.line_fields(one, LABELS, ARTICLES)["lines-0-article_id"] == ARTICLES["b"]


@pytest.mark.parametrize(
    ("made", "way"),
    [({}, "hand"), ({"document": "x"}, "annex"), ({"arithmetic": "{}"}, "formula")],
    ids=["hand", "annex", "formula"],
)
def test_a_decision_is_corrected_as_it_was_made(made: dict[str, str], way: str) -> None:
    assert correcting.way_of(decision(line(1), **made)) == way


def arithmetic(parts: list[dict[str, Any]], shares: list[dict[str, Any]]) -> str:
    total = sum(part["amount"] for part in parts)
    return json.dumps({"computed": {"instrument": "x", "total": total, "parts": parts}, "shares": shares})


def test_a_formula_by_count_is_filled_with_its_inputs() -> None:
    text = arithmetic(
        [{"unit_id": "c", "amount": 3_000}, {"unit_id": "d", "amount": 7_000}],
        [{"classes": [], "count": 1_200}, {"classes": [], "count": 2_800}],
    )
    fields = correcting.formula_fields(model.arithmetic(text), LABELS)
    assert (fields["method"], fields["total_vnd"], fields["rounding_vnd"]) == ("count", "10.000", "1.000")
    assert fields["shares-0-unit_id"] == "Xã Trà Mai (Huyện Nam Trà My)"
    assert (fields["shares-0-count"], fields["shares-1-count"]) == ("1.200", "2.800")
    assert correcting.rows_in(fields, "shares") == 2


def test_a_formula_by_class_names_each_class_with_the_amount_that_is_known() -> None:
    text = arithmetic(
        [{"unit_id": "c", "amount": 9}, {"unit_id": "d", "amount": 5}],
        [{"classes": ["miền núi", "khác"], "count": 0}, {"classes": ["đồng bằng"], "count": 0}],
    )
    fields = correcting.formula_fields(model.arithmetic(text), LABELS)
    assert fields["method"] == "class"
    named = [(fields[f"classes-{n}-name"], fields[f"classes-{n}-amount_vnd"]) for n in range(3)]
    assert named == [("miền núi", ""), ("khác", ""), ("đồng bằng", "5")]
    assert fields["shares-0-classes"] == "miền núi, khác"


def test_a_decision_without_a_formula_fills_none() -> None:
    assert correcting.formula_fields(None, LABELS) == {}


def test_a_field_offers_what_stands_in_it() -> None:
    assert correcting.with_current(("a", "b"), "b") == ("a", "b")
    assert correcting.with_current(("a",), "c") == ("a", "c")
