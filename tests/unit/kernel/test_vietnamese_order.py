"""Vietnamese names in the order of a dictionary, found without their marks, told apart with them."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.names import (
    ALPHABET,
    NEAREST_TEXT_MAX,
    nearest,
    nfc,
    same_name,
    search_key,
    sort_key,
    spoken_key,
    squashed,
    without_kind,
)

VOWELS = "aăâeêioôơuưy"
TONED = {
    vowel: [vowel, *(unicodedata.normalize("NFC", vowel + sign) for sign in "\u0300\u0309\u0303\u0301\u0323")]
    for vowel in VOWELS
}
SYLLABLES = st.builds(
    lambda begin, vowel, tone, end: begin + TONED[vowel][tone] + end,
    st.sampled_from(
        [
            "",
            "b",
            "c",
            "ch",
            "d",
            "đ",
            "g",
            "gh",
            "h",
            "kh",
            "l",
            "m",
            "n",
            "ng",
            "ngh",
            "nh",
            "ph",
            "qu",
            "t",
            "th",
            "tr",
            "v",
            "x",
        ]
    ),
    st.sampled_from(VOWELS),
    st.integers(0, 5),
    st.sampled_from(["", "c", "ch", "m", "n", "ng", "nh", "p", "t", "i", "o", "u", "y"]),
)
NAMES = st.lists(SYLLABLES, min_size=1, max_size=4).map(" ".join)
# As the printed lists of the province have them.
IN_ORDER = [
    "An Mỹ",
    "An Phú",
    "An Sơn",
    "An Xuân",
    "Âu Cơ",
    "Ba",
    "Bà Nà",
    "Bắc Trà My",
    "Bình An",
    "Bình Đào",
    "Bình Giang",
    "Cẩm An",
    "Cẩm Châu",
    "Cửa Đại",
    "Duy Hải",
    "Duy Xuyên",
    "Đại An",
    "Đại Lộc",
    "Điện Bàn",
    "Đông Giang",
    "Hiệp Đức",
    "Hội An",
    "Nam Giang",
    "Nông Sơn",
    "Núi Thành",
    "Phú Ninh",
    "Phước Sơn",
    "Quế Sơn",
    "Tam Kỳ",
    "Tây Giang",
    "Thăng Bình",
    "Tiên Phước",
]


@pytest.mark.parametrize("seed", range(5))
def test_a_list_of_districts_is_put_in_order_whatever_order_it_came_in(seed: int) -> None:
    mixed = IN_ORDER.copy()
    random.Random(seed).shuffle(mixed)
    assert sorted(mixed, key=sort_key) == IN_ORDER


@pytest.mark.parametrize("vowel", sorted(TONED))
def test_the_six_tones_of_a_syllable_stand_in_their_order(vowel: str) -> None:
    backwards = TONED[vowel][::-1]
    assert sorted(backwards, key=sort_key) == TONED[vowel]
    assert sorted((f"t{one}ng" for one in backwards), key=sort_key) == [f"t{one}ng" for one in TONED[vowel]]


@given(st.permutations(ALPHABET))
def test_the_letters_stand_in_the_order_of_the_alphabet(letters: list[str]) -> None:
    assert "".join(sorted(letters, key=sort_key)) == ALPHABET


@given(NAMES, NAMES, NAMES)
def test_the_order_is_total_and_leads_in_no_circle(one: str, other: str, third: str) -> None:
    first, second, last = sorted([one, other, third], key=sort_key)
    assert sort_key(first) <= sort_key(second) <= sort_key(last)
    if sort_key(one) == sort_key(other):
        assert one.split() == other.split()


@given(NAMES)
def test_case_and_composition_and_spaces_do_not_move_a_name(name: str) -> None:
    for form in (unicodedata.normalize("NFD", name), f"  {name}  ", name.replace(" ", "   ")):
        assert search_key(form) == search_key(name)
        assert spoken_key(form) == spoken_key(name)
        assert same_name(form, name)
    assert search_key(name.upper()) == search_key(name)
    assert same_name(name.upper(), name)


@given(NAMES)
def test_a_key_holds_nothing_but_plain_letters_and_single_spaces(name: str) -> None:
    key = search_key(name)
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz ")
    assert key == " ".join(key.split())
    assert squashed(key) == key.replace(" ", "")


@given(NAMES, st.integers(1, 5))
def test_another_tone_is_another_name_under_the_same_key(name: str, turn: int) -> None:
    at = next(place for place, letter in enumerate(name) if any(letter in tones for tones in TONED.values()))
    tones = next(tones for tones in TONED.values() if name[at] in tones)
    other = name[:at] + tones[(tones.index(name[at]) + turn) % 6] + name[at + 1 :]
    assert search_key(other) == search_key(name)
    assert not same_name(other, name)
    assert sort_key(other) != sort_key(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("hòa", "hoà"), ("thủy", "thuỷ"), ("khỏe", "khoẻ"), ("Hóa", "Hoá"), ("lũy", "luỹ"), ("xòa", "xoà")],
)
def test_a_tone_on_either_vowel_is_the_same_syllable(one: str, other: str) -> None:
    assert same_name(one, other)
    assert spoken_key(one) == spoken_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("An", "Ân"),
        ("Dương", "Đương"),
        ("Trần", "Trân"),
        ("Lê", "Le"),
        ("Mơ", "Mo"),
        ("Tư", "Tu"),
        ("A B", "AB"),
    ],
)
def test_marks_and_spaces_tell_names_apart(one: str, other: str) -> None:
    assert not same_name(one, other)


@pytest.mark.parametrize(
    ("given", "stored"),
    [("e\u0301", "é"), (" a ", "a"), ("\u00a0a", "a"), ("", ""), ("   ", ""), ("A\u030a", "Å"), ("ﬁ", "ﬁ")],
)
def test_a_text_is_stored_composed_and_without_spaces_around_it(given: str, stored: str) -> None:
    assert nfc(given) == stored


@pytest.mark.parametrize(
    ("key", "bare"),
    [
        ("xa que minh", "que minh"),
        ("phuong an my", "an my"),
        ("thi tran nui thanh", "nui thanh"),
        ("thi xa dien ban", "dien ban"),
        ("thanh pho tam ky", "tam ky"),
        ("tp tam ky", "tam ky"),
        ("tp.tam ky", "tam ky"),
        ("tx. dien ban", "dien ban"),
        ("xa xa lan", "xa lan"),
        ("xa", "xa"),
        ("xanh", "xanh"),
        ("huyen", "huyen"),
        ("tinh quang nam", "quang nam"),
        ("dac khu ly son", "ly son"),
    ],
)
def test_the_kind_before_a_name_is_taken_away_once(key: str, bare: str) -> None:
    assert without_kind(key) == bare


@given(st.text(max_size=60))
def test_any_text_has_its_keys(text: str) -> None:
    assert search_key(search_key(text)) == search_key(text)
    assert isinstance(sort_key(text), str)
    assert same_name(text, text)


def test_a_page_of_text_is_no_name_and_costs_nothing() -> None:
    assert nearest("x" * (NEAREST_TEXT_MAX + 1), ["x" * (NEAREST_TEXT_MAX + 1)]) in (
        [],
        ["x" * (NEAREST_TEXT_MAX + 1)],
    )
    assert nearest("xã " * 10_000, ["Xã Quế Minh"]) == []


@given(st.sampled_from(IN_ORDER))
def test_a_name_with_one_letter_missing_is_still_offered(name: str) -> None:
    if len(name) > 5:
        assert name in nearest(name[:-1], IN_ORDER, limit=5)
