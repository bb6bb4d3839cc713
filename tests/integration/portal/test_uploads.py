"""Files that go ahead of their forms, on a real database: whose they are, how far, how many, how long."""

from __future__ import annotations

import base64
import hashlib
import random
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask
from psycopg import sql

from deploy.local.postgres import Server
from services.portal.calls.services import Services
from services.portal.decisions import drafting
from services.portal.uploads import model
from services.portal.uploads.api import SILENT_S
from services.portal.uploads.files import FORMS
from services.portal.uploads.forgetting import forget_expired
from services.portal.uploads.model import IDLE_AFTER, KEPT_FOR, PERSON_FILES_MAX
from services.portal.visits.handlers import Desk
from services.portal.visits.model import LOCKED_AFTER
from shared.kernel.sealing import Sealer
from shared.web.context import Context
from tests.folders import fresh_folder
from tests.integration.portal.conftest import Account, MakePages, Portal
from tests.integration.portal.sending import ANNEX, BYTES, REGISTER, Sender, Service, metadata, service
from tests.integration.portal.test_visits import ACT
from tests.small_disk import SmallDisk, small_disk

CONTENT = random.Random(7).randbytes(4_321)
HEADER = {"title": "Phân bổ", "fiscal_year": "2024", "article_id": "a1", "kind": "assign"}
HERE = "\N{NO-BREAK SPACE}KB) đã ở đây"
NOBODY = "/uploads/01a22000-0000-7000-8000-000000000001"


@pytest.fixture
def allocation() -> Iterator[tuple[Service, str]]:
    with service() as made:
        yield made


@pytest.fixture
def pages(portal: Portal, allocation: tuple[Service, str], make_pages: MakePages) -> Iterator[Flask]:
    """The pages on the portal's database, before one service that stands for all."""
    desk = Desk(portal.issuer, portal.factors, Sealer(bytes(range(32))))
    names = ("portal", "allocation", "beneficiaries", "notifications", "audit")
    services = Services(dict.fromkeys(names, allocation[1]))
    parts = {"desk": desk, "services": services}
    context = Context("portal", portal.unit_of_work, portal.verifier, portal.clock, parts)
    yield make_pages(context)
    services.connections.close()


@pytest.fixture
def behind(allocation: tuple[Service, str]) -> Service:
    """What stands behind the forms."""
    return allocation[0]


@pytest.fixture
def lan(portal: Portal, boss: str) -> Account:
    return portal.hire(boss, "lan", "finance_officer", "benefit_officer")


@pytest.fixture
def browser(pages: Flask, portal: Portal, lan: Account) -> Sender:
    """One at which a person is signed in who may send annexes and registers."""
    made = Sender(pages)
    made.sign_in(portal, lan)
    return made


@pytest.fixture
def disk(portal: Portal, postgres_server: Server) -> Iterator[SmallDisk]:
    """The pieces of the portal's files lie on a small disk; everything else does not."""
    around, name = fresh_folder("disk"), portal.addresses.service.rsplit("/", 1)[1]
    try:
        with small_disk(around / "small") as made, postgres_server.connect(name) as connection:
            place = sql.Literal(str(made.folder))
            connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(place))
            connection.execute("ALTER TABLE upload_pieces SET TABLESPACE small")
            yield made
            made.free()
            connection.execute("ALTER TABLE upload_pieces SET TABLESPACE pg_default")
            connection.execute("DROP TABLESPACE small")
    finally:
        shutil.rmtree(around)


def of_another(pages: Flask, portal: Portal, boss: str) -> Sender:
    made = Sender(pages)
    made.sign_in(portal, portal.hire(boss, "minh", "finance_officer"))
    return made


def count(portal: Portal) -> int:
    return int(portal.one("SELECT count(*) FROM uploads"))


def test_a_file_comes_in_pieces_and_its_form_brings_it_whole(
    browser: Sender, behind: Service, portal: Portal
) -> None:
    name = browser.sent(CONTENT)
    reply = browser.fills_in(ANNEX, upload=name, **HEADER)
    assert reply.location == "/decisions/01a22000-0000-7000-8000-000000000009"
    assert behind.forms[0]["file"] == ("phụ lục.xlsx", CONTENT)
    assert behind.forms[0]["title"] == "Phân bổ"


