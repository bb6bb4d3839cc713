"""The payment month by a real browser: paid again, reported, answered, tried, printed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, ensure_accessible
from tests.browser.known.evidence import INSPECTOR

DAY = "2024-08-25"
PERIOD = "2024-08"
MONTH = f"/months/{PERIOD}"
MOVES_MS = 60_000
OFFICER, APPROVER = "cs.so", "duyet.so"


@contextmanager
def on_the_day(desk: Desk, username: str) -> Iterator[Page]:
    """Somebody at the screen, for whom it is 25/8/2024."""
    with desk.sits(username) as page:
        page.goto(f"{desk.base}/account")
        page.fill("#business_date", DAY)
        page.locator("form[action$='/account/date'] button").click()
        yield page


def printed(page: Page) -> str:
    """The address that stands in the code on the paper of the list on the screen."""
    href = page.get_by_role("button", name="In danh sách").get_attribute("href")
    assert href is not None
    return href


def confirm(desk: Desk, page: Page, username: str, button: str) -> None:
    """The form is sent by who shows once more who they are."""
    page.fill("#secret", desk.secret(username))
    page.locator("main").get_by_role("button", name=button).click()
    assert page.locator(".govuk-error-summary").count() == 0, page.inner_text("main")


def test_what_came_back_is_paid_again_by_two_people(desk: Desk) -> None:
    with on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}{MONTH}/returns?open=true&reason_code=CNPC")
        page.locator("main tbody a[href*='/lists/']").first.click()
        old_paper = printed(page)
        page.get_by_role("button", name="Lập danh sách chi trả lại").click()
        confirm(desk, page, OFFICER, "Lập danh sách chi trả lại")
        expect(page.locator(".ft-notice").first).to_contain_text("Đã lập danh sách chi trả lại")
        page.get_by_role("button", name="Trình duyệt").click()
        page.locator("main").get_by_role("button", name="Trình duyệt").click()
        expect(page.locator("dl")).to_contain_text("Đã trình")
        made = page.url
        new_paper = printed(page)
        page.goto(f"{desk.base}{old_paper}")
        expect(page.locator(".paper-void").first).to_contain_text("KHÔNG CÒN GIÁ TRỊ")
        expect(page.locator(".paper-list").first).to_contain_text("Đã chuyển sang danh sách chi trả lại")
    with on_the_day(desk, APPROVER) as page:
        page.goto(desk.base)
        assert page.locator(f"a[href='{made.removeprefix(desk.base)}']").count() == 1
        page.goto(made)
        page.get_by_role("button", name="Duyệt danh sách").click()
        confirm(desk, page, APPROVER, "Duyệt danh sách")
        expect(page.locator("dl")).to_contain_text("Đã chuyển đơn vị chi trả", timeout=MOVES_MS)  # of itself
        page.goto(f"{desk.base}{new_paper}")
        expect(page.locator(".paper-foot").first).to_be_visible()
        assert page.locator(".paper-void").count() == 0, "approved and instructed, it says what it said"
    with on_the_day(desk, OFFICER) as page:
        page.goto(made)
        with page.expect_download() as download:
            page.get_by_role("button", name="Xuất tệp cho đơn vị chi trả").click()
        assert download.value.suggested_filename.startswith(f"{PERIOD}_")


def test_a_change_is_reported_with_its_faults_shown_and_refused_by_another(desk: Desk) -> None:
    with on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}/months/changes")
        number = page.locator("main tbody td").first.inner_text()
        page.goto(f"{desk.base}/months/changes/new/receiving?person_number={number}")
        page.fill("#person_number", number)
        page.select_option("#details-provider", "POST-QNA")
        page.fill("#evidence", "Đơn đề nghị (minh họa)")
        page.fill("#details-account_number", "123456789")
        page.get_by_role("button", name="Báo biến động").click()
        expect(page.locator(".govuk-error-summary")).to_be_visible()
        assert page.input_value("#evidence") == "Đơn đề nghị (minh họa)"
        ensure_accessible(page)
        page.fill("#details-account_number", "")
        page.get_by_role("button", name="Báo biến động").click()
        expect(page.locator("dl")).to_contain_text("Chờ xác nhận")
        made = page.url
    with on_the_day(desk, APPROVER) as page:
        page.goto(made)
        ensure_accessible(page)
        confirm(desk, page, APPROVER, "Không chấp nhận")
        expect(page.locator("dl")).to_contain_text("Không chấp nhận")


def test_an_answer_is_matched_and_its_foreign_row_explained(desk: Desk, tmp_path: Path) -> None:
    answer = tmp_path / "answer.csv"
    foreign = f"00000000-0000-0000-0000-{int(time.time()):012d}"
    answer.write_text(f"payment_id,amount_vnd,result,reason,paid_on\n{foreign},5000,paid,,2024-08-24\n")
    with on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}/months/statements")
        page.select_option("#provider", "POST-QNA")
        page.set_input_files("#file", str(answer))
        page.locator("main form[method=post] button").first.click()
        expect(page.locator("dl")).to_contain_text("Đã ghi sổ cái", timeout=MOVES_MS)  # of itself
        expect(page.locator("main")).to_contain_text("Không có khoản chi nào mang mã này")
        page.fill("input[name=reason]", "Bưu điện đọc nhầm mã")
        page.get_by_role("button", name="Ghi giải trình").click()
        expect(page.locator("main tbody")).to_contain_text("Bưu điện đọc nhầm mã")


def test_a_register_file_is_tried_and_every_row_told(desk: Desk, tmp_path: Path) -> None:
    register = tmp_path / "register.csv"
    register.write_text(
        "number,full_name,birth_year,identity_number,commune_code,benefits,provider,bank_code,account_number\n"
        "X/1,Trần Thị B,18xx,,99999,TB:45:2015-03,POST-QNA,,\n"
    )
    with on_the_day(desk, OFFICER) as page:
        page.goto(f"{desk.base}/months/registers")
        page.set_input_files("#file", str(register))
        page.locator("main form[method=post] button").first.click()
        expect(page.locator("main")).to_contain_text("Lỗi theo dòng", timeout=MOVES_MS)  # of itself
        assert {"birth_year", "commune_code"} <= set(
            page.locator("main tbody td:nth-child(2)").all_inner_texts()
        )


@pytest.mark.xdist_group(INSPECTOR)
def test_paper_adds_up_and_says_when_it_is_void(desk: Desk) -> None:
    with desk.sits(INSPECTOR) as page:
        page.goto(f"{desk.base}{MONTH}/lists")
        page.locator("main tbody a").first.click()
        total = page.locator("dd", has_text="đồng").first.inner_text()
        page.get_by_role("button", name="In danh sách").click()
        sheets = page.locator(".paper-page")
        assert (
            total.removesuffix("\N{NO-BREAK SPACE}đồng")
            in sheets.last.locator(".paper-carry").last.inner_text()
        )
        assert sheets.locator(".paper-foot svg").count() == sheets.count()
        assert page.locator(".paper-void").count() == 0
        page.goto(re.sub(r"version=\d+", "version=99", page.url))
        assert page.locator(".paper-void").count() == sheets.count()
        expect(page.locator(".paper-void").first).to_contain_text("KHÔNG CÒN GIÁ TRỊ")
