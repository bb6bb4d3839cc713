"""Pay lists read and result lists written, judged by the service that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from deploy.outside import provider_post
from deploy.outside.caught import Caught
from deploy.outside.folders import PARTIAL, whole_or_nothing
from deploy.outside.outcomes import REASONS_OF_POST, Result, outcome_of
from deploy.outside.provider import SEED, Unreadable
from deploy.outside.provider_post import Line, read_list, results
from services.beneficiaries.channels import post_list
from services.beneficiaries.channels.lines import PayLine
from services.beneficiaries.lists.model import PaymentList, State, list_id_of
from services.beneficiaries.reconciliation import post_result
from services.beneficiaries.reconciliation.model import REASONS, Outcome
from shared.kernel.ids import id_of
from tests.unit.beneficiaries.conftest import NUI_THANH, month

HEADINGS = ("STT", "Mã chi trả", "Số tiền (đồng)")


def pay_list(folder: Path, count: int) -> tuple[Path, list[PayLine]]:
    """A list as the beneficiaries service sends it."""
    lines = [
        PayLine(id_of("payment", n), f"QN-{n:05d}", "Nguyễn Thị Hoà", 1948, 1_000_000 + n, None, None)
        for n in range(count)
    ]
    provider = "POST-QNA"
    listed = PaymentList(
        list_id_of(month("2024-08"), NUI_THANH, provider),
        month("2024-08"),
        NUI_THANH,
        provider,
        "post",
        State.INSTRUCTED,
        1,
        count,
        sum(line.amount_vnd for line in lines),
        "hash",
        "lan",
        1,
    )
    path = folder / "list.xlsx"
    path.write_bytes(post_list.write(listed, "Huyện Núi Thành", lines))
    return path, lines


def sheet(folder: Path, rows: Sequence[Sequence[Any]]) -> Path:
    path = folder / "list.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return path


def test_a_list_of_the_service_is_read_line_by_line_with_its_id_and_day(tmp_path: Path) -> None:
    path, lines = pay_list(tmp_path, 20)
    found = list(read_list(path))
    assert [(one.payment_id, one.amount) for one in found] == [
        (str(line.payment_id), line.amount_vnd) for line in lines
    ]
    assert {one.pay_on for one in found} == {date(2024, 8, 5)}
    assert {one.list_id for one in found} == {str(list_id_of(month("2024-08"), NUI_THANH, "POST-QNA"))}


def test_what_the_post_answers_the_service_understands(tmp_path: Path) -> None:
    path, lines = pay_list(tmp_path, 400)
    provider_post.answer(path, tmp_path / "result.xlsx", SEED)
    answers = {one.reference: one for one in post_result.read((tmp_path / "result.xlsx").read_bytes())}
    for line in lines:
        outcome = outcome_of(SEED, str(line.payment_id), REASONS_OF_POST)
        answer = answers.get(str(line.payment_id))
        if outcome.result is Result.SILENT:
            assert answer is None
            continue
        assert answer is not None
        assert (answer.amount_vnd, answer.value_on) == (line.amount_vnd, date(2024, 8, 5))
        assert (answer.outcome is Outcome.RETURNED) == (outcome.result is Result.RETURNED)
        assert answer.reason_code == outcome.reason
    assert any(one.outcome is Outcome.RETURNED for one in answers.values())


def test_about_every_silent_payment_no_row_is_written() -> None:
    lines = [Line(f"payment-{n}", "L1", 5, date(2024, 8, 5)) for n in range(5_000)]
    rows = list(results(lines, SEED))
    silent = [
        one for one in lines if outcome_of(SEED, one.payment_id, REASONS_OF_POST).result is Result.SILENT
    ]
    assert silent
    assert {row[0] for row in rows} == {one.payment_id for one in lines} - {one.payment_id for one in silent}
    assert sum(row[3] == "Chưa trả" for row in rows) == sum(bool(row[4]) for row in rows) > 0


def test_every_reason_of_a_return_is_one_that_the_service_knows() -> None:
    assert set(REASONS_OF_POST) <= REASONS.keys()


def test_columns_are_found_by_their_headings_wherever_they_stand(tmp_path: Path) -> None:
    rows = [
        ("DANH SÁCH CHI TRẢ THÁNG 09/2024",),
        ("Mã danh sách: L-7",),
        (),
        ("amount", "x", "payment_id"),
        (5, "", "P1"),
        ("7", "", " P2 "),
        (12, "", ""),
    ]
    assert list(read_list(sheet(tmp_path, rows))) == [
        Line("P1", "L-7", 5, date(2024, 9, 5)),
        Line("P2", "L-7", 7, date(2024, 9, 5)),
    ]


@pytest.mark.parametrize("amount", [0, -5, 1.5, "0", "-5", "1.000", "năm", ""])
def test_an_amount_that_is_no_whole_number_above_nought_is_named_with_its_row(
    tmp_path: Path, amount: object
) -> None:
    path = sheet(tmp_path, [HEADINGS, (1, "P1", 5), (2, "P2", amount)])
    with pytest.raises(Unreadable, match=r"row 3: the amount .* is no whole number of đồng above 0"):
        list(read_list(path))


@pytest.mark.parametrize("month_text", ["13/2024", "00/2024", "08/0000"])
def test_a_month_that_does_not_exist_refuses_the_list_and_does_not_stop_the_post(
    tmp_path: Path, month_text: str
) -> None:
    path = sheet(tmp_path, [(f"DANH SÁCH THÁNG {month_text}",), HEADINGS, (1, "P1", 5)])
    with pytest.raises(Unreadable, match="a month that does not exist"):
        provider_post.answer(path, tmp_path / "result.xlsx", SEED)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04"])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=r"list\.xlsx is no XLSX that can be read"):
        list(read_list(path))


def test_a_list_without_its_headings_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no row with the headings Mã chi trả and Số tiền"):
        list(read_list(sheet(tmp_path, [("STT", "Họ tên"), (1, "A")])))


def test_nothing_in_a_result_becomes_a_formula_or_a_link(tmp_path: Path) -> None:
    path = tmp_path / "result.xlsx"
    provider_post.write_results(path, [("=1+1", "http://x", 5, "Đã trả", "", "2024-08-05")])
    (answer,) = post_result.read(path.read_bytes())
    assert answer.reference == "=1+1"


def test_an_answer_that_failed_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    path = sheet(tmp_path, [HEADINGS, (1, "P1", 5), (2, "P2", -5)])
    target = tmp_path / "result.xlsx"
    with pytest.raises(Unreadable), whole_or_nothing(target) as place:
        provider_post.answer(path, place, SEED)
    assert not target.exists()
    assert not target.with_name(target.name + PARTIAL).exists()


def test_what_was_caught_survives_a_restart_and_repeats_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "sms" / "caught.jsonl"
    first = Caught(path)
    assert first.keep({"id": "m1", "text": "Đã duyệt"})
    assert not first.keep({"id": "m1", "text": "changed"})
    assert first.keep({"id": "m2", "text": "x"})
    again = Caught(path)
    assert first.counts() == again.counts() == {"count": 2, "received": 3}
    assert again.find("m1") == {"id": "m1", "text": "Đã duyệt"}
    assert again.find("m3") is None
    assert not again.keep({"id": "m2"})
