"""Visits on a real database: one browser, whoever sits before it, and a clock that we move."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.portal.calls.services import Services
from services.portal.site import FORM_BYTES_MAX
from services.portal.visits.handlers import Desk
from services.portal.visits.model import LOCKED_AFTER
from shared.kernel.sealing import Sealer
from shared.web.context import Context
from tests.integration.portal.conftest import PASSWORD, Account, MakePages, Portal

ACT = "01a22000-0000-7000-8000-000000000001"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """A browser that keeps its cookies and sends what forms hold."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def post(self, path: str, at: str = "/account", **fields: str) -> TestResponse:
        found = TOKEN.search(self.client.get("/design").get_data(as_text=True))
        assert found is not None
        return self.client.post(path, data={"csrf_token": found[1], "at": at, "act": ACT, **fields})

    def sign_in(self, portal: Portal, account: Account) -> TestResponse:
        code = portal.code(account)
        extra = {"totp": code} if code else {}
        return self.post("/sign-in", at="/sign-in", username=account.username, password=PASSWORD, **extra)

    def cookie(self) -> str:
        found = self.client.get_cookie("fundtrail")
        assert found is not None
        return str(found.value)


@pytest.fixture
def pages(portal: Portal, make_pages: MakePages) -> Flask:
    """The pages on the portal's database; the other services are away."""
    desk = Desk(portal.issuer, portal.factors, Sealer(bytes(range(32))))
    away = dict.fromkeys(
        ("portal", "allocation", "beneficiaries", "notifications", "audit"), "http://127.0.0.1:1"
    )
    parts = {"desk": desk, "services": Services(away)}
    context = Context("portal", portal.unit_of_work, portal.verifier, portal.clock, parts)
    return make_pages(context)


@pytest.fixture
def lan(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "lan", "finance_officer", "back_dater")


@pytest.fixture
def minh(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "minh", "accountant", "back_dater")


def test_who_signs_in_is_inside_until_the_session_is_over(pages: Flask, portal: Portal, lan: Account) -> None:
    browser = Browser(pages)
    assert browser.get("/account").status_code == 303
    assert browser.sign_in(portal, lan).status_code == 303
    assert "Cán bộ lan" in browser.get("/account").get_data(as_text=True)
    assert browser.post("/sign-out").location == "/sign-in"
    assert browser.get("/account").location == "/sign-in?next=/account"
    assert portal.one("SELECT ended_at IS NOT NULL FROM sessions WHERE user_id = :id", id=lan.user_id)
    assert portal.journal("sessions.signed_out")[-1]["user_id"] == lan.user_id


