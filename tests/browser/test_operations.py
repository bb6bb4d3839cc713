"""An administrator sees how the system stands, and settles a message that could not be taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, delete, insert, select

from deploy.local.state import Home, read_json
from shared.bus import cloud_events
from shared.bus.port import Delivered
from shared.db.engine import make_engine
from shared.inbox import store
from shared.inbox.tables import quarantine
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.ids import new_id
from shared.signs.tables import process_signs
from tests.browser.desk import Desk, ensure_accessible, ensure_fits, ensure_reached_by_keyboard

ADMIN, SERVICE, TOPIC = "admin", "allocation", "beneficiaries.events.v1"


@pytest.fixture
def database(home: Path) -> Iterator[Engine]:
    """The database of allocation, as its own service has it."""
    engine = make_engine(read_json(Home(home).addresses)[SERVICE]["service"], application="tests-browser")
    yield engine
    engine.dispose()


@pytest.fixture
def stuck(database: Engine) -> int:
    """The number of a message that allocation could not take: a list without lines."""
    now, list_id = datetime.now(UTC), str(new_id())
    item = Envelope(
        id=str(new_id()),
        source="beneficiaries",
        epoch=1,
        position=1,
        topic="events",
        type="vn.fundtrail.lists.approved.v1",
        key=list_id,
        subjects=(),
        occurred_at=now,
        recorded_at=now,
        actor="officer-1",
        backdated=False,
        data=canonical.encode({"list_id": list_id, "lines": []}),
    )
    record = cloud_events.to_record(item.to_cloud_event("topic-1"), TOPIC)
    delivered = Delivered(TOPIC, 0, 0, record.key, record.headers, record.value)
    with database.begin() as connection:
        store.put_aside(connection, SERVICE, item.id, delivered, "rejected", "list_lines", "It has no line.")
        return int(
            connection.scalar(select(quarantine.c.number).where(quarantine.c.event_id == item.id)) or 0
        )


def confirm(desk: Desk, page: Page, button: str) -> None:
    """The form is sent by who shows once more who they are."""
    page.fill("#secret", desk.secret(ADMIN))
    page.locator("main form").get_by_role("button", name=button).click()


def test_every_part_is_told_to_be_ready(desk: Desk) -> None:
    with desk.sits(ADMIN) as page:
        page.goto(f"{desk.base}/operations")
        assert page.locator("tbody .govuk-tag", has_text="Sẵn sàng").count() == 5


def test_a_message_is_refused_again_and_then_dropped(desk: Desk, stuck: int, database: Engine) -> None:
    at = f"{desk.base}/operations/quarantine/{SERVICE}"
    with desk.sits(ADMIN) as page:
        page.goto(at)
        page.get_by_role("link", name=str(stuck), exact=True).click()
        expect(page.locator("main")).to_contain_text("Danh sách không có đúng một dòng")
        page.get_by_role("button", name="Thử lại").click()
        page.fill("#reason", "Đã sửa danh sách")
        confirm(desk, page, "Thử lại")
        expect(page.locator(".govuk-error-summary")).to_be_visible()
        assert page.input_value("#reason") == "Đã sửa danh sách"
        page.goto(f"{at}/{stuck}/drop")
        page.fill("#reason", "Đã lập danh sách khác")
        confirm(desk, page, "Bỏ hẳn")
        expect(page.locator(".ft-notice")).to_contain_text(f"Đã bỏ hẳn bản tin {stuck}")
    with database.connect() as connection:
        state = connection.scalar(select(quarantine.c.state).where(quarantine.c.number == stuck))
    assert state == "dropped"


@pytest.mark.parametrize("path", ["", "/retry", "/drop"])
def test_the_pages_of_a_message_are_for_everybody(desk: Desk, stuck: int, path: str) -> None:
    with desk.sits(ADMIN) as page:
        page.goto(f"{desk.base}/operations/quarantine/{SERVICE}/{stuck}{path}")
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            ensure_fits(page)
            ensure_accessible(page)
        ensure_reached_by_keyboard(page)


def test_nobody_else_comes_in(desk: Desk) -> None:
    with desk.sits("ctv.taichinh") as page:
        reply = page.goto(f"{desk.base}/operations")
        assert reply is not None
        assert reply.status == 403
        expect(page.locator("main")).to_contain_text("Quản trị hệ thống")


@pytest.fixture
def silent(database: Engine) -> Iterator[str]:
    """A worker that left its last sign five minutes ago."""
    member = f"silent-{new_id()}"
    now = datetime.now(UTC)
    sign = {"started_at": now - timedelta(hours=3), "seen_at": now - timedelta(minutes=5)}
    with database.begin() as connection:
        connection.execute(
            insert(process_signs).values(role="worker", member=member, slowest="consumer", **sign)
        )
    yield member
    with database.begin() as connection:
        connection.execute(delete(process_signs).where(process_signs.c.member == member))


def test_every_process_shows_its_last_sign_of_life_and_late_ones_are_marked(desk: Desk, silent: str) -> None:
    with desk.sits(ADMIN) as page:
        page.goto(f"{desk.base}/operations")
        signs = page.locator("table", has_text="Dấu hiệu gần nhất").locator("tbody tr")
        expect(signs.filter(has_text=silent)).to_contain_text("5 phút trước")
        expect(signs.filter(has_text=silent)).to_contain_text("Quá hạn")
        expect(signs.filter(has_text=silent)).to_contain_text("consumer")
        others = signs.filter(has_not_text=silent).filter(has_text="giây trước")
        assert others.count() == 6, "a worker of each service, and the jobs of beneficiaries"
        assert others.filter(has_text="Quá hạn").count() == 0
        assert signs.filter(has_text="Đang trả lời").count() == 6, "five APIs, and these pages"
        ensure_accessible(page)
