"""A month as a whole: its lists, how it stands, what came back and why, and what one person was paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.kernel.ids import new_id
from tests.integration.beneficiaries.office import (
    DEATH,
    NUI_THANH,
    THANG_BINH,
    Person,
    by_bank,
    person,
    problem_of,
)

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

POST, BANK = "POST-QNA", "BANK-QNA"
NONE = {"count": 0, "vnd": 0}


class Month:
    """August in Núi Thành: three payments by the post, of which one came back, one settled; one by a bank."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.import_persons(*(person(f"QN-10{n}") for n in range(3)), by_bank("QN-200"))
        office.on(2024, 7, 21)
        office.pay("2024-08")
        self.post, self.bank = (office.lists()["Núi Thành", one]["id"] for one in (POST, BANK))
        office.on(2024, 8, 1)
        office.instruct(self.post)
        self.payments = office.payments(self.post)
        first, second, _ = [(one["id"], one["amount_vnd"]) for one in self.payments]
        self.statement = office.answer_for(POST, (*first, "Không đến nhận"), (*second, ""))

    @property
    def each_vnd(self) -> int:
        return int(self.payments[0]["amount_vnd"])

    def elsewhere(self) -> Person:
        """An officer of another district."""
        return Person(self.office, "cuc", ("lists.read", "results.read"), (THANG_BINH,))


@pytest.fixture
def august(office: Office) -> Month:
    return Month(office)


def places(office: Office) -> dict[tuple[str, str], dict[str, Any]]:
    found = office.officer.get("/v1/payroll/2024-08/summary")["places"]
    return {(one["provider"], one["state"]): one for one in found}


def test_a_month_is_counted_by_unit_provider_and_state(office: Office, august: Month) -> None:
    post, bank = places(office)[POST, "instructed"], places(office)[BANK, "computed"]
    each = august.each_vnd
    assert post["payments"] == {"count": 3, "vnd": 3 * each}
    assert post["settled"] == post["returned"] == post["unanswered"] == {"count": 1, "vnd": each}
    assert (post["unit_id"], post["channel"], post["list_count"]) == (str(NUI_THANH), "post", 1)
    assert bank["payments"] == {"count": 1, "vnd": each}
    assert bank["settled"] == bank["unanswered"] == bank["reissued"] == NONE


def test_what_came_back_is_counted_by_reason(office: Office, august: Month) -> None:
    reasons = office.officer.get("/v1/payroll/2024-08/summary")["reasons"]
    assert [(one["count"], one["vnd"]) for one in reasons] == [(1, august.each_vnd)]


def test_what_is_paid_again_is_counted_once_its_list_is_with_the_provider(
    office: Office, august: Month
) -> None:
    made = office.reissue(august.post, POST)["list"]
    assert places(office)[POST, "instructed"]["reissued"] == NONE
    office.instruct(made["id"])
    assert places(office)[POST, "instructed"]["reissued"]["count"] == 1


def test_a_month_elsewhere_is_not_seen(office: Office, august: Month) -> None:
    seen = august.elsewhere()
    assert seen.get("/v1/payroll/2024-08/summary")["places"] == []
    assert seen.get("/v1/returns?period=2024-08")["items"] == []
    assert seen.get("/v1/lists")["items"] == []
    assert seen.get(f"/v1/persons/{august.payments[0]['person_id']}/payments")["items"] == []


def test_returns_are_a_list_to_work_through(office: Office, august: Month) -> None:
    (one,) = office.officer.get("/v1/returns?period=2024-08")["items"]
    assert (one["id"], one["list_id"], one["provider"]) == (august.payments[0]["id"], august.post, POST)
    assert (one["standing"], one["reissued_by"]) == ("returned", None)
    reason = one["reason_code"]
    assert len(office.officer.get(f"/v1/returns?period=2024-08&reason_code={reason}")["items"]) == 1
    assert office.officer.get("/v1/returns?period=2024-08&reason_code=AC01")["items"] == []
    assert office.officer.get(f"/v1/returns?period=2024-08&unit_id={new_id()}")["items"] == []
    office.reissue(august.post, POST)
    assert office.officer.get("/v1/returns?period=2024-08&open=true")["items"] == []


def test_a_row_names_its_person_to_those_alone_who_work_with_the_register(
    office: Office, august: Month
) -> None:
    payment = august.payments[0]["id"]
    paths = (
        f"/v1/lists/{august.post}/payments",
        f"/v1/lists/{august.post}/outcomes",
        "/v1/returns?period=2024-08",
        f"/v1/persons/{august.payments[0]['person_id']}/payments",
    )
    stranger = Person(office, "ke", ("lists.read", "results.read"), office.officer.units)
    for path in paths:
        (named,) = (one for one in office.officer.get(path)["items"] if one["id"] == payment)
        (unnamed,) = (one for one in stranger.get(path)["items"] if one["id"] == payment)
        assert named["person"]["full_name"] == "Nguyễn Thị Hoà"
        assert named["person"]["number"].startswith("QN-")
        assert unnamed == {**named, "person": None}