def test_the_server_tells_what_it_speaks(browser: Sender) -> None:
    reply = browser.client.options("/uploads")
    assert reply.status_code == 204
    assert reply.headers["Tus-Version"] == reply.headers["Tus-Resumable"] == "1.0.0"
    assert set(reply.headers["Tus-Extension"].split(",")) >= {"creation", "expiration", "checksum"}
    assert reply.headers["Tus-Max-Size"] == str(160 * 1024 * 1024)


def test_a_broken_line_goes_on_from_what_is_here(browser: Sender, portal: Portal) -> None:
    place = browser.place(len(CONTENT))
    begun = browser.sends(place, 0, CONTENT[:1000])
    assert (begun.status_code, begun.headers["Upload-Offset"]) == (204, "1000")
    looked = browser.ask("HEAD", place)
    assert (looked.headers["Upload-Offset"], looked.headers["Upload-Length"]) == ("1000", str(len(CONTENT)))
    assert looked.headers["Cache-Control"] == "no-store"
    assert browser.sends(place, 1000, CONTENT[1000:]).headers["Upload-Offset"] == str(len(CONTENT))


@pytest.mark.parametrize("offset", [0, 999, 1001, 4_321])
def test_a_piece_that_begins_elsewhere_changes_nothing(browser: Sender, portal: Portal, offset: int) -> None:
    place = browser.place(len(CONTENT))
    browser.sends(place, 0, CONTENT[:1000])
    assert browser.sends(place, offset, CONTENT[:1000]).status_code == 409
    assert browser.offset(place) == 1000
    assert portal.one("SELECT sum(size) FROM upload_pieces") == 1000


def test_of_two_that_go_on_at_once_one_wins_and_no_byte_is_doubled(
    pages: Flask, portal: Portal, browser: Sender, lan: Account, behind: Service
) -> None:
    second = Sender(pages)
    second.sign_in(portal, lan)
    place = browser.place(len(CONTENT))
    with ThreadPoolExecutor(2) as both:
        for offset in range(0, len(CONTENT), 500):
            piece, gate = CONTENT[offset : offset + 500], threading.Barrier(2)
            sending = [both.submit(at_once, one, gate, place, offset, piece) for one in (browser, second)]
            assert sorted(one.result(30) for one in sending) == [204, 409]
    browser.fills_in(ANNEX, upload=place.rpartition("/")[2], **HEADER)
    assert behind.forms[0]["file"][1] == CONTENT


def at_once(browser: Sender, gate: threading.Barrier, place: str, offset: int, piece: bytes) -> int:
    """The status for somebody who sends in the same moment as another."""
    browser.csrf()
    gate.wait(10)
    return browser.sends(place, offset, piece).status_code


class FallsSilent:
    """A line on which some bytes come, and then nothing."""

    def __init__(self, content: bytes) -> None:
        self._content = BytesIO(content)
        self.timeout_s = 0.0

    def read(self, count: int) -> bytes:
        if not (piece := self._content.read(count)):
            raise TimeoutError
        return piece

    def settimeout(self, seconds: float) -> None:
        self.timeout_s = seconds


def test_what_came_before_the_line_fell_silent_counts(browser: Sender) -> None:
    place, line = browser.place(len(CONTENT)), FallsSilent(CONTENT[:1234])
    headers = {"Upload-Offset": "0", "Tus-Resumable": "1.0.0", "X-CSRFToken": browser.csrf()}
    over = {"wsgi.input": line, "gunicorn.socket": line, "CONTENT_LENGTH": str(len(CONTENT))}
    reply = browser.client.patch(place, headers=headers, content_type=BYTES, environ_overrides=over)
    assert reply.status_code == 204
    assert line.timeout_s == SILENT_S
    assert browser.offset(place) == 1234


