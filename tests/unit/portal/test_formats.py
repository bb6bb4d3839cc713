"""Amounts, dates and names as Vietnamese officers write and sort them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, g
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from services.portal.look import formats

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def request_in() -> Iterator[Flask]:
    app = Flask("formats")
    Babel(app, default_locale="vi", locale_selector=lambda: g.get("language", "vi"))
    with app.test_request_context():
        yield app


@pytest.mark.parametrize(
    ("language", "scale", "vnd", "shown"),
    [
        ("vi", "dong", 123_456_789_012, f"123.456.789.012{NBSP}đồng"),
        ("vi", "nghin", 1_234_567, f"1.234,567{NBSP}nghìn đồng"),
        ("vi", "trieu", 2_055_000, f"2,055{NBSP}triệu đồng"),
        ("vi", "trieu", 12_000_000, f"12{NBSP}triệu đồng"),
        ("vi", "ty", 87_394_645_000, f"87,395{NBSP}tỷ đồng"),
        ("vi", "ty", 500_000, f"0,001{NBSP}tỷ đồng"),  # half a million: up
        ("en", "dong", 1_234_567, f"1,234,567{NBSP}đồng"),
        ("en", "trieu", -2_055_000, f"-2.055{NBSP}million đồng"),
        ("vi", "of another world", 10, f"10{NBSP}đồng"),
        ("vi", "dong", 0, f"0{NBSP}đồng"),
    ],
)
def test_an_amount_says_its_unit(request_in: Flask, language: str, scale: str, vnd: int, shown: str) -> None:
    g.language, g.scale = language, scale
    assert formats.money(vnd) == shown


def test_what_is_not_known_is_a_dash(request_in: Flask) -> None:
    assert {formats.money(None), formats.dong(None), formats.whole(None)} == {formats.NOTHING}
    assert {formats.day(None), formats.moment(""), formats.month(None)} == {formats.NOTHING}


def test_on_paper_an_amount_is_in_dong_whatever_was_chosen(request_in: Flask) -> None:
    g.scale = "ty"
    assert formats.dong(1_500) == f"1.500{NBSP}đồng"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 KB"), (99_499, "99 KB"), (100_000, "0,1 MB"), (1_234_567, "1,2 MB"), (167_772_160, "167,8 MB")],
)
def test_the_size_of_a_file_is_in_megabytes(request_in: Flask, count: int, shown: str) -> None:
    assert formats.megabytes(count) == shown.replace(" ", NBSP)


def test_dates_are_those_of_vietnam(request_in: Flask) -> None:
    assert formats.day("2024-07-24") == "24/07/2024"
    assert formats.moment("2024-07-24T18:30:00+00:00") == "25/07/2024 01:30:00"
    assert formats.month("2024-08") == "08/2024"


def test_a_day_is_typed_as_everybody_here_writes_it() -> None:
    assert [formats.iso_day(one) for one in ("05/09/2024", " 5/9/2024 ", "5.9.2024", "2024-09-05")] == [
        "2024-09-05"
    ] * 4
    assert [formats.iso_day(one) for one in ("", "9/2024", "32/1/2024")] == ["", "9/2024", "2024-01-32"]
    assert [formats.typed_day(one) for one in ("2024-09-05", None, "mai")] == ["05/09/2024", "", "mai"]


def test_names_stand_as_in_a_vietnamese_dictionary() -> None:
    names = ["Đại Lộc", "Duy Xuyên", "Ân", "Ăn", "An", "Án", "Ẩn", "Điện Bàn", "Hội An", "Ơn", "Ôn", "On"]
    wanted = ["An", "Án", "Ăn", "Ân", "Ẩn", "Duy Xuyên", "Đại Lộc", "Điện Bàn", "Hội An", "On", "Ôn", "Ơn"]
    assert [row["name"] for row in formats.in_order([{"name": name} for name in names])] == wanted


def test_tones_decide_only_where_letters_are_the_same() -> None:
    assert formats.order_of("má") < formats.order_of("mài")
    ordered = ["ma", "mà", "mả", "mã", "má", "mạ"]
    assert sorted({*ordered}, key=formats.order_of) == ordered


@given(st.text(), st.text())
def test_any_two_texts_have_an_order_and_it_is_one(first: str, second: str) -> None:
    one, other = formats.order_of(first), formats.order_of(second)
    assert (one == other) == (first == second)
    assert (one < other) != (other < one) or first == second
