import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.names import (
    ALPHABET,
    nearest,
    nfc,
    same_name,
    search_key,
    sort_key,
    without_kind,
)

SYLLABLES = st.text(st.sampled_from(ALPHABET), min_size=1, max_size=5)
TONE_MARKS = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")  # ngang huyền hỏi ngã sắc nặng


@pytest.mark.parametrize(
    ("old", "new"), [("thủy", "thuỷ"), ("hòa", "hoà"), ("khỏe", "khoẻ"), ("Hòa Thuận", "HOÀ  THUẬN")]
)
def test_old_and_new_tone_placement_are_the_same(old: str, new: str) -> None:
    assert search_key(old) == search_key(new)
    assert same_name(old, new)


@pytest.mark.parametrize(("a", "b"), [("Tam Dân", "Tam Đàn"), ("Trà Don", "Trà Dơn"), ("ba", "bà")])
def test_names_that_differ_in_marks_share_a_key_but_are_not_the_same(a: str, b: str) -> None:
    assert search_key(a) == search_key(b)
    assert not same_name(a, b)


def test_composed_and_decomposed_text_are_the_same() -> None:
    decomposed = unicodedata.normalize("NFD", "Quế Sơn")
    assert decomposed != "Quế Sơn"
    assert nfc(decomposed) == "Quế Sơn"
    assert same_name(decomposed, "Quế Sơn")
    assert search_key(decomposed) == "que son"


def test_typographic_quotes_count_as_plain_ones() -> None:
    assert search_key("Xã Ch’ơm") == search_key("Xã Ch'ơm") == "xa ch'om"


@given(st.text(max_size=40))
def test_a_search_key_is_its_own_key(text: str) -> None:
    key = search_key(text)
    assert search_key(key) == key
    assert search_key(unicodedata.normalize("NFD", text)) == key


@given(st.lists(SYLLABLES, min_size=1, max_size=4).map(" ".join))
def test_keys_of_vietnamese_text_are_plain_letters(text: str) -> None:
    assert search_key(text).replace(" ", "").isascii()


def test_letters_stand_in_vietnamese_order() -> None:
    assert all(sort_key(a) < sort_key(b) for a, b in pairwise(ALPHABET))


def test_tones_come_second() -> None:
    assert sorted(["bạ", "bá", "băng", "bã", "bả", "bà", "ba", "bân"], key=sort_key) == [
        "ba", "bà", "bả", "bã", "bá", "bạ", "băng", "bân",
    ]  # fmt: skip


def test_orders_syllable_by_syllable_and_digits_first() -> None:
    names = ["Quế Xuân 2", "Quế An", "Quế Xuân", "Đại Lộc", "Duy Xuyên", "Quế Xuân 1", "Bà Nà", "Ba Tơ"]
    assert sorted(names, key=sort_key) == [
        "Ba Tơ", "Bà Nà", "Duy Xuyên", "Đại Lộc", "Quế An", "Quế Xuân", "Quế Xuân 1", "Quế Xuân 2",
    ]  # fmt: skip


@given(SYLLABLES, st.sampled_from(TONE_MARKS), st.sampled_from(TONE_MARKS))
def test_a_tone_never_outweighs_a_letter(syllable: str, tone: str, other: str) -> None:
    lower, higher = f"{syllable}{tone}", f"{syllable}{other}n"
    assert sort_key(lower) < sort_key(higher)


@pytest.mark.parametrize(
    ("key", "bare"),
    [("xa que minh", "que minh"), ("tp. hoi an", "hoi an"), ("thi tran ha lam", "ha lam"), ("xa", "xa")],
)
def test_takes_the_kind_of_unit_away(key: str, bare: str) -> None:
    assert without_kind(key) == bare


def test_offers_the_nearest_names_first() -> None:
    names = ["Xã Quế Minh", "Xã Quế An", "Phường An Mỹ", "Huyện Quế Sơn"]
    assert nearest("xã Quế Mihn", names)[0] == "Xã Quế Minh"
    assert nearest("Que Sonn", names)[0] == "Huyện Quế Sơn"


def test_finds_a_name_whose_kind_is_left_out_or_wrong() -> None:
    assert nearest("Quế Minh", ["Xã Quế Minh", "Xã Quế Mỹ"]) == ["Xã Quế Minh", "Xã Quế Mỹ"]
    assert nearest("phường Quế Minh", ["Xã Quế Minh"]) == ["Xã Quế Minh"]


def test_offers_nothing_for_text_that_is_like_nothing() -> None:
    assert nearest("Nâng cấp đường ống", ["Xã Quế Minh", "Huyện Phú Ninh"]) == []
    assert nearest("", ["Xã Quế Minh"]) == []


def test_offers_no_more_than_asked() -> None:
    names = [f"Xã Quế {end}" for end in ("An", "Anh", "Ân", "Am")]
    assert len(nearest("Xã Quế An", names, limit=2)) == 2