def test_more_than_was_announced_is_refused(browser: Sender) -> None:
    place = browser.place(10)
    assert browser.sends(place, 0, b"x" * 11).status_code == 400
    assert browser.offset(place) == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_that_was_altered_on_its_way_is_not_taken(browser: Sender, algorithm: str) -> None:
    place = browser.place(len(CONTENT))
    told = base64.b64encode(hashlib.new(algorithm, CONTENT).digest()).decode()
    altered = browser.sends(place, 0, CONTENT[::-1], Upload_Checksum=f"{algorithm} {told}")
    assert altered.status_code == 460
    assert browser.offset(place) == 0
    assert browser.sends(place, 0, CONTENT, Upload_Checksum=f"{algorithm} {told}").status_code == 204


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus_Resumable": "0.2.2"}, 412),
        ({"Content_Type": "text/plain"}, 415),
        ({"Upload_Offset": "-1"}, 400),
        ({"Upload_Offset": "one"}, 400),
        ({"Upload_Offset": "٣"}, 400),
        ({"Upload_Checksum": "md5 AA=="}, 400),
        ({"X_CSRFToken": ""}, 400),
    ],
)
def test_what_is_not_spoken_here_changes_nothing(
    browser: Sender, headers: dict[str, str], status: int
) -> None:
    place = browser.place(len(CONTENT))
    encoded = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert browser.sends(place, 0, CONTENT[:100], **encoded).status_code == status
    assert browser.offset(place) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload_Length": ""},
        {"Upload_Length": "1e3"},
        {"Upload_Metadata": ""},
        {"Upload_Metadata": "form ///"},
        {"Upload_Metadata": metadata("", ANNEX)},
        {"Upload_Metadata": metadata("a.csv", "/sign-in")},
        {"Upload_Metadata": metadata("a.csv", ANNEX, -5)},
        {"X_CSRFToken": "made up"},
    ],
)
def test_a_beginning_that_cannot_be_read_begins_nothing(
    browser: Sender, portal: Portal, headers: dict[str, str]
) -> None:
    assert browser.begins(10, **headers).status_code == 400
    assert count(portal) == 0


def test_a_way_that_lets_post_pass_alone_serves_as_well(browser: Sender) -> None:
    place = browser.place(5)
    told = {"Upload_Offset": "0", "Content_Type": BYTES}
    assert browser.ask("POST", place, b"12345", X_HTTP_Method_Override="PATCH", **told).status_code == 204
    assert browser.offset(place) == 5
    assert browser.ask("POST", place).status_code == 405
    assert browser.ask("POST", place, X_HTTP_Method_Override="DELETE").status_code == 204


def test_a_file_is_of_the_person_who_sends_it_and_of_nobody_else(
    pages: Flask, portal: Portal, boss: str, browser: Sender, behind: Service
) -> None:
    name = browser.sent(CONTENT)
    minh = of_another(pages, portal, boss)
    place = f"/uploads/{name}"
    assert minh.ask("HEAD", place).status_code == 404
    assert minh.sends(place, len(CONTENT), b"x").status_code == 404
    assert minh.ask("DELETE", place).status_code == 404
    assert minh.fills_in(ANNEX, upload=name, **HEADER).location == ANNEX
    page = minh.get(ANNEX).get_data(as_text=True)
    assert "không còn được giữ" in page
    assert "phụ lục.xlsx" not in page
    assert behind.forms == []
    assert browser.offset(place) == len(CONTENT)


def test_nobody_who_is_signed_out_sends_or_looks(browser: Sender, portal: Portal) -> None:
    place = browser.place(len(CONTENT))
    browser.post("/sign-out")
    assert browser.ask("HEAD", place).status_code == 401
    assert browser.sends(place, 0, CONTENT).status_code == 401
    told = browser.begins(10)
    assert (told.status_code, told.content_type) == (401, "text/plain; charset=utf-8")
    assert portal.rows("SELECT kept FROM visits WHERE kept IS NOT NULL") == [], "it is no form"


def test_who_may_not_send_the_form_may_not_send_its_file(pages: Flask, portal: Portal, boss: str) -> None:
    minh = of_another(pages, portal, boss)
    assert minh.begins(10, form=REGISTER).status_code == 403
    assert count(portal) == 0


