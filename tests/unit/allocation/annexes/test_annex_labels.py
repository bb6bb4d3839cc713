"""Printed numbering: what kind a label is, and what rows above say about letters that are numerals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.annexes.labels import Kind, bullet_of, choose, normal_label, readings
from services.allocation.annexes.table import Row
from services.allocation.annexes.tree import build


def tree(*labels: str) -> dict[str, str]:
    """For each label (made unique by its place) the label of the row above it."""
    rows = [Row(place, label, f"text {place}", None, "") for place, label in enumerate(labels)]
    forest = build(rows, [None] * len(rows))
    return {
        f"{node.row.row}:{node.row.label}": node.parent.row.label if node.parent else ""
        for node in forest.nodes()
    }


@pytest.mark.parametrize(
    ("printed", "normal"),
    [("1.", "1"), ("(2)", "2"), ("a)", "a"), (" I. ", "I"), ("1.1.", "1.1"), ("-", "-")],
)
def test_takes_signs_around_a_label_away(printed: str, normal: str) -> None:
    assert normal_label(printed) == normal


@pytest.mark.parametrize(
    ("label", "kinds"),
    [
        ("1", [("number",)]), ("1.2", [("number", "number")]), ("A", [("upper_letter",)]),
        ("II", [("upper_roman",)]), ("I", [("upper_roman",), ("upper_letter",)]), ("đ", [("lower_letter",)]),
        ("A1", [("word", "number")]), ("-", [("bullet", "-")]), ("", [("none",)]),
        ("Nhóm", [("lower_word",)]),
        ("1.1.1.1.1", [("sign",)]), ("?!", [("sign",)]), ("²", [("lower_word",)]),
    ],
)  # fmt: skip
def test_knows_the_kind_of_a_label(label: str, kinds: list[Kind]) -> None:
    assert [reading.kind for reading in readings(label)] == kinds


def test_a_letter_that_is_a_numeral_follows_the_count_above() -> None:
    letters, numerals = ("upper_letter",), ("upper_roman",)
    assert choose("I", {}).kind == numerals
    assert choose("C", {letters: 2}).kind == letters
    assert choose("I", {letters: 9}).kind == letters
    assert choose("V", {numerals: 4, letters: 1}).kind == numerals
    assert choose("X", {numerals: 9}).value == 10
    assert choose("XIV", {}).value == 14


def test_levels_open_and_close() -> None:
    assert tree("A", "I", "1", "2", "II", "1", "B", "1") == {
        "0:A": "", "1:I": "A", "2:1": "I", "3:2": "I", "4:II": "A", "5:1": "II", "6:B": "", "7:1": "B",
    }  # fmt: skip


def test_dotted_numbers_stand_below_their_number() -> None:
    assert tree("1", "1.1", "1.2", "2", "2.1") == {
        "0:1": "",
        "1:1.1": "1",
        "2:1.2": "1",
        "3:2": "",
        "4:2.1": "2",
    }


def test_bullets_in_the_text_count_as_labels() -> None:
    assert bullet_of("- Xã Quế Minh") == "-"
    assert bullet_of("Xã Quế Minh") is None
    rows = [Row(1, "1", "Nhóm", None, ""), Row(2, "", "- Một", None, ""), Row(3, "", "- Hai", None, "")]
    forest = build(rows, [None] * 3)
    assert [node.row.text for node in forest.roots[0].children] == ["- Một", "- Hai"]


def test_a_label_that_became_a_day_goes_on_as_the_row_before() -> None:
    assert tree("1", "2024-02-01", "3") == {"0:1": "", "1:2024-02-01": "", "2:3": ""}


@given(st.lists(st.text(max_size=6), max_size=30))
def test_any_numbering_gives_a_tree_of_all_rows(labels: list[str]) -> None:
    assert len(tree(*labels)) == len(labels)


@given(st.lists(st.text("0123456789.aAiIđ", max_size=40), max_size=200))
def test_numbering_never_nests_beyond_what_can_be_walked(labels: list[str]) -> None:
    rows = [Row(place, label, f"text {place}", None, "") for place, label in enumerate(labels)]
    forest = build(rows, [None] * len(rows))
    assert all(len(node.headings) < 120 for node in forest.nodes())