def test_a_form_that_holds_too_much_says_how_many_rows_it_takes(
    pages: Flask, portal: Portal, lan: Account
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    typed = browser.client.post("/decisions/new", data={"title": "x" * FORM_BYTES_MAX})
    assert typed.status_code == 413
    assert "tối đa 500 dòng" in typed.get_data(as_text=True)
    kind = "multipart/form-data; boundary=x"
    sent = browser.client.post("/decisions/annex", data=b"x" * (FORM_BYTES_MAX + 1), content_type=kind)
    assert sent.status_code == 413
    assert "tối đa 20 MB" in sent.get_data(as_text=True)


def test_the_cookie_from_before_signing_in_is_worth_nothing_after(
    pages: Flask, portal: Portal, lan: Account
) -> None:
    browser, thief = Browser(pages), Browser(pages)
    browser.post("/sign-in", username="lan", password="wrong")
    planted = browser.cookie()
    browser.sign_in(portal, lan)
    thief.client.set_cookie("fundtrail", planted)
    assert thief.get("/account").status_code == 303
    assert browser.get("/account").status_code == 200


def test_nothing_in_the_database_opens_a_visit(pages: Flask, portal: Portal, lan: Account) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    with browser.client.session_transaction() as cookie:
        secret = cookie["visit"]
    assert secret not in str(portal.rows("SELECT * FROM visits"))


def test_a_screen_locks_itself_after_ten_minutes_and_opens_for_its_person_alone(
    pages: Flask, portal: Portal, lan: Account
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    for _ in range(3):  # somebody is here all the time
        portal.clock.advance(LOCKED_AFTER - timedelta(seconds=1))
        assert browser.get("/account").status_code == 200
    portal.clock.advance(LOCKED_AFTER + timedelta(seconds=1))
    assert browser.get("/account").location == "/unlock?next=/account"
    assert browser.get("/account").status_code == 303, "to ask does not open it"
    assert browser.post("/unlock?next=/account", secret="wrong").status_code == 200
    assert browser.get("/account").status_code == 303
    assert browser.post("/unlock?next=/account", secret=PASSWORD).location == "/account"
    assert browser.get("/account").status_code == 200


def test_a_page_that_asks_for_itself_keeps_no_screen_open(pages: Flask, portal: Portal, lan: Account) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    polling = {"HX_Request": "true", "HX_Current_URL": "http://localhost/account"}
    for _ in range(3):
        portal.clock.advance(LOCKED_AFTER / 2)
        reply = browser.get("/account", **polling)
    assert (reply.status_code, reply.headers["HX-Redirect"]) == (204, "/unlock?next=/account")
    assert browser.get("/account").location == "/unlock?next=/account"


def test_unlocking_is_throttled_as_signing_in_is(pages: Flask, portal: Portal, lan: Account) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    browser.get("/unlock")
    for _ in range(5):
        browser.post("/unlock", secret="wrong")
    assert "quá nhiều" in browser.post("/unlock", secret=PASSWORD).get_data(as_text=True)
    portal.clock.advance(timedelta(seconds=31))
    assert browser.post("/unlock", secret=PASSWORD).status_code == 303


def test_a_code_confirms_for_who_has_one(pages: Flask, portal: Portal, boss: str) -> None:
    head = portal.hire(boss, "ha", "head")
    browser = Browser(pages)
    browser.sign_in(portal, head)
    browser.get("/unlock")
    used = portal.code(head)
    assert "đã dùng" in browser.post("/unlock", secret=str(used)).get_data(as_text=True)
    portal.clock.advance(timedelta(seconds=30))
    assert browser.post("/unlock", secret=str(portal.code(head))).status_code == 303


def test_what_was_typed_waits_sealed_for_the_same_person(
    pages: Flask, portal: Portal, lan: Account, minh: Account
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    with portal.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE sessions SET ended_at = now()")
    typed = {"business_date": "2024-08-01", "password": "never kept", "note": "hồ sơ của bà Nguyễn Thị A"}
    assert "/sign-in" in str(browser.post("/account/date", **typed).location)
    (kept,) = [row.kept for row in portal.rows("SELECT kept FROM visits WHERE kept IS NOT NULL")]
    assert kept.startswith("sealed:v1:")
    assert "Nguyễn" not in kept
    browser.sign_in(portal, lan)
    page = browser.get("/account").get_data(as_text=True)
    assert 'value="2024-08-01"' in page
    assert "never kept" not in page
    browser.post("/account/date", business_date="2024-08-01")
    assert portal.rows("SELECT kept FROM visits WHERE kept IS NOT NULL") == []


def test_what_one_typed_is_gone_before_another_comes(
    pages: Flask, portal: Portal, lan: Account, minh: Account
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    with portal.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE sessions SET ended_at = now()")
    browser.post("/account/date", business_date="2024-08-01")
    browser.sign_in(portal, minh)
    assert portal.rows("SELECT kept FROM visits WHERE kept IS NOT NULL") == []
    assert 'value="2024-08-01"' not in browser.get("/account").get_data(as_text=True)


def test_what_was_refused_is_gone_when_its_person_leaves_the_desk(
    pages: Flask, portal: Portal, lan: Account, minh: Account
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    browser.post("/account/date", business_date="tomorrow")
    browser.post("/sign-out")
    assert portal.rows("SELECT kept FROM visits WHERE kept IS NOT NULL") == []
    browser.sign_in(portal, minh)
    assert "tomorrow" not in browser.get("/account").get_data(as_text=True)


def test_a_form_that_found_nobody_is_the_same_act_when_it_is_sent_again(
    pages: Flask, portal: Portal, boss: str
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, portal.hire(boss, "binh", "benefit_officer"))
    here = "/months/2024-09/payroll"
    assert ACT not in browser.get(here).get_data(as_text=True)
    assert browser.post(here, at=here).location == here  # the service may have done it before it fell silent
    page = browser.get(here).get_data(as_text=True)
    assert "chưa trả lời" in page
    assert page.count(f'name="act" value="{ACT}"') == 1, "that form alone, of all on the page"


def test_a_visit_that_nobody_came_back_to_is_forgotten(pages: Flask, portal: Portal, lan: Account) -> None:
    Browser(pages).sign_in(portal, lan)
    portal.clock.advance(timedelta(days=31))
    Browser(pages).sign_in(portal, lan)
    assert portal.one("SELECT count(*) FROM visits") == 1


def test_a_business_date_is_of_the_person_who_chose_it(
    pages: Flask, portal: Portal, lan: Account, minh: Account
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    browser.post("/account/date", business_date="2024-07-01")
    assert "01/07/2024" in browser.get("/account").get_data(as_text=True)
    browser.sign_in(portal, minh)
    assert "01/07/2024" not in browser.get("/account").get_data(as_text=True)


@pytest.mark.parametrize("typed", ["2024-13-01", "tomorrow", "2024-08-06"])
def test_a_date_that_is_none_or_lies_ahead_is_told_and_kept_as_typed(
    pages: Flask, portal: Portal, lan: Account, typed: str
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    assert browser.post("/account/date", business_date=typed).location == "/account"
    page = browser.get("/account").get_data(as_text=True)
    assert "govuk-error-summary" in page
    assert f'value="{typed}"' in page
    assert portal.one("SELECT count(business_date) FROM visits") == 0


def test_signing_out_everywhere_ends_every_screen(pages: Flask, portal: Portal, lan: Account) -> None:
    here, there = Browser(pages), Browser(pages)
    here.sign_in(portal, lan)
    there.sign_in(portal, lan)
    here.post("/account/sessions/end")
    assert [one.get("/account").status_code for one in (here, there)] == [303, 303]


def test_a_new_password_ends_the_sessions_of_the_old_one(pages: Flask, portal: Portal, lan: Account) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    weak = browser.post("/account/password", password=PASSWORD, new_password="short")
    assert weak.location == "/account"
    assert "12 đến 128" in browser.get("/account").get_data(as_text=True)
    wrong = browser.post("/account/password", password="wrong", new_password="mật khẩu mới đủ dài")
    assert wrong.location == "/account"
    browser.post("/account/password", password=PASSWORD, new_password="mật khẩu mới đủ dài")
    assert browser.get("/account").status_code == 303
    assert browser.sign_in(portal, lan).status_code == 200, "the old one is worth nothing"


def test_a_blocked_account_is_outside_at_once(pages: Flask, portal: Portal, boss: str, lan: Account) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    assert portal.ask("POST", f"/v1/users/{lan.user_id}/block", boss).status_code == 204
    assert browser.get("/account").status_code == 303


def test_a_service_that_is_away_leaves_the_rest_of_the_page(
    pages: Flask, portal: Portal, lan: Account
) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    reply = browser.get("/")
    assert reply.status_code == 200
    assert "Phân bổ chưa trả lời" in reply.get_data(as_text=True)


def test_a_form_without_its_token_does_nothing(pages: Flask, portal: Portal, lan: Account) -> None:
    browser = Browser(pages)
    browser.sign_in(portal, lan)
    assert browser.client.post("/sign-out", data={"at": "/"}).status_code == 400
    assert browser.get("/account").status_code == 200