def test_a_file_goes_on_behind_a_locked_screen_and_keeps_none_open(browser: Sender, portal: Portal) -> None:
    place, token = browser.place(len(CONTENT)), browser.csrf()
    offset = 0
    for _ in range(3):
        portal.clock.advance(LOCKED_AFTER / 2)
        told = {"Upload-Offset": str(offset), "Tus-Resumable": "1.0.0", "X-CSRFToken": token}
        reply = browser.client.patch(
            place, data=CONTENT[offset : offset + 10], headers=told, content_type=BYTES
        )
        assert reply.status_code == 204
        offset += 10
    assert browser.get(ANNEX).location == f"/unlock?next={ANNEX}"
    assert browser.begins(10).status_code == 403


def test_nothing_of_a_file_lies_open_in_the_database(browser: Sender, portal: Portal) -> None:
    browser.sent(b"049012345678 " * 100, "hồ sơ của bà Nguyễn Thị A.csv")
    stored = str(portal.rows("SELECT * FROM uploads")) + str(
        [bytes(row.sealed) for row in portal.rows("SELECT sealed FROM upload_pieces")]
    )
    assert "049012345678" not in stored
    assert "Nguyễn" not in stored


def test_a_file_that_is_too_large_for_its_service_is_refused_before_it_comes(
    browser: Sender, portal: Portal
) -> None:
    reply = browser.begins(10_000_001)
    assert reply.status_code == 413
    assert reply.get_data(as_text=True) == "Tệp quá lớn. Tối đa 10 MB."
    assert browser.begins(10_000_001, form=REGISTER).status_code == 201
    assert browser.sends(f"{browser.place(2_000_000)}", 0, b"x" * 1_048_577).status_code == 413


def test_a_person_has_so_many_files_here_and_no_more(browser: Sender, portal: Portal) -> None:
    first = browser.place(5)
    for _ in range(PERSON_FILES_MAX - 1):
        browser.place(5)
    refused = browser.begins(5)
    assert refused.status_code == 422
    assert "quá nhiều tệp" in refused.get_data(as_text=True)
    portal.clock.advance(IDLE_AFTER)
    assert browser.begins(5).status_code == 201, "what does not move makes room"
    assert browser.ask("HEAD", first).status_code == 404
    assert count(portal) == PERSON_FILES_MAX


def test_a_person_and_everybody_have_so_many_bytes_and_no_more(
    browser: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "PERSON_BYTES_MAX", 100)
    browser.place(60)
    assert browser.begins(41).status_code == 422
    assert browser.begins(40).status_code == 201
    monkeypatch.setattr("services.portal.uploads.handlers.WAITING_BYTES_MAX", 99)
    monkeypatch.setattr(model, "PERSON_BYTES_MAX", 1000)
    assert "không còn chỗ" in browser.begins(1).get_data(as_text=True)


def test_a_file_is_gone_a_day_after_the_last_of_it_came(
    browser: Sender, portal: Portal, behind: Service
) -> None:
    place = browser.place(len(CONTENT))
    portal.clock.advance(KEPT_FOR - timedelta(hours=1))
    with portal.owner.begin() as connection:  # the person signs in again and again meanwhile
        connection.exec_driver_sql("UPDATE sessions SET expires_at = expires_at + interval '9 days'")
        connection.exec_driver_sql("UPDATE visits SET seen_at = seen_at + interval '23 hours'")
    assert browser.sends(place, 0, CONTENT).status_code == 204
    portal.clock.advance(KEPT_FOR - timedelta(seconds=1))
    assert forget_expired(portal.unit_of_work) == 0
    portal.clock.advance(timedelta(seconds=1))
    with portal.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE visits SET seen_at = seen_at + interval '24 hours'")
    assert browser.ask("HEAD", place).status_code == 404
    assert browser.fills_in(ANNEX, upload=place.rpartition("/")[2], **HEADER).location == ANNEX
    assert "không còn được giữ" in browser.get(ANNEX).get_data(as_text=True)
    assert forget_expired(portal.unit_of_work) == 1
    assert portal.one("SELECT count(*) FROM upload_pieces") == 0


def test_a_file_that_came_in_part_is_no_file_yet(browser: Sender, behind: Service) -> None:
    place = browser.place(len(CONTENT))
    browser.sends(place, 0, CONTENT[:1000])
    browser.fills_in(ANNEX, upload=place.rpartition("/")[2], **HEADER)
    page = browser.get(ANNEX).get_data(as_text=True)
    assert "Tệp chưa đến đủ" in page
    assert "Chọn lại đúng tệp này" in page
    assert behind.forms == []


