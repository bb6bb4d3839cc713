from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.sheets.files import read_sheets
from tests.integration.beneficiaries.office import THANG_BINH, Person, by_bank, person

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

POST = ("Núi Thành", "POST-QNA")


@pytest.fixture
def computed(office: Office) -> dict[str, Any]:
    """A list of three payees of the post, and one of two of the bank."""
    office.import_persons(*(person(f"QN-{n}") for n in range(100, 103)), by_bank("QN-200"), by_bank("QN-201"))
    office.pay("2024-08")
    return office.lists()[POST]


def code_of(reply: Any) -> tuple[int, str]:  # noqa: ANN401 - a reply
    return reply.status_code, reply.get_json()["code"]


def state(office: Office, list_id: str) -> str:
    found: str = office.officer.get(f"/v1/lists/{list_id}")["state"]
    return found


def test_a_list_is_approved_by_another_as_it_was_seen(office: Office, computed: dict[str, Any]) -> None:
    path = f"/v1/lists/{computed['id']}"
    submitted = office.officer.post(f"{path}/submission")
    assert (submitted["state"], submitted["submission"]) == ("submitted", 1)
    own = Person(office, "lan", ("lists.approve",))
    content = {"content_sha256": submitted["content_sha256"]}
    assert code_of(own.ask("POST", f"{path}/approval", content)) == (403, "maker_is_checker")
    other = {"content_sha256": "0" * 64}
    assert code_of(office.approver.ask("POST", f"{path}/approval", other)) == (409, "content_differs")
    assert office.approver.post(f"{path}/approval", content)["state"] == "approved"
    (event,) = office.events("lists.approved")
    assert event["lines"] == [
        {"line": "merit_monthly", "purpose": "merit_monthly", "amount_vnd": computed["total_vnd"]}
    ]
    assert (event["fiscal_year"], event["provider"], event["payment_count"]) == (2024, "POST-QNA", 3)


def test_only_what_was_submitted_is_approved(office: Office, computed: dict[str, Any]) -> None:
    body = {"content_sha256": "0" * 64}
    reply = office.approver.ask("POST", f"/v1/lists/{computed['id']}/approval", body)
    assert code_of(reply) == (409, "list_state")


def test_a_list_that_was_sent_back_is_submitted_anew(office: Office, computed: dict[str, Any]) -> None:
    path = f"/v1/lists/{computed['id']}"
    office.officer.post(f"{path}/submission")
    back = office.approver.post(f"{path}/return", {"reason": "QN-101 has died"})
    assert (back["state"], back["refusal"]) == ("computed", {"reason": "QN-101 has died"})
    assert office.officer.post(f"{path}/submission")["submission"] == 2


def test_a_shortfall_sends_the_list_back_with_its_figures(office: Office, computed: dict[str, Any]) -> None:
    office.approve(computed["id"])
    lines = [{"line": "merit_monthly", "needed_vnd": 10, "available_vnd": 7, "shortfall_vnd": 3}]
    office.hear("funds.refused", list_id=computed["id"], submission=1, lines=lines)
    refused = office.officer.get(f"/v1/lists/{computed['id']}")
    assert (refused["state"], refused["refusal"]["lines"]) == ("refused", lines)
    assert office.approve(computed["id"])["submission"] == 2
    office.hear("funds.held", list_id=computed["id"], submission=2, lines=[])
    assert state(office, computed["id"]) == "held"


def test_an_answer_to_an_earlier_submission_changes_nothing(office: Office, computed: dict[str, Any]) -> None:
    office.approve(computed["id"])
    office.hear("funds.refused", list_id=computed["id"], submission=1, lines=[])
    office.approve(computed["id"])
    office.hear("funds.held", list_id=computed["id"], submission=1, lines=[])
    assert state(office, computed["id"]) == "approved"


