"""`fundtrail annex check`: what it prints and the status it ends with."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from deploy.cli.main import main

HEADER = ("STT", "Danh mục", "Kế hoạch vốn", "Ghi chú")


@pytest.fixture
def annex(tmp_path: Path) -> Path:
    return written(tmp_path / "annex.xlsx", 10_000)


def written(path: Path, total: int) -> Path:
    rows: list[tuple[Any, ...]] = [
        ("ĐVT: triệu đồng",),
        HEADER,
        ("", "TỔNG SỐ", total),
        (1, "Nghĩa trang liệt sĩ xã Quế Lâm", 8_000),
        (2, "Tượng đài", 2_000),
    ]
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    page = book.add_worksheet()
    for number, row in enumerate(rows):
        page.write_row(number, 0, row)
    book.close()
    path.write_bytes(target.getvalue())
    return path


def test_a_sound_annex_ends_with_zero_and_the_agreed_keys(
    annex: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["annex", "check", str(annex), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report.pop("items")[0]["amount_vnd"] == 8_000_000_000
    (unmatched,) = report.pop("unmatched")
    assert (unmatched["row"], unmatched["text"]) == (5, "Tượng đài")
    assert isinstance(unmatched["nearest"], list)
    assert report == {
        "file": str(annex),
        "unit": "triệu đồng",
        "lines": 2,
        "total_vnd": 10_000_000_000,
        "tied": True,
        "problems": [],
        "matched_units": 1,
    }


def test_problems_end_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "annex.xlsx", 9_000)
    assert main(["annex", "check", str(file), "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert set(problem) == {"row", "column", "code", "message"}
    assert (problem["row"], problem["column"], problem["code"]) == (3, "C", "sums_do_not_tie")


def test_a_file_of_a_wrong_type_is_a_problem_like_any_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "annex.xlsx"
    file.write_bytes(b"%PDF-1.7")
    assert main(["annex", "check", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["code"] == "wrong_type"


def test_a_file_that_cannot_be_opened_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (tmp_path / "missing.xlsx", tmp_path):
        assert main(["annex", "check", str(file), "--json"]) == 2
        report = json.loads(capsys.readouterr().out)
        assert report["problems"][0]["code"] == "file_not_readable"
        assert report["total_vnd"] is None


def test_units_are_those_of_the_date(annex: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annex", "check", str(annex), "--on", "2024-08-01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["matched_units"] == 1
    assert main(["annex", "check", str(annex), "--on", "2025-08-01", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [problem["code"] for problem in report["problems"]] == ["unit_unknown"]
    assert report["matched_units"] == 0


def test_people_read_sentences(annex: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annex", "check", str(annex)]) == 0
    text = capsys.readouterr().out
    assert "2 lines, total 10.000.000.000 đồng" in text
    assert 'row 5: no unit in "Tượng đài"' in text
    assert text.endswith("no problems\n")
    assert main(["annex", "check", str(written(tmp_path / "wrong.xlsx", 1))]) == 1
    assert "C3: sums_do_not_tie" in capsys.readouterr().out


def test_a_file_beyond_the_bound_is_not_read_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "annex.csv"
    with file.open("wb") as stream:
        stream.truncate(50_000_000)
    assert main(["annex", "check", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["code"] == "file_too_large"


def test_a_wrong_date_is_explained(annex: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["annex", "check", str(annex), "--on", "24/7/2024"])
    assert caught.value.code == 2