def test_a_refused_form_is_sent_again_with_the_file_that_is_here(browser: Sender, behind: Service) -> None:
    name = browser.sent(CONTENT)
    behind.refuses("annex_faulty", {"detail": "Dòng 3", "row": 3, "code": "unit_unknown", "value": "Xã X"})
    assert browser.fills_in(ANNEX, upload=name, **HEADER).location == ANNEX
    page = browser.get(ANNEX).get_data(as_text=True)
    assert "phụ lục.xlsx (4\N{NO-BREAK SPACE}KB) đã ở đây" in page
    assert f'name="upload" value="{name}"' in page
    assert f'name="act" value="{ACT}"' in page
    behind.status, behind.body = 201, {"id": "01a22000-0000-7000-8000-000000000009"}
    assert "/decisions/01a2" in str(browser.fills_in(ANNEX, upload=name, **HEADER).location)
    assert [form["file"][1] for form in behind.forms] == [CONTENT, CONTENT]


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "refused"])
def test_a_file_that_came_with_its_form_stays_as_well(browser: Sender, behind: Service, silent: bool) -> None:  # noqa: FBT001
    behind.silent = silent
    behind.refuses("annex_faulty")
    assert browser.fills_in(ANNEX, ("phụ lục.xlsx", CONTENT), **HEADER).location == ANNEX
    page = browser.get(ANNEX).get_data(as_text=True)
    assert "phụ lục.xlsx (4\N{NO-BREAK SPACE}KB) đã ở đây" in page
    name = page.split('name="upload" value="')[1].split('"')[0]
    behind.silent = False
    behind.status, behind.body = 201, {"id": "01a22000-0000-7000-8000-000000000009"}
    assert "/decisions/01a2" in str(browser.fills_in(ANNEX, upload=name, **HEADER).location)
    assert behind.forms[0] == behind.forms[1]
    assert behind.bodies[0] == behind.bodies[1], "byte for byte: the service knows it again"


def test_a_form_that_was_taken_offers_its_file_no_more_but_may_be_sent_twice(
    browser: Sender, behind: Service, portal: Portal
) -> None:
    name = browser.sent(CONTENT)
    for _ in range(2):  # as a double click without scripts does
        assert "/decisions/01a2" in str(browser.fills_in(ANNEX, upload=name, **HEADER).location)
    assert behind.bodies[0] == behind.bodies[1]
    assert HERE not in browser.get(ANNEX).get_data(as_text=True)
    portal.clock.advance(timedelta(minutes=15))
    assert forget_expired(portal.unit_of_work) == 1


def test_another_file_counts_where_both_came(browser: Sender, behind: Service, portal: Portal) -> None:
    name = browser.sent(CONTENT)
    behind.refuses("annex_faulty")
    browser.fills_in(ANNEX, ("khác.xlsx", b"another"), upload=name, **HEADER)
    assert behind.forms[0]["file"] == ("khác.xlsx", b"another")
    page = browser.get(ANNEX).get_data(as_text=True)
    assert "khác.xlsx (0\N{NO-BREAK SPACE}KB) đã ở đây" in page
    assert portal.one("SELECT count(*) FROM uploads WHERE NOT used") == 1, "the former one is on its way out"


def test_a_session_that_ends_in_the_middle_keeps_the_file_for_the_same_person_alone(
    pages: Flask, browser: Sender, portal: Portal, lan: Account, boss: str, behind: Service
) -> None:
    with portal.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE sessions SET ended_at = now()")
    assert "/sign-in" in str(browser.fills_in(ANNEX, ("phụ lục.xlsx", CONTENT), **HEADER).location)
    minh = of_another(pages, portal, boss)
    assert HERE not in minh.get(ANNEX).get_data(as_text=True)
    browser.sign_in(portal, lan)
    page = browser.get(ANNEX).get_data(as_text=True)
    assert "phụ lục.xlsx (4\N{NO-BREAK SPACE}KB) đã ở đây" in page
    assert 'value="Phân bổ"' in page


