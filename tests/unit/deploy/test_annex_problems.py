"""Every kind of problem of an annex, as JSON and as sentences, through the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.cli.annex import as_object, as_text
from deploy.cli.main import main
from services.allocation.annexes.reading import unreadable

HEAD = "ĐVT: triệu đồng;;;\nSTT;Danh mục;Kế hoạch vốn;Ghi chú\n"
KEYS = {"file", "unit", "lines", "total_vnd", "tied", "problems", "matched_units", "unmatched", "items"}

Check = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Status and JSON of `annex check` for a text; its sentences must agree with the JSON."""

    def run(text: str | bytes, name: str = "annex.csv", *options: str) -> tuple[int, dict[str, Any]]:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        status = main(["annex", "check", str(file), "--json", *options])
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert main(["annex", "check", str(file), *options]) == status
        sentences = capsys.readouterr().out
        for problem in report["problems"]:
            assert f"{problem['code']}: {problem['message']}" in sentences
        assert ("no problems" in sentences) == (not report["problems"])
        return status, report

    return run


def rows(*lines: str) -> str:
    return HEAD + "\n".join(lines) + "\n"


SOUND = rows(
    ";TỔNG SỐ;3000;", "1;Nghĩa trang liệt sĩ xã Quế Lâm;2000;", "2;Nghĩa trang liệt sĩ xã Quế Minh;1000;"
)


def test_a_sound_annex_has_all_keys_and_no_problem(checked: Check) -> None:
    status, report = checked(SOUND)
    assert status == 0
    assert report.keys() == KEYS
    assert (report["lines"], report["total_vnd"], report["tied"]) == (2, 3_000_000_000, True)
    assert sum(item["amount_vnd"] for item in report["items"]) == report["total_vnd"]
    assert report["matched_units"] == 2


@pytest.mark.parametrize(
    ("text", "code", "row"),
    [
        (SOUND.replace("3000", "3001"), "sums_do_not_tie", 3),
        (SOUND.replace("Quế Minh", "Quế Minhh"), "unit_unknown", 5),
        (SOUND.replace("1000", "-1000"), "amount_negative", 5),
        (
            SOUND.replace("2;Nghĩa trang liệt sĩ xã Quế Minh;1000", "2;Nghĩa trang liệt sĩ xã Quế Lâm;1000"),
            "duplicate_line",
            5,
        ),
        (SOUND.replace("1000", "một nghìn"), "amount_not_a_number", 5),
        (SOUND.replace("1000", ""), "amount_missing", 5),
        (SOUND.replace("ĐVT: triệu đồng", "Phụ lục"), "unit_of_measure_missing", None),
    ],
)
def test_a_problem_has_its_row_its_code_and_a_message(
    checked: Check, text: str, code: str, row: int | None
) -> None:
    status, report = checked(text)
    assert status == 1
    assert [(problem["code"], problem["row"]) for problem in report["problems"]] == [(code, row)]
    assert all(problem["message"].rstrip().endswith((".", "?", ")")) for problem in report["problems"])


def test_all_problems_are_told_at_once(checked: Check) -> None:
    text = SOUND.replace("3000", "9999").replace("1000", "abc").replace("Quế Lâm", "Quế Lamm")
    _, report = checked(text)
    assert {problem["row"] for problem in report["problems"]} >= {4, 5}
    assert len(report["problems"]) >= 2


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"%PDF-1.7", "annex.xlsx", "wrong_type"),
        (b"", "annex.csv", "sheet_empty"),
        (b"a,b,c", "annex.pdf", "wrong_type"),
        (b"\xe1\xe0,x", "annex.csv", "encoding_unknown"),
        (b"PK\x03\x04 cut off", "annex.xlsx", "file_damaged"),
        (bytes.fromhex("d0cf11e0a1b11ae1"), "annex.xls", "file_damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem_of_the_whole_file(
    checked: Check, content: bytes, name: str, code: str
) -> None:
    status, report = checked(content, name)
    assert status == 1
    (problem,) = report["problems"]
    assert (problem["code"], problem["row"], problem["column"]) == (code, None, None)
    assert (report["lines"], report["total_vnd"], report["tied"], report["unmatched"]) == (0, None, False, [])


@pytest.mark.parametrize(
    ("measure", "factor"),
    [("đồng", 1), ("nghìn đồng", 1_000), ("triệu đồng", 1_000_000), ("tỷ đồng", 1_000_000_000)],
)
def test_amounts_are_in_the_unit_that_the_sheet_says(checked: Check, measure: str, factor: int) -> None:
    status, report = checked(SOUND.replace("triệu đồng", measure))
    assert status == 0
    assert report["unit"] == measure
    assert report["total_vnd"] == 3_000 * factor


def test_a_work_without_a_unit_is_unmatched_and_no_problem(checked: Check) -> None:
    status, report = checked(SOUND.replace("Nghĩa trang liệt sĩ xã Quế Minh", "Tượng đài"))
    assert status == 0
    assert [(one["row"], one["text"]) for one in report["unmatched"]] == [(5, "Tượng đài")]


def test_a_misspelt_unit_is_offered_the_nearest_names(checked: Check) -> None:
    _, report = checked(SOUND.replace("Quế Minh", "Quế Mnih"))
    problem = next(one for one in report["problems"] if one["row"] == 5)
    assert "Quế Minh" in problem["message"]


def test_letters_and_marks_typed_apart_are_the_same_unit(checked: Check) -> None:
    _, report = checked(SOUND.replace("Quế Minh", "Que\u0302\u0301 Minh"))
    assert (report["problems"], report["matched_units"]) == ([], 2)


def test_units_are_judged_as_they_stood_on_the_day(checked: Check) -> None:
    assert checked(SOUND, "annex.csv", "--on", "2024-08-01")[0] == 0
    status, report = checked(SOUND, "annex.csv", "--on", "2025-08-01")
    assert status == 1
    assert {problem["code"] for problem in report["problems"]} == {"unit_unknown"}


def test_a_report_of_nothing_is_still_whole() -> None:
    report = unreadable("a.xlsx", "wrong_type", "It is no table.")
    assert as_object(report).keys() == KEYS
    text = as_text(report)
    assert "total not known" in text
    assert "unit of measure: not known" in text
    assert "  file: wrong_type: It is no table.\n" in text
    assert text.endswith("1 problems\n")
