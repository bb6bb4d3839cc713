"""The payment month by a real browser: paid again, reported, answered, tried, printed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deploy.demo.decisions import MERIT
from services.beneficiaries.payroll.jobs import CHUNK_PERSONS
from services.portal.months.sheets import MIDDLE_ROWS, PART_SHEETS
from shared.kernel.ids import new_id
from tests.browser import held
from tests.browser.colleagues import asker, here
from tests.browser.desk import Desk, ensure_accessible
from tests.browser.known.evidence import INSPECTOR

DAY = "2024-08-25"
IN_TIME = "2024-08-20"  # a month is computed before the 25th of the one before it
PERIOD = "2024-08"
MONTH = f"/months/{PERIOD}"
MOVES_MS = 60_000
OFFICER, APPROVER, TREASURY = here("cs.so"), here("duyet.so"), "kbnn"
COLUMNS = (
    "number,full_name,birth_year,identity_number,commune_code,benefits,provider,bank_code,account_number"
)
COMMUNE = "20341"  # in Tam Kỳ
OUT_OF_THE_WAY = "20551"  # in Điện Bàn: the main path pays other districts, from what is there for them

Ask = Callable[..., Any]


@contextmanager
def on_the_day(desk: Desk, username: str, day: str = DAY, *, script: bool = True) -> Iterator[Page]:
    """Somebody at the screen, for whom it is 25/8/2024, or another day."""
    with desk.sits(username, script=script) as page:
        page.goto(f"{desk.base}/account")
        page.fill("#business_date", day)
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


def register_of(folder: Path, count: int, commune: str = COMMUNE) -> Path:
    """A register file of some invented persons whom no other file has, paid from September on."""
    mark = time.time_ns() // 1_000_000
    rows = (
        f"TV-{mark}-{one},Nguyễn Thị Minh Họa,1950,,{commune},TB:45:2024-09,POST-QNA,,"
        for one in range(count)
    )
    path = folder / f"register-{mark}.csv"
    path.write_text("\n".join([COLUMNS, *rows]))
    return path


def send_register(desk: Desk, page: Page, file: Path) -> str:
    """The page of the file, which was sent in earnest and read."""
    page.goto(f"{desk.base}/months/registers")
    page.set_input_files("#file", str(file))
    page.select_option("#dry_run", "no")
    page.locator("main form[method=post] button").first.click()
    expect(page.locator("dl")).to_contain_text("Chờ duyệt", timeout=MOVES_MS)  # of itself
    return page.url


def test_a_register_file_is_approved_by_a_second_person(desk: Desk, tmp_path: Path) -> None:
    with on_the_day(desk, OFFICER) as page:
        made = send_register(desk, page, register_of(tmp_path, 3))
        assert page.get_by_role("button", name="Duyệt tệp").count() == 0, "who sent it does not decide"
        assert page.request.get(f"{made}/approval").status == 403
    with on_the_day(desk, APPROVER) as page:
        page.goto(desk.base)
        assert page.locator(f"a[href='{made.removeprefix(desk.base)}']").count() == 1
        page.goto(made)
        page.get_by_role("button", name="Duyệt tệp").click()
        ensure_accessible(page)
        confirm(desk, page, APPROVER, "Duyệt tệp")
        expect(page.locator("dl")).to_contain_text("Đã ghi sổ", timeout=MOVES_MS)  # of itself
        assert page.get_by_role("button", name="Duyệt tệp").count() == 0
        assert re.search(r"Đã ghi vào sổ\s+3\b", page.inner_text("dl"))


def test_a_register_file_is_rejected_by_a_second_person(desk: Desk, tmp_path: Path) -> None:
    with on_the_day(desk, OFFICER) as page:
        made = send_register(desk, page, register_of(tmp_path, 2))
    with on_the_day(desk, APPROVER) as page:
        page.goto(made)
        page.get_by_role("button", name="Từ chối tệp").click()
        page.fill("#reason", "Chưa có quyết định trợ cấp")
        page.fill("#secret", "000000")
        page.locator("main").get_by_role("button", name="Từ chối tệp").click()
        expect(page.locator(".govuk-error-summary")).to_be_visible()  # who decides shows who they are
        assert page.input_value("#reason") == "Chưa có quyết định trợ cấp"
        confirm(desk, page, APPROVER, "Từ chối tệp")
        expect(page.locator("dl")).to_contain_text("Bị từ chối")
        page.goto(f"{made}/approval")
        expect(page.locator("main")).to_contain_text("Tệp này không còn chờ duyệt")
        assert page.locator("main form[method=post]").count() == 0


def test_a_month_is_watched_while_it_is_computed_and_a_list_of_it_is_withdrawn(
    desk: Desk, ask: Ask, tmp_path: Path
) -> None:
    ensure_more_than_a_chunk(desk, tmp_path)
    with on_the_day(desk, OFFICER, IN_TIME) as page:
        watch_the_payroll(desk, page, month := next_month(desk, page, ask))
        print_the_longest_list(desk, page, ask, month)
        withdraw_a_list(desk, page, ask, month)


def next_month(desk: Desk, page: Page, ask: Ask) -> str:
    """The month that can be computed next, once nobody computes another: its question is on the screen."""
    while True:
        page.goto(f"{desk.base}/months")
        month, _, year = page.input_value("#period").partition("/")
        newest = f"{year}-{int(month) - 1:02d}"
        if ask(OFFICER, "beneficiaries", f"/v1/payroll/{newest}")["state"] == "computed":
            page.goto(f"{desk.base}/months/{year}-{month}")
            page.get_by_role("button", name="Lập danh sách chi trả").click()
            return f"{year}-{month}"
        page.wait_for_timeout(500)


def ensure_more_than_a_chunk(desk: Desk, folder: Path) -> None:
    """The register has more persons than one chunk of a payroll takes, most of them on one list."""
    missing = CHUNK_PERSONS + 100 - held.count_of_persons(desk.home)
    if missing <= 0:
        return
    with on_the_day(desk, OFFICER, IN_TIME) as page:
        made = send_register(desk, page, register_of(folder, missing, OUT_OF_THE_WAY))
    with on_the_day(desk, APPROVER, IN_TIME) as page:
        page.goto(f"{made}/approval")
        confirm(desk, page, APPROVER, "Duyệt tệp")
        expect(page.locator("dl")).to_contain_text("Đã ghi sổ", timeout=MOVES_MS)


def watch_the_payroll(desk: Desk, page: Page, period: str) -> None:
    """The progress of a month moves of itself; who has no script sees the same by asking again."""
    month = f"{desk.base}/months/{period}"
    whole = f"{held.count_of_persons(desk.home):,}".replace(",", ".")
    done = f"{CHUNK_PERSONS:,}".replace(",", ".")
    with ExitStack() as first, ExitStack() as rest:
        rest.enter_context(held.persons(desk.home, CHUNK_PERSONS, None))
        first.enter_context(held.persons(desk.home, 0, CHUNK_PERSONS))
        page.locator("main form[method=post] button").click()
        expect(page.locator("main")).to_contain_text("Đang lập")
        page.evaluate("window.stayed = true")
        plain = first.enter_context(on_the_day(desk, OFFICER, IN_TIME, script=False))
        plain.goto(month)
        assert "Đang lập" in plain.inner_text("main")
        assert done not in plain.inner_text("main")
        ensure_accessible(page)
        first.pop_all().close()
        told = page.locator("main")
        expect(told).to_contain_text(re.compile(rf"{re.escape(done)}\D+{re.escape(whole)}"), timeout=MOVES_MS)
        expect(told).to_contain_text(re.compile(r"\d+ dòng mỗi giây"))
        expect(told).to_contain_text(re.compile(r"còn khoảng \d+ (giây|phút)"))
        ensure_accessible(page)
        with on_the_day(desk, OFFICER, IN_TIME, script=False) as plain:
            plain.goto(month)
            seen = plain.inner_text("main")
            assert done in seen
            assert "dòng mỗi giây" in seen
            assert plain.locator("noscript a, a", has_text="Tải lại").count() > 0
            rest.pop_all().close()
            expect(told).to_contain_text("Đã lập xong", timeout=MOVES_MS)
            plain.goto(month)
            assert "Đã lập xong" in plain.inner_text("main")
    assert page.evaluate("window.stayed"), "the page was not loaded anew"


def print_the_longest_list(desk: Desk, page: Page, ask: Ask, period: str) -> None:
    """Each part carries forward the sum of the one before it, and the last has the total."""
    lists = ask(OFFICER, "beneficiaries", "/v1/lists", day=date(2024, 8, 25), period=period, limit=500)
    longest = max(lists["items"], key=lambda one: one["payment_count"])
    page.goto(f"{desk.base}/months/{period}/lists/{longest['id']}")
    page.get_by_role("button", name="In danh sách").click()
    assert longest["payment_count"] > PART_SHEETS * MIDDLE_ROWS, "more than one part"
    carried, parts = "", page.locator(".paper-tools p a, .paper-tools p strong").all_inner_texts()
    for part in parts:
        if part != parts[0]:
            page.locator(".paper-tools").get_by_role("link", name=part, exact=True).click()
        assert page.locator(".paper-tools strong").inner_text() == part
        first = page.locator(".paper-carry").first.inner_text()
        assert part == parts[0] or carried in first
        carried = page.locator(".paper-carry td.number").last.inner_text()
    assert carried.replace(".", "") == str(longest["total_vnd"])
    assert page.locator(".paper-signatures").count() == 1
    ensure_accessible(page)


def give_money(desk: Desk, ask: Ask, list_id: str) -> None:
    """The accountant gives the unit of a list what it needs."""
    listed = ask(OFFICER, "beneficiaries", f"/v1/lists/{list_id}", day=date(2024, 8, 25))
    key = {"fiscal_year": 2024, **MERIT}
    given = {
        "id": str(new_id()),
        "debit": {**key, "role": "source", "unit_id": None},
        "credit": {**key, "role": "allotment", "unit_id": listed["unit_id"]},
        "amount_vnd": listed["total_vnd"],
        "kind": "direct",
    }
    done = asker(desk.home, "kt.so").post(
        "allocation", "/v1/transfers", {"transfers": [given]}, date(2024, 8, 20), f"give-{list_id}"
    )
    assert done["outcomes"][0]["verdict"] == "accepted"


def withdraw_a_list(desk: Desk, page: Page, ask: Ask, period: str) -> None:
    """A list is asked back before the Treasury has answered; allocation decides, and the page shows it."""
    page.goto(f"{desk.base}/months/{period}/lists?state=computed")
    page.locator("main tbody a[href*='/lists/']").first.click()
    listed, paper = page.url, printed(page)
    give_money(desk, ask, listed.rpartition("/")[2])
    page.get_by_role("button", name="Trình duyệt").click()
    page.locator("main").get_by_role("button", name="Trình duyệt").click()
    expect(page.locator("dl")).to_contain_text("Đã trình")
    clerk = desk.account(TREASURY)["user_id"]
    with held.treasury(desk.home, listed.rpartition("/")[2], 1, clerk):
        with on_the_day(desk, APPROVER, IN_TIME) as other:
            other.goto(listed)
            other.get_by_role("button", name="Duyệt danh sách").click()
            confirm(desk, other, APPROVER, "Duyệt danh sách")
            expect(other.locator("dl")).to_contain_text("Đã giữ kinh phí", timeout=MOVES_MS)  # of itself
        page.goto(listed)
        page.get_by_role("button", name="Xin rút lại").click()
        ensure_accessible(page)
        page.fill("#reason", "Có người hưởng từ trần chưa báo")
        page.locator("main").get_by_role("button", name="Xin rút lại").click()
        expect(page.locator(".ft-notice").first).to_be_visible()
        expect(page.locator("dl")).to_contain_text("Đã rút lại", timeout=MOVES_MS)  # of itself
    assert page.get_by_role("button", name="Trình duyệt").count() == 1, "it can be submitted anew"
    assert page.get_by_role("button", name="Xin rút lại").count() == 0
    (asked,) = (
        one
        for one in ask("kbnn", "allocation", "/v1/withdrawals", state="cancelled")["items"]
        if one["list_id"] == listed.rpartition("/")[2]
    )
    assert asked["reason"] == "list withdrawn"
    page.goto(f"{desk.base}{paper}")
    expect(page.locator(".paper-void").first).to_contain_text("KHÔNG CÒN GIÁ TRỊ")
    assert (
        page.locator(".paper-void", has_text="đã được rút về").count() == page.locator(".paper-page").count()
    )
