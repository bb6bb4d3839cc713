"""A decision from an officer's desk to force: by hand, from an annex, by a formula, on paper."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from playwright.sync_api import Page

from tests.browser.colleagues import here
from tests.browser.desk import Desk

OFFICER, CHECKER, HEAD = here("ctv.taichinh"), here("td.taichinh"), here("ld.ubnd")
DAY = "2024-08-20"
ARTICLE = "55-79"
Ask = Callable[..., Any]


@contextmanager
def sits_on_the_day(desk: Desk, username: str, **options: Any) -> Iterator[Page]:  # noqa: ANN401 - of the desk
    """Somebody at a browser, whose acts are of a day in 2024."""
    with desk.sits(username, day=DAY, **options) as page:
        yield page


def fill_header(page: Page, title: str, kind: str = "appropriation") -> None:
    page.fill("#title", title)
    page.select_option("#kind", kind)
    page.select_option("#issuing_unit_id", label="Tỉnh Quảng Nam")
    page.select_option("#component", "poverty-P2")
    chosen = page.locator("#article_id option", has_text=ARTICLE).first.get_attribute("value")
    page.select_option("#article_id", chosen)
    page.check("#demonstration")


def confirm(desk: Desk, page: Page, username: str, button: str) -> None:
    """The form is sent by who shows once more who they are."""
    page.fill("#secret", desk.secret(username))
    page.get_by_role("button", name=button).click()
    assert page.locator(".govuk-error-summary").count() == 0, page.inner_text("main")


def annex(rows: list[tuple[str, int | str]], total: int) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("Phụ lục")
        sheet.write_column(0, 0, ["PHỤ LỤC", "ĐVT: triệu đồng"])
        sheet.write_row(2, 0, ["STT", "Danh mục", "Kế hoạch vốn", "Ghi chú"])
        sheet.write_row(3, 1, ["TỔNG SỐ", total])
        for number, (text, amount) in enumerate(rows, 1):
            sheet.write_row(3 + number, 0, [number, text, amount])
    return buffer.getvalue()


def upload(page: Page, folder: Path, content: bytes, button: str = "Kiểm tra và lưu bản nháp") -> None:
    path = folder / "phu-luc.xlsx"
    path.write_bytes(content)
    page.set_input_files("#file", path)
    page.get_by_role("button", name=button).click()


def paste(page: Page, field: str, block: str) -> None:
    """The block from a clipboard, pasted into a field."""
    page.evaluate(
        """([field, block]) => {
          const data = new DataTransfer();
          data.setData("text/plain", block);
          const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
          document.querySelector(field).dispatchEvent(event);
        }""",
        [field, block],
    )


def test_a_decision_goes_from_desk_to_desk(desk: Desk, ask: Ask) -> None:
    title = f"Giao dự toán thử {time.time_ns()}"
    with sits_on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}/decisions/new")
        fill_header(page, title)
        page.fill("#lines-1-text", "Kinh phí sinh kế")
        page.fill("#lines-1-amount_vnd", "1.466.875.000")
        page.get_by_role("button", name="Lưu bản nháp").click()
        assert page.locator("h1").inner_text() == title
        page.get_by_role("button", name="Trình thẩm định").click()
        assert "Đã trình thẩm định." in page.inner_text("main")
        path = page.url.removeprefix(desk.base)
    with sits_on_the_day(desk, CHECKER) as page:
        page.goto(desk.base + path)
        page.get_by_role("button", name="Trả lại").click()
        page.fill("#reason", "Thiếu thuyết minh")
        confirm(desk, page, CHECKER, "Trả lại quyết định này")
        assert "Thiếu thuyết minh" in page.inner_text(".ft-timeline")
    with sits_on_the_day(desk, OFFICER) as page:
        page.goto(desk.base + path)
        page.get_by_role("button", name="Trình thẩm định").click()
    with sits_on_the_day(desk, CHECKER) as page:
        page.goto(desk.base + path)
        page.get_by_role("button", name="Thẩm định, duyệt").click()
        assert "1.466.875.000" in page.inner_text("main")
        confirm(desk, page, CHECKER, "Duyệt quyết định này")
    number = f"{time.time_ns() % 10**9}/QĐ-UBND"
    with sits_on_the_day(desk, HEAD) as page:
        page.goto(desk.base + path)
        page.get_by_role("button", name="Ban hành").click()
        page.fill("#number", number)
        page.fill("#issued_on", DAY)
        confirm(desk, page, HEAD, "Ban hành quyết định này")
        assert number in page.inner_text("main")
        assert page.locator(".ft-timeline li").count() == 6
    stored = ask(OFFICER, "allocation", f"/v1{path}")
    assert (stored["state"], stored["number"], stored["total_vnd"]) == ("issued", number, 1_466_875_000)


def drafted(desk: Desk, page: Page, title: str, **amounts: str) -> str:
    """The path of a decision written by hand, a line for each text with its amount."""
    page.goto(f"{desk.base}/decisions/new")
    fill_header(page, title)
    for row, (text, amount) in enumerate(amounts.items()):
        page.fill(f"#lines-{row}-text", text)
        page.fill(f"#lines-{row}-amount_vnd", amount)
    page.get_by_role("button", name="Lưu bản nháp").click()
    assert page.locator("h1").inner_text() == title
    return page.url.removeprefix(desk.base)


def test_what_came_back_is_corrected_from_home_and_approved(desk: Desk, ask: Ask) -> None:
    title = f"Giao dự toán phải sửa {time.time_ns()}"
    with sits_on_the_day(desk, OFFICER) as page:
        path = drafted(desk, page, title, Giống="1.000.000", Vật_tư="2.000.000")
        page.get_by_role("button", name="Trình thẩm định").click()
    with desk.sits(CHECKER) as page:
        page.goto(f"{desk.base}{path}/return")
        page.fill("#reason", "Sai số tiền dòng 2")
        confirm(desk, page, CHECKER, "Trả lại quyết định này")
    with sits_on_the_day(desk, OFFICER) as page:
        page.goto(desk.base)
        page.get_by_role("link", name=title).click()
        assert page.url == f"{desk.base}{path}/edit/hand"
        assert "Sai số tiền dòng 2" in page.inner_text("main")
        assert page.input_value("#title") == title
        lines = [page.input_value(f"#lines-{row}-amount_vnd") for row in range(3)]
        assert lines == ["1.000.000", "2.000.000", ""]
        page.get_by_role("button", name="Lưu nội dung đã sửa").click()
        assert "Chưa có gì được sửa" in page.inner_text(".govuk-error-summary")
        page.fill("#lines-1-amount_vnd", "7.000.000")
        page.get_by_role("button", name="Lưu nội dung đã sửa").click()
        assert "Đã lưu nội dung sửa" in page.inner_text("main")
        page.get_by_role("button", name="Trình thẩm định").click()
        assert "Sửa nội dung" in page.inner_text(".ft-timeline")
    with desk.sits(CHECKER) as page:
        page.goto(f"{desk.base}{path}/approval")
        assert "8.000.000" in page.inner_text("main")
        confirm(desk, page, CHECKER, "Duyệt quyết định này")
    stored = ask(OFFICER, "allocation", f"/v1{path}")
    assert (stored["state"], stored["total_vnd"]) == ("approved", 8_000_000)


def test_who_was_slower_is_told_and_keeps_what_was_typed(desk: Desk, ask: Ask) -> None:
    with sits_on_the_day(desk, OFFICER) as page:
        path = drafted(desk, page, f"Giao dự toán hai người sửa {time.time_ns()}", Giống="1.000.000")
        page.goto(f"{desk.base}{path}/edit/hand")
        with sits_on_the_day(desk, OFFICER) as other:
            other.goto(f"{desk.base}{path}/edit/hand")
            other.fill("#lines-0-amount_vnd", "2.000.000")
            other.get_by_role("button", name="Lưu nội dung đã sửa").click()
        page.fill("#lines-0-text", "Giống lúa")
        page.get_by_role("button", name="Lưu nội dung đã sửa").click()
        assert "phiên bản 2" in page.inner_text("main")
        assert page.input_value("#lines-0-text") == "Giống lúa"
        assert page.input_value("#lines-0-amount_vnd") == "1.000.000"
        assert ask(OFFICER, "allocation", f"/v1{path}")["total_vnd"] == 2_000_000
        page.get_by_role("button", name="Lưu nội dung đã sửa").click()
        assert "Đã lưu nội dung sửa" in page.inner_text("main")
    stored = ask(OFFICER, "allocation", f"/v1{path}")
    assert (stored["version"], stored["total_vnd"]) == (3, 1_000_000)
    assert stored["lines"][0]["text"] == "Giống lúa"


def test_a_decision_from_an_annex_is_corrected_by_another_file(desk: Desk, ask: Ask, tmp_path: Path) -> None:
    with sits_on_the_day(desk, OFFICER, script=False) as page:
        page.goto(f"{desk.base}/decisions/annex")
        fill_header(page, "Phân bổ phải thay phụ lục", "allocation")
        upload(page, tmp_path, annex([("Xã Trà Mai", 200)], 200))
        path = page.url.removeprefix(desk.base)
        page.get_by_role("button", name="Sửa", exact=True).click()
        assert page.url == f"{desk.base}{path}/edit/annex"
        assert page.input_value("#title") == "Phân bổ phải thay phụ lục"
        assert page.is_checked("#demonstration")
        upload(page, tmp_path, annex([("Xã Trà Maii", 300)], 300), "Lưu nội dung đã sửa")
        assert "Xã Trà Mai" in page.inner_text("main table")
        upload(page, tmp_path, annex([("Xã Trà Mai", 300)], 300), "Lưu nội dung đã sửa")
        assert "300.000.000" in page.inner_text("main")
    stored = ask(OFFICER, "allocation", f"/v1{path}")
    assert (stored["version"], stored["total_vnd"]) == (2, 300_000_000)


def test_a_formula_is_corrected_from_its_inputs(desk: Desk, ask: Ask) -> None:
    with sits_on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}/decisions/formula")
        fill_header(page, "Phân bổ theo số hộ, tính lại", "allocation")
        page.check("#method-count")
        page.fill("#total_vnd", "1.000.000.000")
        for row, (unit, count) in enumerate((("Huyện Nam Trà My", "300"), ("Huyện Bắc Trà My", "700"))):
            page.fill(f"#shares-{row}-unit_id", unit)
            page.fill(f"#shares-{row}-count", count)
        page.get_by_role("button", name="Tính và lưu bản nháp").click()
        path = page.url.removeprefix(desk.base)
        page.get_by_role("button", name="Sửa", exact=True).click()
        assert page.url == f"{desk.base}{path}/edit/formula"
        assert page.is_checked("#method-count")
        assert (page.input_value("#total_vnd"), page.input_value("#shares-1-count")) == (
            "1.000.000.000",
            "700",
        )
        page.fill("#total_vnd", "2.000.000.000")
        page.get_by_role("button", name="Lưu nội dung đã sửa").click()
        assert "2.000.000.000 × 300 / 1.000" in page.inner_text("main")
    assert ask(OFFICER, "allocation", f"/v1{path}")["total_vnd"] == 2_000_000_000


def test_a_decision_is_withdrawn_and_only_read_from_then_on(desk: Desk, ask: Ask) -> None:
    title = f"Giao dự toán lập trùng {time.time_ns()}"
    with sits_on_the_day(desk, OFFICER, script=False) as page:
        path = drafted(desk, page, title, Giống="1.000.000")
        page.get_by_role("button", name="Trình thẩm định").click()
        page.get_by_role("button", name="Rút lại").click()
        page.fill("#secret", desk.secret(OFFICER))
        page.get_by_role("button", name="Rút lại quyết định này").click()
        assert "Lý do: chưa điền." in page.inner_text(".govuk-error-summary")
        page.fill("#reason", "Trùng với quyết định khác")
        confirm(desk, page, OFFICER, "Rút lại quyết định này")
        shown = page.inner_text("main")
        assert "Đã rút" in shown
        assert "Trùng với quyết định khác" in page.inner_text(".ft-timeline")
        for button in ("Trình thẩm định", "Sửa", "Rút lại"):
            assert page.get_by_role("button", name=button, exact=True).count() == 0
        page.goto(f"{desk.base}{path}/paper")
        assert "quyết định đã được rút lại" in page.inner_text("section.paper-page")
        page.goto(f"{desk.base}/decisions?state=withdrawn")
        assert title in page.inner_text("main")
        page.goto(f"{desk.base}{path}/edit/hand")
        assert "không thực hiện được bước này" in page.inner_text("main")
    assert ask(OFFICER, "allocation", f"/v1{path}")["state"] == "withdrawn"


def test_a_block_of_more_rows_than_a_form_takes_fills_none(desk: Desk) -> None:
    with desk.sits(OFFICER) as page:
        page.goto(f"{desk.base}/decisions/new")
        assert "tối đa 500 dòng" in page.inner_text("main")
        paste(page, "#lines-1-text", "\n".join(f"Dòng {row}" for row in range(500)))
        assert "chưa dán dòng nào" in page.inner_text("main")
        assert [page.input_value(f"#lines-{row}-text") for row in (1, 9)] == ["", ""]
        paste(page, "#lines-0-text", "\n".join(f"Dòng {row}" for row in range(500)))
        assert "chưa dán dòng nào" not in page.inner_text("main")
        assert page.input_value("#lines-499-text") == "Dòng 499"


def test_a_wrong_code_approves_nothing(desk: Desk, ask: Ask) -> None:
    waiting = ask(OFFICER, "allocation", "/v1/decisions", state="submitted")["items"][0]["id"]
    with desk.sits(HEAD) as page:
        page.goto(f"{desk.base}/decisions/{waiting}/approval")
        assert "Người thẩm định phân bổ" in page.inner_text("main")
    with desk.sits(CHECKER) as page:
        page.goto(f"{desk.base}/decisions/{waiting}/approval")
        page.fill("#secret", "000000")
        page.get_by_role("button", name="Duyệt quyết định này").click()
        assert "không đúng" in page.inner_text(".govuk-error-summary")
    assert ask(OFFICER, "allocation", f"/v1/decisions/{waiting}")["state"] == "submitted"


def test_a_block_of_a_spreadsheet_is_pasted_and_faults_stand_at_their_row(desk: Desk) -> None:
    with sits_on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}/decisions/new")
        fill_header(page, "Phân bổ dán từ bảng tính", "allocation")
        block = "Sinh kế\tXã Trà Mai\t500.000.000\t\tđợt 1\nSinh kế\tXã Trà Maii\t12,5\t\t"
        paste(page, "#lines-0-text", block)
        assert page.input_value("#lines-0-amount_vnd") == "500.000.000"
        paste(page, "#lines-9-text", "a\nb\nc")
        assert [page.input_value(f"#lines-{row}-text") for row in (10, 11)] == ["b", "c"]
        for row in (9, 10, 11):
            page.fill(f"#lines-{row}-text", "")
        page.get_by_role("button", name="Lưu bản nháp").click()
        assert "Xã Trà Mai" in page.inner_text(".govuk-error-summary")
        assert page.locator("#lines-1-unit_id-fault").count() == 1
        assert page.locator("#lines-1-amount_vnd-fault").count() == 1
        page.fill("#lines-1-unit_id", "Xã Trà Don")
        page.fill("#lines-1-amount_vnd", "250000000")
        page.get_by_role("button", name="Lưu bản nháp").click()
        assert "Huyện Nam Trà My" in page.inner_text("main")
        assert "750.000.000" in page.inner_text("main")


def test_more_rows_come_without_a_script_and_keep_what_was_typed(desk: Desk) -> None:
    with desk.sits(OFFICER, script=False) as page:
        page.goto(f"{desk.base}/decisions/new")
        page.fill("#lines-3-text", "Dòng giữ lại")
        page.get_by_role("button", name="Thêm dòng trống").click()
        assert page.input_value("#lines-3-text") == "Dòng giữ lại"
        assert page.locator("#lines-29-text").count() == 1


def test_an_annex_is_mended_until_it_is_stored(desk: Desk, tmp_path: Path) -> None:
    with sits_on_the_day(desk, OFFICER, script=False) as page:
        page.goto(f"{desk.base}/decisions/annex")
        fill_header(page, "Phân bổ từ phụ lục", "allocation")
        upload(page, tmp_path, annex([("Xã Trà Maii", 200), ("Đường vào khu sản xuất tập trung", "x")], 300))
        table = page.inner_text("main table")
        assert "Xã Trà Mai" in table
        assert "Số tiền không phải là số." in table
        assert page.input_value("#title") == "Phân bổ từ phụ lục"
        rows = [("Xã Trà Mai", 200), ("Đường vào khu sản xuất tập trung", 100)]
        upload(page, tmp_path, annex(rows, 300))
        page.check("#work-6")
        upload(page, tmp_path, annex(rows, 300))
        assert "Đã lưu bản nháp" in page.inner_text("main")
        assert "Công trình, nhiệm vụ" in page.inner_text("main table")
        assert "300.000.000" in page.inner_text("main")


def test_what_is_no_spreadsheet_is_refused_in_words(desk: Desk, tmp_path: Path) -> None:
    with sits_on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}/decisions/annex")
        fill_header(page, "Phân bổ từ phụ lục", "allocation")
        upload(page, tmp_path, b"%PDF-1.7")
        assert "Không phải tệp bảng tính" in page.inner_text("main table")


def test_a_formula_shows_its_arithmetic(desk: Desk) -> None:
    with sits_on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}/decisions/formula")
        page.select_option("#below", label="Huyện Nam Trà My")
        page.get_by_role("button", name="Điền sẵn").click()
        fill_header(page, "Phân bổ theo số hộ", "allocation")
        page.check("#method-count")
        page.fill("#total_vnd", "1.000.000.000")
        page.fill("#shares-0-count", "300")
        page.fill("#shares-1-count", "700")
        page.get_by_role("button", name="Tính và lưu bản nháp").click()
        shown = page.inner_text("main")
        assert "1.000.000.000 × 300 / 1.000" in shown
        assert "700.000.000" in shown


def test_a_print_of_an_earlier_version_says_that_it_is_void(desk: Desk, ask: Ask) -> None:
    issued = ask(OFFICER, "allocation", "/v1/decisions", state="issued")["items"][0]
    path = f"{desk.base}/decisions/{issued['id']}/paper"
    with desk.sits(OFFICER) as page:
        page.goto(path)
        assert "KHÔNG CÒN GIÁ TRỊ" not in page.inner_text("main")
        sheets = page.locator("section.paper-page")
        assert page.locator("section.paper-page svg path").count() == sheets.count()
        mark = re.search(r"nội dung ([0-9a-f]{12})", sheets.first.inner_text())
        assert mark is not None
        page.goto(f"{path}?content={mark[1]}")
        assert "KHÔNG CÒN GIÁ TRỊ" not in page.inner_text("main")
        printed = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type /Page\b(?!s)", printed)) == sheets.count()
        page.goto(f"{path}?content={'0' * 12}")
        assert "KHÔNG CÒN GIÁ TRỊ" in sheets.first.inner_text()
        seen = sheets.all_inner_texts()
    with desk.sits(OFFICER, language="en") as page:
        page.goto(f"{path}?content={'0' * 12}")
        assert page.locator("section.paper-page").all_inner_texts() == seen, "signed as it is in law"
        assert "Print" in page.inner_text("nav")
        assert "PRINT IS VOID" in page.inner_text("nav"), "told in words of the reader as well"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_spreadsheet_holds_no_formula_and_is_in_vietnamese(desk: Desk, ask: Ask, language: str) -> None:
    issued = ask(OFFICER, "allocation", "/v1/decisions", state="issued")["items"][0]["id"]
    with desk.sits(OFFICER, language=language) as page:
        reply = page.request.get(f"{desk.base}/decisions/{issued}/annex.xlsx")
        assert reply.status == 200
        content = reply.body()
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert 'orientation="landscape"' in sheet
        assert "Độc lập - Tự do - Hạnh phúc" in book.read("xl/sharedStrings.xml").decode()


@pytest.mark.parametrize("username", ["kt.so", "thanhtra"])
def test_who_only_reads_is_offered_no_step(desk: Desk, ask: Ask, username: str) -> None:
    waiting = ask(OFFICER, "allocation", "/v1/decisions", state="submitted")["items"][0]["id"]
    with desk.sits(username) as page:
        page.goto(f"{desk.base}/decisions/{waiting}")
        assert page.get_by_role("button", name="Thẩm định, duyệt").count() == 0
        assert page.get_by_role("button", name="Bản in").count() == 1