def test_the_treasurys_refusal_sends_the_list_back(office: Office, computed: dict[str, Any]) -> None:
    office.approve(computed["id"])
    office.hear("funds.held", list_id=computed["id"], submission=1, lines=[])
    office.hear("funds.voided", list_id=computed["id"], submission=1)
    assert state(office, computed["id"]) == "refused"


def withdraw(office: Office, list_id: str) -> None:
    office.officer.post(f"/v1/lists/{list_id}/withdrawal", {"reason": "wrong month"})


def test_a_list_is_withdrawn_only_by_voided_holds(office: Office, computed: dict[str, Any]) -> None:
    office.approve(computed["id"])
    office.hear("funds.held", list_id=computed["id"], submission=1, lines=[])
    withdraw(office, computed["id"])
    assert state(office, computed["id"]) == "withdrawing"
    (event,) = office.events("lists.withdrawal_requested")
    assert event["submission"] == 1
    office.hear("funds.voided", list_id=computed["id"], submission=1)
    assert state(office, computed["id"]) == "withdrawn"
    assert office.approve(computed["id"])["submission"] == 2


def test_a_withdrawal_that_came_too_late_leaves_the_list_on_its_way(
    office: Office, computed: dict[str, Any]
) -> None:
    office.approve(computed["id"])
    office.hear("funds.held", list_id=computed["id"], submission=1, lines=[])
    withdraw(office, computed["id"])
    office.hear("funds.drawn", list_id=computed["id"], submission=1, lines=[])
    office.hear("funds.withdrawal_too_late", list_id=computed["id"], submission=1)
    office.work_off()
    assert state(office, computed["id"]) == "instructed"


def test_too_late_before_the_money_is_drawn_keeps_it_held(office: Office, computed: dict[str, Any]) -> None:
    office.approve(computed["id"])
    office.hear("funds.held", list_id=computed["id"], submission=1, lines=[])
    withdraw(office, computed["id"])
    office.hear("funds.withdrawal_too_late", list_id=computed["id"], submission=1)
    assert state(office, computed["id"]) == "held"


def test_every_payment_of_a_drawn_list_is_instructed_with_its_arithmetic(
    office: Office, computed: dict[str, Any]
) -> None:
    office.instruct(computed["id"])
    items = [item for event in office.events("payments.instructed") for item in event["items"]]
    assert {item["payment_id"] for item in items} == {one["id"] for one in office.payments(computed["id"])}
    assert sum(item["amount_vnd"] for item in items) == computed["total_vnd"]
    for item in items:
        assert item["amount_vnd"] == sum(one["amount_vnd"] for one in item["obligations"])
        assert {one["decree"] for one in item["obligations"]} == {"77/2024/NĐ-CP"}


def test_a_long_list_is_instructed_in_chunks_without_gap(office: Office) -> None:
    office.import_persons(*(person(f"QN-{n:04d}") for n in range(450)))
    office.pay("2024-08")
    office.instruct(office.lists()[POST]["id"])
    events = office.events("payments.instructed")
    assert [(event["chunk"], len(event["items"])) for event in events] == [(0, 200), (1, 200), (2, 50)]
    assert len({item["payment_id"] for event in events for item in event["items"]}) == 450


def test_the_file_leaves_the_house_once_instructed(office: Office, computed: dict[str, Any]) -> None:
    path = f"/v1/lists/{computed['id']}/file"
    assert code_of(office.officer.ask("POST", path)) == (409, "list_not_instructed")
    office.instruct(computed["id"])
    reply = office.officer.ask("POST", path)
    (sheet,) = read_sheets(reply.data, "list.xlsx")
    assert {sheet.text(row, 1) for row in range(6, 9)} == {
        one["id"] for one in office.payments(computed["id"])
    }
    assert sheet.cell(9, 5) == computed["total_vnd"]
    (event,) = office.events("lists.exported")
    assert event["list_id"] == computed["id"]
    assert office.one("SELECT topic FROM journal WHERE type LIKE '%lists.exported%'") == "trail"


