"""Printed texts and the units they mean; the names are a small part of the real list."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.unit_names import MEMORY_MAX, NAME_WORDS_MAX, Match, UnitName, UnitNames


def unit(number: int, name: str, parent: str | None, lineage: int | None = None) -> UnitName:
    kind = " ".join(name.split()[: 2 if name.lower().startswith(("thị", "thành")) else 1])
    return UnitName(UUID(int=number), name, kind, parent, None if lineage is None else UUID(int=lineage))


PROVINCE = "Tỉnh Quảng Nam"
UNITS = [
    unit(49, PROVINCE, None),
    unit(502, "Thành phố Tam Kỳ", PROVINCE),
    unit(507, "Thị xã Điện Bàn", PROVINCE),
    unit(509, "Huyện Quế Sơn", PROVINCE),
    unit(511, "Huyện Phước Sơn", PROVINCE),
    unit(517, "Huyện Núi Thành", PROVINCE),
    unit(1, "Xã Quế Minh", "Huyện Quế Sơn"),
    unit(2, "Xã Quế An", "Huyện Quế Sơn"),
    unit(3, "Phường Phước Hòa", "Thành phố Tam Kỳ"),
    unit(4, "Xã Phước Hoà", "Huyện Phước Sơn"),
    unit(5, "Thị trấn Núi Thành", "Huyện Núi Thành"),
    unit(6, "Xã Tam Dân", "Huyện Phú Ninh"),
    unit(7, "Xã Tam Đàn", "Huyện Phú Ninh"),
    unit(8, "Xã Ba", "Huyện Đông Giang"),
    unit(9, "Xã A Xan", "Huyện Tây Giang"),
    unit(10, "Xã Lăng", "Huyện Tây Giang"),
    unit(11, "Xã Quế Xuân 1", "Huyện Quế Sơn"),
    unit(12, "Xã Phước Hiệp", "Huyện Phước Sơn", lineage=12),
    unit(13, "Xã Phước Hiệp", "Thành phố Đà Nẵng", lineage=12),
]
NAMES = UnitNames(UNITS)


def found(text: str, *headings: str) -> str | None:
    match = NAMES.find(text, headings)
    return match.unit.name if match.unit else None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Xã Quế Minh", "Xã Quế Minh"),
        ("xã  quế minh", "Xã Quế Minh"),
        ("XÃ QUẾ MINH", "Xã Quế Minh"),
        ("Quế Minh", "Xã Quế Minh"),
        ("que minh", "Xã Quế Minh"),
        ("Xa Que Minh", "Xã Quế Minh"),
        ("Nghĩa trang liệt sĩ xã Quế Minh", "Xã Quế Minh"),
        ("Nâng cấp nghĩa trang Quế Minh (đợt 1)", "Xã Quế Minh"),
        ("NTLS xã Quế Minh, huyện Quế Sơn, tỉnh Quảng Nam", "Xã Quế Minh"),
        ("TP. Tam Kỳ", "Thành phố Tam Kỳ"),
        ("TX Điện Bàn", "Thị xã Điện Bàn"),
        ("Trung tâm y tế huyện Quế Sơn", "Huyện Quế Sơn"),
        ("Xã Axan", "Xã A Xan"),
        ("Xã Ba", "Xã Ba"),
        ("Ba", "Xã Ba"),
        ("Xã Quế Xuân 1", "Xã Quế Xuân 1"),
        ("Tam Dân", "Xã Tam Dân"),
        ("xã Tam Đàn", "Xã Tam Đàn"),
        ("thị trấn Quế Minh", "Xã Quế Minh"),
        ("phường Phước Hoà", "Phường Phước Hòa"),
        ("xã Quế Minh (thành phố Đà Lạt hỗ trợ)", "Xã Quế Minh"),
    ],
)
def test_finds_the_unit_that_is_meant(text: str, name: str) -> None:
    assert found(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "Nâng cấp đường Lăng Cô", "Mua ba máy", "Bảo trợ xã hội", "BẢO TRỢ XÃ HỘI", "Hỗ trợ các huyện nghèo",
        "Sửa chữa nghĩa trang", "Trường học", "", "(1)", "xã",
    ],
)  # fmt: skip
def test_a_work_names_no_unit_and_is_no_mistake(text: str) -> None:
    match = NAMES.find(text)
    assert match.unit is None
    assert not match.meant


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("xã Quế Mihn", "Xã Quế Minh"),
        ("Quế Mihn", "Xã Quế Minh"),
        ("Nghĩa trang liệt sĩ xã Quế Mihn, huyện Quế Sơn", "Xã Quế Minh"),
        ("Huyện Quế Sown", "Huyện Quế Sơn"),
    ],
)
def test_a_misspelt_name_is_a_mistake_with_an_offer(text: str, nearest: str) -> None:
    match = NAMES.find(text)
    assert match.unit is None
    assert match.meant
    assert match.nearest[0] == nearest


def test_a_name_nobody_knows_is_a_mistake_when_its_kind_is_written() -> None:
    assert NAMES.find("Xã Atlantis").meant
    assert not NAMES.find("Atlantis").meant


def test_proper_names_inside_a_work_bring_offers_without_being_mistakes() -> None:
    match = NAMES.find("Nâng cấp nghĩa trang liệt sĩ Quế Minhh")
    assert not match.meant
    assert match.nearest[0] == "Xã Quế Minh"


def test_one_name_in_two_districts_is_a_question() -> None:
    match = NAMES.find("Phước Hòa")
    assert match.unit is None
    assert match.meant
    assert [unit.label for unit in match.candidates] == [
        "Phường Phước Hòa (Thành phố Tam Kỳ)", "Xã Phước Hoà (Huyện Phước Sơn)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "name"), [("I. Huyện Phước Sơn", "Xã Phước Hoà"), ("Thành phố Tam Kỳ", "Phường Phước Hòa")]
)
def test_the_heading_says_which_district(heading: str, name: str) -> None:
    assert found("Phước Hòa", heading) == name
    assert found("Phước Hòa", "Vốn sự nghiệp", heading) == name


def test_the_district_in_the_text_itself_says_it_too() -> None:
    assert found("Nhà bia Phước Hòa, huyện Phước Sơn") == "Xã Phước Hoà"


def test_a_bare_name_means_the_district_unless_it_stands_in_it() -> None:
    assert found("Núi Thành") == "Huyện Núi Thành"
    assert found("thị trấn Núi Thành") == "Thị trấn Núi Thành"
    assert found("Núi Thành", "Huyện Núi Thành") == "Thị trấn Núi Thành"


def test_text_without_marks_cannot_tell_names_apart_that_only_marks_part() -> None:
    assert len(NAMES.find("Tam Dan").candidates) == 2


def test_a_work_across_two_units_waits_for_a_person() -> None:
    match = NAMES.find("Đường Quế Minh - Quế An")
    assert match == Match(nearest=("Xã Quế Minh", "Xã Quế An"))


def test_one_name_carried_through_time_is_its_latest_bearer() -> None:
    match = NAMES.find("xã Phước Hiệp")
    assert match.unit == UNITS[-1]
    assert found("Phước Hiệp", "Huyện Phước Sơn") == "Xã Phước Hiệp"


def test_without_an_offer_nothing_is_compared() -> None:
    assert NAMES.find("xã Quế Mihn", offer=False) == Match(meant=True)
    assert NAMES.find("Quế Mihn", offer=False) == Match()


def test_memory_of_what_was_read_stays_bounded() -> None:
    names = UnitNames(UNITS)
    for number in range(MEMORY_MAX + 2):
        names.find(f"việc số {number}", offer=False)
    assert names.remembered <= MEMORY_MAX


@given(st.text(max_size=80))
def test_any_text_gets_an_answer(text: str) -> None:
    match = NAMES.find(text, (text,))
    assert match.unit is None or match.unit in UNITS


@given(st.sampled_from(UNITS), st.sampled_from(["Nghĩa trang ", "Trường tiểu học ", ""]))
def test_every_unit_is_found_by_its_own_full_name(wanted: UnitName, before: str) -> None:
    match = NAMES.find(before + wanted.name)
    assert match.unit is not None
    assert match.unit.name == wanted.name
    assert len(wanted.name.split()) <= NAME_WORDS_MAX


def test_counts_names() -> None:
    assert len(NAMES) == len({unit.name for unit in UNITS})