def test_a_persons_payments_come_with_their_arithmetic_and_standing(office: Office, august: Month) -> None:
    who = august.payments[0]["person_id"]
    (one,) = office.officer.get(f"/v1/persons/{who}/payments")["items"]
    assert (one["period"], one["standing"], one["state"]) == ("2024-08", "returned", "instructed")
    assert sum(owed["amount_vnd"] for owed in one["obligations"]) == one["amount_vnd"]
    again = office.reissue(august.post, POST)["list"]
    page = office.officer.get(f"/v1/persons/{who}/payments?limit=1")
    rest = office.officer.get(f"/v1/persons/{who}/payments?limit=1&cursor={page['next_cursor']}")
    both = [*page["items"], *rest["items"]]
    assert {(each["list_id"], each["reissue_of"]) for each in both} == {
        (august.post, None),
        (again["id"], one["id"]),
    }
    assert both[0]["obligations"] == both[1]["obligations"]


def test_lists_of_all_months_come_newest_first(office: Office, august: Month) -> None:
    made = office.reissue(august.post, POST)["list"]
    office.on(2024, 9, 2)
    first = office.officer.get("/v1/lists?limit=2")
    rest = office.officer.get(f"/v1/lists?limit=2&cursor={first['next_cursor']}")
    found = [*first["items"], *rest["items"]]
    assert {one["id"] for one in found} == {august.post, august.bank, made["id"]}
    assert [one["period"] for one in found] == sorted((one["period"] for one in found), reverse=True)
    computed = office.officer.get("/v1/lists?state=computed")["items"]
    assert {one["id"] for one in computed} == {august.bank, made["id"]}


def test_statements_come_newest_first(office: Office, august: Month) -> None:
    third = august.payments[2]
    later = office.answer_for(POST, (third["id"], third["amount_vnd"], ""))
    first = office.officer.get("/v1/statements?limit=1")
    rest = office.officer.get(f"/v1/statements?limit=1&cursor={first['next_cursor']}")
    assert [one["id"] for one in (*first["items"], *rest["items"])] == [later["id"], august.statement["id"]]
    assert office.officer.get(f"/v1/statements?provider={BANK}")["items"] == []


def test_jobs_come_newest_first(office: Office, august: Month) -> None:
    kinds = [one["kind"] for one in office.officer.get("/v1/jobs")["items"]]
    assert kinds[-1] == "import_persons"
    assert "payroll" in kinds
    first = office.officer.get("/v1/jobs?limit=1")
    second = office.officer.get(f"/v1/jobs?limit=1&cursor={first['next_cursor']}")
    assert [one["kind"] for one in (*first["items"], *second["items"])] == kinds[:2]
    assert office.officer.get("/v1/jobs?state=failed")["items"] == []
    assert problem_of(office.officer.ask("GET", "/v1/jobs?state=lost")) == (422, "request_invalid")


def test_reported_changes_are_seen_where_the_person_lives(office: Office) -> None:
    office.import_persons(person("QN-1"))
    made = office.officer.post("/v1/changes", DEATH)
    (one,) = office.officer.get("/v1/changes?state=requested")["items"]
    assert (one["id"], one["person_number"], one["details"]) == (made["id"], "QN-1", DEATH["details"])
    assert office.officer.get(f"/v1/changes/{made['id']}")["requested_by"] == "lan"
    elsewhere = Person(office, "cuc", ("persons.read",), (THANG_BINH,))
    assert elsewhere.get("/v1/changes")["items"] == []
    assert problem_of(elsewhere.ask("GET", f"/v1/changes/{made['id']}")) == (403, "unit_foreign")
    office.approver.post(f"/v1/changes/{made['id']}/approval")
    assert office.officer.get("/v1/changes?state=requested")["items"] == []


def test_how_a_person_is_paid_is_not_shown_with_the_change(office: Office) -> None:
    office.import_persons(person("QN-1"))
    details = {"provider": BANK, "bank_code": "VBA", "account_number": "4201205123456"}
    body = {"person_number": "QN-1", "kind": "receiving", "details": details, "evidence": "paper"}
    made = office.officer.post("/v1/changes", body)
    assert office.officer.get(f"/v1/changes/{made['id']}")["details"] == {}


def test_providers_have_names(office: Office) -> None:
    found = {one["code"]: one["channel"] for one in office.officer.get("/v1/providers")["items"]}
    assert found == {POST: "post", BANK: "bank"}
