"""The main path on screen, by separate persons: a month is computed, paid for, paid out, answered, proved."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deploy.demo.decisions import MERIT
from services.portal.look.language import catalogue
from shared.testing.waiting import wait_until
from tests.browser.colleagues import colleague
from tests.browser.desk import Desk, ensure_arrives
from tests.browser.turns import in_turn

PERIOD = "2024-09"
COMPUTED, DECIDED, APPROVED = date(2024, 8, 20), date(2024, 8, 21), date(2024, 8, 22)
SENT, ANSWERED = date(2024, 9, 1), date(2024, 9, 20)
STEP_S = 60
ARTICLE, INSTRUMENT = "merit_monthly", "TT-44-2022"


@dataclass
class Way:
    """One language's way: who walks it, in which district."""

    desk: Desk
    language: str
    code: str
    home: Path

    def say(self, name: str, **values: object) -> str:
        """A text of the portal in this language."""
        return str(catalogue(self.language).gettext(name)) % values

    def sits(self, username: str) -> Any:  # noqa: ANN401 - a context manager of Playwright's page
        """The person at a browser."""
        return self.desk.sits(username, language=self.language)

    def colleague(self, username: str) -> str:
        """Who has these roles on this way."""
        return colleague(username, self.language)

    def on(self, page: Page, day: date) -> None:
        """What is done now carries that date."""
        page.goto(f"{self.desk.base}/account")
        page.fill("#business_date", f"{day:%d/%m/%Y}")
        page.locator('form[action="/account/date"] button').click()
        expect(page.locator(".ft-header__date--set")).to_contain_text(f"{day:%d/%m/%Y}")

    def send(self, page: Page, action: str) -> None:
        """The form whose action ends so is sent."""
        page.locator(f'form[action$="{action}"] button').first.click()
        page.wait_for_load_state()

    def done(self, page: Page, name: str) -> None:
        """The page says that it was done."""
        assert self.say(name)[:40] in page.inner_text("main"), page.inner_text("main")[:1_000]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("language", "code"), [("vi", "513"), ("en", "502")], ids=["Vietnamese", "English"])
def test_a_month_from_computing_to_proof(
    desk: Desk, ask: Callable[..., Any], home: Path, language: str, code: str
) -> None:
    way = Way(desk, language, code, home)
    compute(way)
    (found,) = [one for one in lists_of(ask, code) if one["channel"] == "post"]
    pay_for(way, ask, found)
    approve(way, ask, found)
    send_out_and_answer(way, ask, found)
    close(way, ask, found)
    prove(way, ask, found)


def compute(way: Way) -> None:
    """The department's officer has the month computed, once."""
    with in_turn(way.home, "payroll"), way.sits("cs.so") as page:
        way.on(page, COMPUTED)
        page.goto(f"{way.desk.base}/months/{PERIOD}")
        ask_for_it = page.locator(f'a[href$="/{PERIOD}/payroll"]')
        if ask_for_it.count():
            ask_for_it.click()
            way.send(page, "/payroll")
            way.done(page, "months.payroll_begun")
        wait_until(lambda: is_computed(way, page), STEP_S, "the month is computed")


def is_computed(way: Way, page: Page) -> bool:
    page.goto(f"{way.desk.base}/months/{PERIOD}")
    return way.say("months.run.computed") in page.inner_text("main")


def pay_for(way: Way, ask: Callable[..., Any], found: dict[str, Any]) -> None:
    """A decision gives the district what its list needs: written, approved and issued by three persons."""
    title = f"Bổ sung kinh phí tháng 9/2024 cho {way.code} ({way.language}, minh họa)"
    with way.sits("ctv.taichinh") as page:
        way.on(page, DECIDED)
        page.goto(f"{way.desk.base}/decisions/new")
        page.fill("#title", title)
        page.select_option("#kind", "supplement")
        page.fill("#fiscal_year", "2024")
        page.select_option("#component", MERIT["component"])
        page.select_option("#source", MERIT["source"])
        page.select_option("#capital_kind", MERIT["capital_kind"])
        articles = ask("ctv.taichinh", "allocation", "/v1/articles", purpose=ARTICLE)["items"]
        article = next(one["id"] for one in articles if one["instrument"]["code"] == INSTRUMENT)
        page.select_option("#article_id", article)
        page.fill("#lines-0-text", "Chi trợ cấp ưu đãi tháng 9/2024")
        page.fill("#lines-0-unit_id", unit_of(ask, found["unit_id"]))
        page.fill("#lines-0-amount_vnd", str(found["total_vnd"] + 10_000_000))
        page.locator("main form button").first.click()
        ensure_arrives(page, r"/decisions/[0-9a-f-]{36}$")
        address = page.url
        way.send(page, "/submission")
        way.done(page, "decisions.done_submission")
        assert title in page.inner_text("h1")
    with way.sits(way.colleague("td.taichinh")) as page:
        way.on(page, DECIDED)
        page.goto(f"{way.desk.base}/")
        page.get_by_role("link", name=title).first.click()
        page.locator('a[href$="/approval"]').click()
        page.fill("#secret", "000000")
        way.send(page, "/approval")
        expect(page.locator(".govuk-error-summary")).to_be_visible()
        page.fill("#secret", way.desk.secret(way.colleague("td.taichinh")))
        way.send(page, "/approval")
        way.done(page, "decisions.done_approval")
    with way.sits(way.colleague("ld.ubnd")) as page:
        way.on(page, DECIDED)
        page.goto(address)
        page.locator('a[href$="/issue"]').click()
        page.fill("#number", f"{way.code}-{int(time.time()) % 100_000}/QĐ-UBND")
        page.fill("#issued_on", f"{DECIDED:%d/%m/%Y}")
        page.fill("#secret", way.desk.secret(way.colleague("ld.ubnd")))
        way.send(page, "/issue")
        way.done(page, "decisions.done_issue")
        assert way.say("states.issued") in page.inner_text("main")
        page.go_back()
        page.go_forward()  # the way back does no harm
        assert way.say("states.issued") in page.inner_text("main")