def test_a_file_that_no_person_is_known_for_stays_nowhere(
    pages: Flask, portal: Portal, browser: Sender
) -> None:
    browser.post("/sign-out")
    browser.fills_in(ANNEX, ("phụ lục.xlsx", CONTENT), **HEADER)
    Sender(pages).fills_in(ANNEX, ("phụ lục.xlsx", CONTENT), **HEADER)
    assert count(portal) == 0


def test_a_form_without_room_for_its_file_is_kept_without(
    browser: Sender, behind: Service, portal: Portal
) -> None:
    for _ in range(PERSON_FILES_MAX):
        browser.sent(b"x")
    behind.refuses("annex_faulty")
    browser.fills_in(ANNEX, ("phụ lục.xlsx", CONTENT), **HEADER)
    page = browser.get(ANNEX).get_data(as_text=True)
    assert 'value="Phân bổ"' in page
    assert HERE not in page, "none that was not sent with this form either"
    assert count(portal) == PERSON_FILES_MAX


def test_a_plain_file_that_is_too_large_is_told_beside_its_field(
    pages: Flask, browser: Sender, behind: Service, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(drafting.ANNEX, bytes_max=1_000)
    monkeypatch.setattr(drafting, "ANNEX", small)
    monkeypatch.setitem(pages.config, FORMS, (small,))
    browser.fills_in(ANNEX, ("phụ lục.xlsx", CONTENT), **HEADER)
    page = browser.get(ANNEX).get_data(as_text=True)
    assert 'id="file-error"' in page
    assert 'value="Phân bổ"' in page
    assert (behind.forms, count(portal)) == ([], 0)


def test_registers_and_their_files_are_sent_the_same_way(
    browser: Sender, behind: Service, portal: Portal
) -> None:
    name = browser.sent(CONTENT, "danh sách.csv", REGISTER)
    assert "danh sách.csv" in browser.get(REGISTER).get_data(as_text=True)
    behind.takes({"registration_id": "01a22000-0000-7000-8000-000000000009", "job_id": ACT})
    reply = browser.fills_in(REGISTER, upload=name, dry_run="no")
    assert reply.location == "/months/registers/01a22000-0000-7000-8000-000000000009"
    assert behind.forms[0] == {"file": ("danh sách.csv", CONTENT)}


def test_a_file_of_one_form_is_not_sent_with_another(browser: Sender, behind: Service) -> None:
    name = browser.sent(CONTENT, "danh sách.csv", REGISTER)
    assert browser.fills_in(ANNEX, upload=name, **HEADER).location == ANNEX
    assert "không còn được giữ" in browser.get(ANNEX).get_data(as_text=True)
    assert behind.forms == []


@pytest.mark.parametrize("named", ["nothing", "", NOBODY.rpartition("/")[2]])
def test_a_name_that_is_none_is_no_file(browser: Sender, behind: Service, named: str) -> None:
    assert browser.fills_in(ANNEX, upload=named, **HEADER).location == ANNEX
    assert "govuk-error-summary" in browser.get(ANNEX).get_data(as_text=True)
    assert behind.forms == []


def test_a_full_disk_refuses_a_piece_whole_and_the_file_goes_on_when_there_is_room(
    browser: Sender, behind: Service, disk: SmallDisk
) -> None:
    content, piece = random.Random(23).randbytes(1_500_000), 100_000
    place = browser.place(len(content))
    assert browser.sends(place, 0, content[:piece]).status_code == 204
    disk.fill()
    reply = browser.sends(place, piece, content[piece : 2 * piece])
    while reply.status_code == 204:
        offset = browser.offset(place)
        assert offset < len(content), "the disk was never full"
        reply = browser.sends(place, offset, content[offset : offset + piece])
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
    assert "chưa có gì được ghi nhận" in reply.get_data(as_text=True)
    kept = browser.offset(place)
    assert kept % piece == 0
    disk.free()
    for offset in range(kept, len(content), piece):
        assert browser.sends(place, offset, content[offset : offset + piece]).status_code == 204
    browser.fills_in(ANNEX, upload=place.rpartition("/")[2], **HEADER)
    assert behind.forms[0]["file"][1] == content
