"""One desk, several people: coming in, going away, coming back to what was typed."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk


def test_a_wrong_password_is_told_without_telling_which_names_exist(desk: Desk) -> None:
    with desk.sits(None) as page:
        said = []
        for username in ("cs.503", "nobody.of.this.name"):
            page.goto(f"{desk.base}/sign-in")
            page.fill("#username", username)
            page.fill("#password", "not the password")
            page.locator("main button").click()
            said.append(page.locator(".govuk-error-summary").inner_text())
            assert page.input_value("#username") == username
            assert page.input_value("#password") == ""
    assert said[0] == said[1]
    assert "không đúng" in said[0]


def test_who_signs_in_comes_to_where_they_wanted_to_go_and_to_no_other_site(desk: Desk) -> None:
    with desk.sits(None) as page:
        page.goto(f"{desk.base}/account")
        assert "/sign-in?next=/account" in page.url
        for wanted, found in (
            ("/account", "/account"),
            ("//evil.example/", "/"),
            ("https://evil.example", "/"),
        ):
            page.context.clear_cookies()
            page.goto(f"{desk.base}/sign-in?next={wanted}")
            fill_in(desk, page, "cs.503")
            assert page.url == desk.base + found


def test_what_was_typed_waits_for_the_same_person_when_the_session_is_over(desk: Desk) -> None:
    with desk.sits(None) as page, desk.sits(None) as elsewhere:
        for one in (page, elsewhere):
            one.goto(f"{desk.base}/sign-in")
            fill_in(desk, one, "cs.504")
        page.goto(f"{desk.base}/account")
        page.fill("#business_date", "1/8/2024")
        elsewhere.goto(f"{desk.base}/account")
        elsewhere.get_by_role("button", name="Đăng xuất khỏi mọi màn hình").click()
        page.get_by_role("button", name="Dùng ngày này").click()
        assert "/sign-in" in page.url
        expect(page.locator(".ft-notice")).to_contain_text("được giữ lại")
        fill_in(desk, page, "cs.504")
        assert page.url == f"{desk.base}/account"
        assert page.input_value("#business_date") == "1/8/2024"
        page.get_by_role("button", name="Dùng ngày này").click()
        expect(page.locator(".ft-header__date--set")).to_contain_text("01/08/2024")


def test_what_was_typed_is_not_shown_to_another_person(desk: Desk) -> None:
    with desk.sits(None) as page, desk.sits(None) as elsewhere:
        for one in (page, elsewhere):
            one.goto(f"{desk.base}/sign-in")
            fill_in(desk, one, "cs.505")
        page.goto(f"{desk.base}/account")
        page.fill("#business_date", "2024-07-31")
        elsewhere.goto(f"{desk.base}/account")
        elsewhere.get_by_role("button", name="Đăng xuất khỏi mọi màn hình").click()
        page.get_by_role("button", name="Dùng ngày này").click()
        fill_in(desk, page, "cs.506")
        page.goto(f"{desk.base}/account")
        assert page.input_value("#business_date") == ""


def test_a_locked_screen_shows_nothing_until_its_person_is_back(desk: Desk) -> None:
    with desk.sits(None) as page:
        page.goto(f"{desk.base}/sign-in")
        fill_in(desk, page, "cs.507")
        page.goto(f"{desk.base}/unlock?next=/account")
        page.goto(f"{desk.base}/account")
        assert "/unlock" in page.url
        assert "Quyền" not in page.inner_text("main")
        page.fill("#secret", "not the password")
        page.get_by_role("button", name="Mở khóa").click()
        expect(page.locator(".govuk-error-summary")).to_contain_text("không đúng")
        page.fill("#secret", desk.account("cs.507")["password"])
        page.get_by_role("button", name="Mở khóa").click()
        assert page.url == f"{desk.base}/account"


def test_another_person_at_the_same_desk_is_that_person_and_nobody_else(desk: Desk) -> None:
    with desk.sits(None) as page:
        page.goto(f"{desk.base}/sign-in")
        fill_in(desk, page, "cs.508")
        page.get_by_role("button", name="Đổi người dùng").click()
        assert page.url == f"{desk.base}/sign-in"
        fill_in(desk, page, "cs.509")
        page.goto(f"{desk.base}/account")
        assert desk.account("cs.509")["username"] in page.inner_text("main")
        page.go_back()
        page.reload()
        assert "cs.508" not in page.inner_text("body")


def test_language_and_unit_of_amounts_are_chosen_and_kept(desk: Desk) -> None:
    with desk.sits("cs.510") as page:
        page.goto(f"{desk.base}/design")
        assert "123.456.789.012\N{NO-BREAK SPACE}đồng" in page.inner_text("main")
        page.get_by_role("button", name="triệu đồng", exact=True).click()
        assert "123.456,789\N{NO-BREAK SPACE}triệu đồng" in page.inner_text("main")
        page.get_by_role("button", name="English").click()
        assert "123,456.789\N{NO-BREAK SPACE}million đồng" in page.inner_text("main")
        assert page.get_attribute("html", "lang") == "en"
        page.get_by_role("button", name="Tiếng Việt").click()


def test_nothing_foreign_runs_in_a_page_and_no_other_site_may_frame_it(desk: Desk) -> None:
    with desk.sits(None) as page:
        reply = page.goto(f"{desk.base}/sign-in")
        assert reply is not None
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        cookie = next(one for one in page.context.cookies() if one["name"] == "fundtrail")
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Lax"
        assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", page.content())


def test_a_form_of_another_site_does_nothing(desk: Desk) -> None:
    with desk.sits("cs.510") as page:
        reply = page.request.post(f"{desk.base}/account/sessions/end", form={"csrf_token": "made up"})
        assert reply.status == 400
        assert page.goto(f"{desk.base}/account").status == 200  # type: ignore[union-attr]
        assert "/account" in page.url


def test_a_page_that_is_not_there_and_one_that_is_not_mine_say_so(desk: Desk) -> None:
    with desk.sits("cs.510") as page:
        reply = page.goto(f"{desk.base}/nowhere")
        assert reply is not None
        assert reply.status == 404
        assert "Không tìm thấy" in page.inner_text("h1")


def fill_in(desk: Desk, page: Page, username: str) -> None:
    account = desk.account(username)
    page.fill("#username", username)
    page.fill("#password", account["password"])
    page.locator("main").get_by_role("button", name="Đăng nhập").click()
    page.wait_for_load_state()