def test_the_bank_gets_a_payment_order(office: Office, computed: dict[str, Any]) -> None:
    bank = office.lists()["Núi Thành", "BANK-QNA"]
    office.instruct(bank["id"])
    reply = office.officer.ask("POST", f"/v1/lists/{bank['id']}/file")
    assert reply.content_type == "application/xml"
    assert reply.data.count(b"<CdtTrfTxInf") == 2
    assert "pain.001.xml" in reply.headers["Content-Disposition"]


def test_another_district_cannot_touch_a_list(office: Office, computed: dict[str, Any]) -> None:
    foreign = Person(office, "ha", ("lists.read", "lists.submit"), (THANG_BINH,))
    path = f"/v1/lists/{computed['id']}"
    assert code_of(foreign.ask("GET", path)) == (403, "unit_foreign")
    assert code_of(foreign.ask("GET", f"{path}/payments")) == (403, "unit_foreign")
    assert code_of(foreign.ask("POST", f"{path}/submission")) == (403, "unit_foreign")
    assert state(office, computed["id"]) == "computed"


def test_lists_and_payments_come_in_pages(office: Office, computed: dict[str, Any]) -> None:
    seen, cursor = [], ""
    while True:
        page = office.officer.get(f"/v1/lists/{computed['id']}/payments?limit=2{cursor}")
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 3
    assert seen == sorted(seen)
    assert len(office.officer.get("/v1/lists?period=2024-08&state=closed")["items"]) == 0
    assert code_of(office.officer.ask("GET", "/v1/lists?period=2024-8")) == (422, "request_invalid")


def test_people_sign_commune_by_commune_in_order_of_their_given_names(office: Office) -> None:
    office.import_persons(
        person("QN-4", full_name="Trần Văn Đức"),
        person("QN-1", full_name="Nguyễn Thị Ánh", commune_code="20986"),
        person("QN-3", full_name="Lê Thị Dung"),
        person("QN-2", full_name="Lê Văn An"),
    )
    office.pay("2024-08")
    made = office.lists()["Núi Thành", "POST-QNA"]
    path = f"/v1/lists/{made['id']}/signatures"
    whole = office.officer.get(path)
    assert [one["person"]["full_name"] for one in whole["items"]] == [
        "Nguyễn Thị Ánh",  # of Núi Thành, before Tam Anh Bắc
        "Lê Văn An",
        "Lê Thị Dung",
        "Trần Văn Đức",
    ]
    assert [one["number"] for one in whole["items"]] == [1, 2, 3, 4]
    assert whole["before_vnd"] == 0
    assert sum(one["amount_vnd"] for one in whole["items"]) == made["total_vnd"]
    for one in whole["items"]:
        assert one["monthly_vnd"] + one["arrears_vnd"] + one["recovery_vnd"] == one["amount_vnd"]
    part = office.officer.get(f"{path}?first=3&limit=1")
    assert part["items"] == whole["items"][2:3]
    assert part["before_vnd"] == sum(one["amount_vnd"] for one in whole["items"][:2])
    behind = office.officer.get(f"{path}?first=5")
    assert (behind["items"], behind["before_vnd"]) == ([], made["total_vnd"])


def test_who_may_not_see_the_persons_gets_their_signatures_without_names(
    office: Office, computed: dict[str, Any]
) -> None:
    stranger = Person(office, "ke", ("lists.read",), office.officer.units)
    items = stranger.get(f"/v1/lists/{computed['id']}/signatures")["items"]
    assert [one["person"] for one in items] == [None] * computed["payment_count"]
    assert [one["person_id"] for one in items] == sorted(one["person_id"] for one in items)
    foreign = Person(office, "ha", ("lists.read",), (THANG_BINH,))
    assert code_of(foreign.ask("GET", f"/v1/lists/{computed['id']}/signatures")) == (403, "unit_foreign")