def approve(way: Way, ask: Callable[..., Any], found: dict[str, Any]) -> None:
    """The district's officer stands by the list, another approves just what was seen."""
    address = f"{way.desk.base}/months/{PERIOD}/lists/{found['id']}"
    with way.sits(f"cs.{way.code}") as page:
        way.on(page, DECIDED)
        page.goto(f"{address}/submission")
        way.send(page, "/submission")
        way.done(page, "months.done_submission")
    with way.sits(f"duyet.{way.code}") as page:
        way.on(page, APPROVED)
        page.goto(f"{address}/approval")
        page.fill("#secret", way.desk.secret(f"duyet.{way.code}"))
        way.send(page, "/approval")
        way.done(page, "months.done_approval")
        wait_for_state(ask, way, found, "instructed")
        page.goto(address)
        assert way.say("months.state.instructed") in page.inner_text("main")


def send_out_and_answer(way: Way, ask: Callable[..., Any], found: dict[str, Any]) -> None:
    """The file goes to the post, and its answer comes in."""
    box = way.home / "outside" / found["channel"]
    with way.sits(f"cs.{way.code}") as page:
        way.on(page, SENT)
        page.goto(f"{way.desk.base}/months/{PERIOD}/lists/{found['id']}")
        with page.expect_download() as downloading:
            page.locator('form[action$="/file"] button').click()
        name = downloading.value.suggested_filename
        draft = box / f"{name}.draft"
        downloading.value.save_as(draft)
        draft.replace(box / "inbox" / name)
        wait_until(lambda: answers(box, found), STEP_S, "the post has answered")
        way.on(page, ANSWERED)
        page.goto(f"{way.desk.base}/months/statements")
        page.select_option("#provider", found["provider"])
        page.set_input_files("#file", answers(box, found)[0])
        page.locator('form[enctype="multipart/form-data"] button').click()
        ensure_arrives(page, r"/months/statements/[0-9a-f-]{36}")
        wait_until(lambda: is_told(way, page), STEP_S, "the answer is told")


def answers(box: Path, found: dict[str, Any]) -> list[Path]:
    return sorted(one for one in (box / "outbox").glob("*.xlsx") if found["id"] in one.name)


def is_told(way: Way, page: Page) -> bool:
    page.reload()
    return way.say("months.statement_state.told") in page.inner_text("main")


def close(way: Way, ask: Callable[..., Any], found: dict[str, Any]) -> None:
    """The list is closed, and the ledger agrees."""
    address = f"{way.desk.base}/months/{PERIOD}/lists/{found['id']}"
    with way.sits(f"cs.{way.code}") as page:
        way.on(page, ANSWERED)
        page.goto(f"{address}/closure")
        page.fill("#secret", way.desk.secret(f"cs.{way.code}"))
        way.send(page, "/closure")
        wait_for_state(ask, way, found, "closed")
        page.goto(address)
        assert way.say("months.state.closed") in page.inner_text("main")


def prove(way: Way, ask: Callable[..., Any], found: dict[str, Any]) -> None:
    """An inspector follows one payment from the citizen to the article, and checks its proof."""
    officer = f"cs.{way.code}"
    path = f"/v1/lists/{found['id']}/payments"
    payment = ask(officer, "beneficiaries", path, limit=1)["items"][0]["id"]
    with way.sits(way.colleague("thanhtra")) as page:
        page.goto(f"{way.desk.base}/evidence")
        page.fill("#payment", payment)
        wait_until(lambda: has_chain(way, page, payment), STEP_S, "the payment is in the log")
        page.goto(f"{way.desk.base}/evidence/verify/proof?payment={payment}")
        assert way.say("evidence.proven") in page.inner_text("main")


def has_chain(way: Way, page: Page, payment: str) -> bool:
    page.goto(f"{way.desk.base}/evidence/payments/{payment}")
    return payment in page.inner_text("main")


def lists_of(ask: Callable[..., Any], code: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = ask("cs.so", "beneficiaries", "/v1/lists", day=COMPUTED, period=PERIOD)[
        "items"
    ]
    units = ask("ctv.taichinh", "allocation", "/v1/units", on="2024-08-01", level=2)["items"]
    unit = next(one["id"] for one in units if one["code"] == code)
    return [one for one in shown if one["unit_id"] == unit]


def unit_of(ask: Callable[..., Any], unit_id: str) -> str:
    units = ask("ctv.taichinh", "allocation", "/v1/units", on="2024-08-01", level=2)["items"]
    return str(next(one["name"] for one in units if one["id"] == unit_id))


def wait_for_state(ask: Callable[..., Any], way: Way, found: dict[str, Any], wanted: str) -> None:
    """The list is so, or the test ends with how it is instead."""
    seen: list[str] = []

    def arrived() -> bool:
        seen.append(state_of(ask, way, found))
        return seen[-1] == wanted

    try:
        wait_until(arrived, STEP_S, f"the list is {wanted}")
    except TimeoutError as error:
        raise AssertionError(f"the list is {seen[-1]} and not {wanted} after {STEP_S} s") from error


def state_of(ask: Callable[..., Any], way: Way, found: dict[str, Any]) -> str:
    return str(ask(f"cs.{way.code}", "beneficiaries", f"/v1/lists/{found['id']}")["state"])
