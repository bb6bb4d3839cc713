"""Files over a poor line: chosen once, sent in pieces, gone on with, still there when the form comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.browser.desk import Desk
from tests.browser.test_decisions import OFFICER, annex, fill_header, sits_on_the_day

PIECE = 256 * 1024
PIECES = 8
COLUMNS = (
    "number,full_name,birth_year,identity_number,commune_code,benefits,provider,bank_code,account_number"
)
BRING = """(form, name) => {
  const field = Object.assign(document.createElement("input"), { name: "upload", value: name });
  form.append(field);
}"""
ROWS = 200
REGISTERS, ANNEX = "/months/registers", "/decisions/annex"
SLOW_MS = 60_000


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """A file of eight pieces in which every row has its faults."""
    path = tmp_path / "danh sách đối tượng.csv"
    pad = "A" * (PIECE * PIECES // ROWS - 100)
    path.write_text("\n".join([COLUMNS, *(f"X/{row},{pad},18xx,,,,,," for row in range(ROWS))]))
    return path


class Line:
    """What passes from a page to where its pieces go."""

    def __init__(self, page: Page, most: int = 10**9) -> None:
        self.most = most  # that passes before the line breaks
        self.offsets: list[int] = []
        self.looks = 0
        page.route("**/uploads/*", self._pass)

    def _pass(self, route: Route, request: Request) -> None:
        if request.method == "HEAD":
            self.looks += 1
        if request.method == "PATCH":
            if len(self.offsets) >= self.most:
                route.abort("internetdisconnected")
                return
            self.offsets.append(int(request.headers["upload-offset"]))
        route.continue_()


def said(page: Page) -> Locator:
    return page.locator(".ft-upload__said")


def send(page: Page) -> None:
    page.locator('main form[enctype="multipart/form-data"] button').click()


def bytes_of(request: Request) -> int:
    return len(request.post_data_buffer or b"")


def signed_in(desk: Desk, page: Page, username: str, path: str) -> None:
    desk.sign_in(page, username)
    page.goto(desk.base + path)


def test_a_file_goes_on_by_itself_when_the_line_is_back(desk: Desk, register: Path) -> None:
    with desk.sits(None) as page:
        signed_in(desk, page, "cs.511", REGISTERS)
        line = Line(page, most=3)
        page.set_input_files("#file", register)
        expect(said(page)).to_contain_text("Mất kết nối")
        assert len(line.offsets) == 3
        page.context.set_offline(True)
        line.most = 10**9
        page.context.set_offline(False)
        expect(said(page)).to_contain_text("đã ở đây", timeout=SLOW_MS)
        expect(page.locator(".ft-upload .ft-progress")).to_be_hidden()
        assert line.offsets == [piece * PIECE for piece in range(PIECES)]
        with page.expect_request(lambda one: one.url.endswith(REGISTERS) and one.method == "POST") as form:
            send(page)
        assert bytes_of(form.value) < PIECE, "the form brings the name of the file, not the file"
        expect(page.locator("main")).to_contain_text("Lỗi theo dòng", timeout=SLOW_MS)


def test_a_form_that_was_sent_too_early_goes_when_its_file_has_come(desk: Desk, register: Path) -> None:
    with desk.sits(None) as page:
        signed_in(desk, page, "cs.512", REGISTERS)
        line = Line(page, most=2)
        page.set_input_files("#file", register)
        expect(said(page)).to_contain_text("Mất kết nối")
        send(page)
        expect(said(page)).to_contain_text("ngay khi tệp đến đủ")
        line.most = 10**9
        expect(page.locator("main")).to_contain_text("Lỗi theo dòng", timeout=SLOW_MS)


def test_after_a_reload_the_same_file_goes_on_where_it_stopped(desk: Desk, register: Path) -> None:
    with desk.sits(None) as page:
        signed_in(desk, page, "cs.513", REGISTERS)
        line = Line(page, most=5)
        page.set_input_files("#file", register)
        expect(said(page)).to_contain_text("Mất kết nối")
        page.reload()
        expect(page.locator(".ft-upload__begun")).to_contain_text(f"{register.name}: đã nhận 1,3")
        line.most, line.offsets = 10**9, []
        page.set_input_files("#file", register)
        expect(said(page)).to_contain_text("đã ở đây", timeout=SLOW_MS)
        assert line.looks >= 1
        assert line.offsets == [piece * PIECE for piece in range(5, PIECES)]
        assert page.evaluate("localStorage.length") == 0, "the desk remembers nothing of it"
        page.reload()
        expect(page.locator(".ft-upload")).to_contain_text(
            f"{register.name} (2,1\N{NO-BREAK SPACE}MB) đã ở đây"
        )
        send(page)
        expect(page.locator("main")).to_contain_text("Lỗi theo dòng", timeout=SLOW_MS)
        page.goto(desk.base + REGISTERS)
        expect(page.locator(".ft-upload")).not_to_contain_text("đã ở đây")


def test_another_person_sees_nothing_of_a_file_and_cannot_send_it(desk: Desk, register: Path) -> None:
    with desk.sits(None) as page:
        signed_in(desk, page, "cs.514", REGISTERS)
        page.set_input_files("#file", register)
        expect(said(page)).to_contain_text("đã ở đây", timeout=SLOW_MS)
        page.reload()
        name = page.input_value("input[name=upload]")
        page.get_by_role("button", name="Đổi người dùng").click()
        signed_in(desk, page, "cs.515", REGISTERS)
        assert register.name not in page.content()
        page.locator('main form[enctype="multipart/form-data"]').evaluate(BRING, name)
        send(page)
        expect(page.locator(".govuk-error-summary")).to_contain_text("không còn được giữ")


@pytest.mark.parametrize("script", [True, False], ids=["with-scripts", "without"])
def test_a_refused_annex_is_sent_again_without_choosing_its_file(
    desk: Desk,
    tmp_path: Path,
    script: bool,  # noqa: FBT001
) -> None:
    path = tmp_path / f"phụ lục {script}.xlsx"
    path.write_bytes(annex([("Xã Trà Mai", 200), ("Xã Trà Leng", 100)], 300))
    with sits_on_the_day(desk, OFFICER, script=script) as page:
        page.goto(desk.base + ANNEX)
        fill_header(page, "", "allocation")
        page.set_input_files("#file", path)
        page.get_by_role("button", name="Kiểm tra và lưu bản nháp").click()
        expect(page.locator(".govuk-error-summary")).to_be_visible()
        expect(page.locator(".ft-upload")).to_contain_text(f"{path.name} (")
        expect(page.locator(".ft-upload")).to_contain_text("đã ở đây")
        page.fill("#title", "Phân bổ gửi lại")
        page.get_by_role("button", name="Kiểm tra và lưu bản nháp").click()
        expect(page.locator("main")).to_contain_text("Đã lưu bản nháp")
        expect(page.locator("main")).to_contain_text("300.000.000")


def test_a_file_that_is_too_large_is_told_before_it_is_sent(desk: Desk, tmp_path: Path) -> None:
    large = tmp_path / "lớn.xlsx"
    large.write_bytes(bytes(10_000_001))
    with desk.sits(None) as page:
        signed_in(desk, page, OFFICER, ANNEX)
        line = Line(page)
        page.set_input_files("#file", large)
        expect(said(page)).to_have_text("Tệp quá lớn. Tối đa 10 MB.")
        page.fill("#title", "Không mất")
        page.get_by_role("button", name="Kiểm tra và lưu bản nháp").click()
        assert page.input_value("#title") == "Không mất"
        assert line.offsets == []


def test_what_is_on_its_way_is_told_in_english_too(desk: Desk, register: Path) -> None:
    with desk.sits(None) as page:
        signed_in(desk, page, "cs.516", REGISTERS)
        page.get_by_role("button", name="English").click()
        page.goto(desk.base + REGISTERS)
        page.set_input_files("#file", register)
        expect(said(page)).to_contain_text("is here already", timeout=SLOW_MS)
        expect(said(page)).to_contain_text("2.1\N{NO-BREAK SPACE}MB")


def test_a_screen_locks_behind_a_file_and_opens_for_its_person(desk: Desk, register: Path) -> None:
    with desk.sits(None) as page:
        page.clock.install()
        signed_in(desk, page, "cs.517", REGISTERS)
        line = Line(page, most=2)
        page.set_input_files("#file", register)
        expect(said(page)).to_contain_text("Mất kết nối")
        page.clock.fast_forward("10:01")
        expect(page.locator("body > .ft-lock")).to_be_visible()
        expect(page.locator("main")).to_be_hidden()
        line.most = 10**9
        page.clock.fast_forward("00:31")
        expect(page.locator("#secret")).to_be_visible(timeout=SLOW_MS)
        page.fill("#secret", desk.account("cs.517")["password"])
        page.get_by_role("button", name="Mở khóa").click()
        expect(page.locator(".ft-upload")).to_contain_text("đã ở đây")
