"""Paying again what came back: which payments may be, once, to whom, and how the new list goes its way."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.kernel.ids import new_id
from tests.integration.beneficiaries.office import (
    NUI_THANH,
    THANG_BINH,
    Person,
    by_bank,
    faults_of,
    person,
    problem_of,
)

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

POST, BANK = "POST-QNA", "BANK-QNA"
Payments = list[tuple[str, int]]


class Returned:
    """A bank list of five: two paid, two came back, one silent; of the post one paid, one came back."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.import_persons(*(by_bank(f"QN-20{n}") for n in range(5)), person("QN-100"), person("QN-101"))
        office.pay("2024-08")
        self.bank, self.post = (office.lists()["Núi Thành", one]["id"] for one in (BANK, POST))
        office.instruct(self.bank)
        office.instruct(self.post)
        self.of_bank = self._payments(self.bank)
        self.of_post = self._payments(self.post)
        paid, more, back, again, _ = self.of_bank
        office.answer_for(BANK, (*paid, ""), (*more, ""), (*back, "AC04"), (*again, "BE01"))
        office.answer_for(POST, (*self.of_post[0], "CNPC"), (*self.of_post[1], ""))
        office.on(2024, 8, 20)

    def _payments(self, list_id: str) -> Payments:
        return [(one["id"], one["amount_vnd"]) for one in self.office.payments(list_id)]

    @property
    def back(self) -> list[str]:
        return [payment for payment, _ in self.of_bank[2:4]]

    @property
    def paid(self) -> str:
        return self.of_bank[0][0]

    @property
    def silent(self) -> str:
        return self.of_bank[4][0]

    def number_of(self, payment: str) -> str:
        number: str = self.office.one(
            "SELECT p.number FROM persons p JOIN payments y ON y.person_id = p.id WHERE y.id = :id",
            id=payment,
        )
        return number

    def ask(self, *payments: str, provider: str = BANK, list_id: str = "") -> Any:  # noqa: ANN401 - a reply
        body = {"provider": provider, "payment_ids": list(payments)}
        return self.office.officer.ask("POST", f"/v1/lists/{list_id or self.bank}/reissues", body)


@pytest.fixture
def returned(office: Office) -> Returned:
    return Returned(office)


def test_what_came_back_stands_in_a_new_list_of_the_same_unit(office: Office, returned: Returned) -> None:
    made = office.reissue(returned.bank, BANK)
    new = made["list"]
    assert (new["state"], new["period"], new["reissue"], new["provider"]) == ("computed", "2024-08", 1, BANK)
    assert new["unit_id"] == str(NUI_THANH)
    assert (new["payment_count"], new["total_vnd"]) == (2, sum(amount for _, amount in returned.of_bank[2:4]))
    assert made["left_out"] == []
    assert {one["reissue_of"] for one in office.payments(new["id"])} == set(returned.back)
    assert new["id"] != returned.bank


def test_a_reissue_pays_the_obligations_of_the_payment_that_came_back(
    office: Office, returned: Returned
) -> None:
    before = office.one("SELECT count(*) FROM obligations")
    new = office.reissue(returned.bank, BANK)["list"]
    assert office.one("SELECT count(*) FROM obligations") == before, "nobody is owed anything more"
    owed = {one["id"]: one["obligations"] for one in office.payments(returned.bank)}
    for one in office.payments(new["id"]):
        assert one["obligations"] == owed[one["reissue_of"]]
        assert sum(line["amount_vnd"] for line in one["obligations"]) == one["amount_vnd"]


def test_the_reissue_is_told_with_the_payments_it_stands_for(office: Office, returned: Returned) -> None:
    new = office.reissue(returned.bank, BANK)["list"]
    (event,) = office.events("payments.reissued")
    assert (event["from_list_id"], event["list_id"]) == (returned.bank, new["id"])
    assert {item["reissue_of"] for item in event["items"]} == set(returned.back)
    key = office.one("SELECT key FROM journal WHERE type LIKE '%payments.reissued%'")
    assert key == returned.bank, "in order with what was answered about the old list"


def test_a_reissue_goes_the_way_of_every_list(office: Office, returned: Returned) -> None:
    new = office.reissue(returned.bank, BANK)["list"]
    office.instruct(new["id"])
    (event,) = [one for one in office.events("payments.instructed") if one["list_id"] == new["id"]]
    assert {item["reissue_of"] for item in event["items"]} == set(returned.back)
    assert all(item["obligations"] for item in event["items"])
    again = [(one["id"], one["amount_vnd"]) for one in office.payments(new["id"])]
    statement = office.answer_for(BANK, *((*one, "") for one in again), day="2024-08-21")
    assert statement["matched_count"] == 2
    assert {one["standing"] for one in office.outcomes(new["id"]).values()} == {"settled"}
    old = office.outcomes(returned.bank)
    assert [old[payment]["standing"] for payment in returned.back] == ["returned", "returned"]
    assert {old[payment]["reissued_by"] for payment in returned.back} == {payment for payment, _ in again}


def test_what_came_back_a_second_time_is_reissued_again(office: Office, returned: Returned) -> None:
    first = office.reissue(returned.bank, BANK, returned.back[0])["list"]
    office.instruct(first["id"])
    ((payment, amount),) = [(one["id"], one["amount_vnd"]) for one in office.payments(first["id"])]
    office.answer_for(BANK, (payment, amount, "AC06"), day="2024-08-21")
    second = office.reissue(first["id"], POST)["list"]
    (again,) = office.payments(second["id"])
    assert again["reissue_of"] == payment
    assert sum(line["amount_vnd"] for line in again["obligations"]) == amount
    assert (second["reissue"], second["provider"], second["channel"]) == (1, POST, "post")


def test_instructed_items_of_a_months_list_name_no_reissue(office: Office, returned: Returned) -> None:
    items = [item for event in office.events("payments.instructed") for item in event["items"]]
    assert len(items) == 7
    assert not any("reissue_of" in item for item in items)


@pytest.mark.parametrize(
    ("which", "code"),
    [("silent", "payment_unanswered"), ("paid", "payment_settled")],
    ids=["silent", "paid"],
)
def test_only_what_came_back_is_paid_again(office: Office, returned: Returned, which: str, code: str) -> None:
    reply = returned.ask(getattr(returned, which))
    assert problem_of(reply) == (422, "reissue_refused")
    assert faults_of(reply) == [("/payment_ids/0", code)]
    assert office.one("SELECT count(*) FROM lists WHERE reissue > 0") == 0


def test_one_fault_refuses_the_whole_and_every_fault_is_told(office: Office, returned: Returned) -> None:
    stranger = str(new_id())
    reply = returned.ask(
        returned.back[0], returned.silent, stranger, returned.paid, returned.back[0], returned.of_post[0][0]
    )
    assert faults_of(reply) == [
        ("/payment_ids/1", "payment_unanswered"),
        ("/payment_ids/2", "payment_foreign"),
        ("/payment_ids/3", "payment_settled"),
        ("/payment_ids/4", "payment_repeated"),
        ("/payment_ids/5", "payment_foreign"),
    ]
    assert office.one("SELECT count(*) FROM payments WHERE reissue_of IS NOT NULL") == 0


def test_nothing_is_reissued_twice(office: Office, returned: Returned) -> None:
    office.reissue(returned.bank, BANK, returned.back[0])
    assert faults_of(returned.ask(returned.back[0])) == [("/payment_ids/0", "payment_reissued")]
    rest = office.reissue(returned.bank, BANK)
    assert [one["reissue_of"] for one in office.payments(rest["list"]["id"])] == [returned.back[1]]
    assert [(one["payment_id"], one["code"]) for one in rest["left_out"]] == [
        (returned.back[0], "payment_reissued")
    ]
    empty = office.officer.ask("POST", f"/v1/lists/{returned.bank}/reissues", {"provider": BANK})
    assert problem_of(empty) == (422, "reissue_empty")


def test_the_database_itself_refuses_a_second_reissue(office: Office, returned: Returned) -> None:
    new = office.reissue(returned.bank, BANK, returned.back[0])["list"]["id"]
    statement = text(
        "INSERT INTO payments (id, list_id, person_id, amount_vnd, reissue_of) "
        "SELECT :id, :list, person_id, amount_vnd, id FROM payments WHERE id = :old"
    )
    bound = {"id": new_id(), "list": returned.post, "old": returned.back[0]}
    assert new != returned.post
    with pytest.raises(IntegrityError, match="uq_payments_reissue_of"), office.owner.begin() as connection:
        connection.execute(statement, bound)


def test_two_who_reissue_at_once_make_one_reissue(office: Office, returned: Returned) -> None:
    start = threading.Barrier(2)
    replies: list[Any] = []

    def press() -> None:
        start.wait()
        replies.append(returned.ask(returned.back[0]))

    both = [threading.Thread(target=press) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(reply.status_code for reply in replies) == [201, 422]
    assert office.one("SELECT count(*) FROM payments WHERE reissue_of IS NOT NULL") == 1


def test_lists_that_pay_again_in_one_month_are_numbered(office: Office, returned: Returned) -> None:
    first = office.reissue(returned.bank, BANK, returned.back[0])["list"]
    second = office.reissue(returned.bank, BANK, returned.back[1])["list"]
    third = office.reissue(returned.post, POST)["list"]
    assert [one["reissue"] for one in (first, second, third)] == [1, 2, 1]
    assert len({one["id"] for one in (first, second, third)}) == 3


def test_a_reissue_belongs_to_the_month_in_which_it_is_made(office: Office, returned: Returned) -> None:
    office.on(2025, 1, 9)
    new = office.reissue(returned.bank, BANK)["list"]
    assert new["period"] == "2025-01"
    office.approve(new["id"])
    (event,) = [one for one in office.events("lists.approved") if one["list_id"] == new["id"]]
    assert (event["fiscal_year"], event["provider"]) == (2025, BANK)
    assert event["lines"][0]["purpose"] == "merit_monthly"


def test_a_dead_persons_payment_is_not_paid_again(office: Office, returned: Returned) -> None:
    dead = returned.back[0]
    office.change(returned.number_of(dead), "death", died_on="2024-08-11")
    reply = returned.ask(dead)
    assert faults_of(reply) == [("/payment_ids/0", "person_dead")]
    assert "heirs" in reply.get_json()["errors"][0]["detail"]
    made = office.reissue(returned.bank, BANK)
    assert [one["reissue_of"] for one in office.payments(made["list"]["id"])] == [returned.back[1]]
    assert [(one["payment_id"], one["code"]) for one in made["left_out"]] == [(dead, "person_dead")]


def test_a_death_that_was_not_known_on_the_day_of_the_act_does_not_count(
    office: Office, returned: Returned
) -> None:
    """The act is judged on its business date."""
    office.on(2024, 8, 22)
    office.change(returned.number_of(returned.back[0]), "death", died_on="2024-08-11")
    clerk = Person(office, "lan", ("lists.submit", "acts.backdate"))
    body = {"provider": BANK, "payment_ids": [returned.back[0]]}
    path = f"/v1/lists/{returned.bank}/reissues"
    assert problem_of(clerk.ask("POST", path, body)) == (422, "reissue_refused")
    reply = clerk.ask("POST", path, body, headers={"Business-Date": "2024-08-21"})
    assert reply.status_code == 201, reply.get_json()


def test_a_bank_needs_an_account_and_the_post_none(office: Office, returned: Returned) -> None:
    in_cash = returned.of_post[0][0]
    assert faults_of(returned.ask(in_cash, list_id=returned.post)) == [("/payment_ids/0", "account_missing")]
    office.change(
        returned.number_of(in_cash),
        "receiving",
        provider=BANK,
        bank_code="970436",
        account_number="9704361234",
    )
    new = office.reissue(returned.post, BANK)["list"]
    assert (new["provider"], new["channel"]) == (BANK, "bank")


def test_the_file_of_a_reissue_has_the_receiving_details_of_today(office: Office, returned: Returned) -> None:
    back = returned.back[0]
    office.change(
        returned.number_of(back), "receiving", provider=BANK, bank_code="970415", account_number="1020304050"
    )
    new = office.reissue(returned.bank, BANK)["list"]
    office.instruct(new["id"])
    content = office.officer.ask("POST", f"/v1/lists/{new['id']}/file").data.decode()
    assert content.count("<Id>1020304050</Id>") == 1
    assert content.count("<Id>4201205123456</Id>") == 1, "the other's account is as it was"
    assert content.count("<CdtTrfTxInf") == 2


def test_what_a_later_answer_disputes_waits_until_it_is_explained(office: Office, returned: Returned) -> None:
    back = returned.of_bank[2]
    statement = office.answer_for(BANK, (*back, ""), day="2024-08-19")
    assert office.unmatched(statement) == [(1, "settled_after_return")]
    assert faults_of(returned.ask(back[0])) == [("/payment_ids/0", "payment_disputed")]
    path = f"/v1/statements/{statement['id']}/unmatched/1/explanation"
    office.officer.post(path, {"reason": "the bank booked it on a wrong account and took it back"})
    assert returned.ask(back[0]).status_code == 201


def test_what_came_back_after_it_was_settled_can_be_paid_again(office: Office, returned: Returned) -> None:
    paid = returned.of_bank[0]
    office.answer_for(BANK, (*paid, "AC01"), day="2024-08-19")
    assert returned.ask(paid[0]).status_code == 201


def test_a_list_is_reissued_also_after_it_was_closed(office: Office, returned: Returned) -> None:
    office.officer.post(f"/v1/lists/{returned.bank}/closure")
    office.hear("funds.list_closed", list_id=returned.bank, settled_vnd=0, returned_vnd=0, unknown_vnd=0)
    assert returned.ask(*returned.back).status_code == 201


def test_the_sums_of_the_month_are_not_those_of_its_reissues(office: Office, returned: Returned) -> None:
    before = office.officer.get("/v1/payroll/2024-08")
    office.on(2024, 9, 2)
    office.reissue(returned.bank, BANK)
    assert office.officer.get("/v1/payroll/2024-08") == before
    office.on(2024, 9, 3)
    assert office.officer.get("/v1/lists?period=2024-09")["items"][0]["reissue"] == 1


def test_a_run_does_not_count_reissues_of_its_month(office: Office, returned: Returned) -> None:
    """September is computed late, as of the day it was due; by then what came back is paid again in it."""
    office.on(2024, 9, 3)
    assert office.reissue(returned.bank, BANK)["list"]["period"] == "2024-09"
    clerk = Person(office, "lan", ("payroll.run", "acts.backdate"))
    reply = clerk.ask("POST", "/v1/payroll/2024-09", headers={"Business-Date": "2024-08-22"})
    assert reply.status_code == 202, reply.get_json()
    office.work_off()
    run = office.officer.get("/v1/payroll/2024-09")
    assert (run["payment_count"], run["list_count"]) == (7, 2)
    assert (run["arrears_vnd"], run["recoveries_vnd"]) == (0, 0), "what came back is not owed a second time"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"provider": "MOMO"}, "provider_unknown"),
        ({}, "request_invalid"),
        ({"provider": ""}, "request_invalid"),
        ({"provider": 7}, "request_invalid"),
        ({"provider": BANK, "payment_ids": []}, "request_invalid"),
        ({"provider": BANK, "payment_ids": "all"}, "request_invalid"),
        ({"provider": BANK, "payment_ids": ["x"]}, "request_invalid"),
        ({"provider": BANK, "payment_ids": [str(NUI_THANH)] * 501}, "request_invalid"),
        ({"provider": BANK, "reason": "x"}, "request_invalid"),
    ],
    ids=[
        "stranger",
        "nothing",
        "blank",
        "number",
        "none named",
        "no list",
        "no id",
        "too many",
        "unknown field",
    ],
)
def test_a_wish_that_cannot_be_read_makes_no_list(
    office: Office, returned: Returned, body: dict[str, Any], code: str
) -> None:
    reply = office.officer.ask("POST", f"/v1/lists/{returned.bank}/reissues", body)
    assert problem_of(reply) == (422, code)
    assert office.one("SELECT count(*) FROM lists WHERE reissue > 0") == 0


def test_a_list_that_does_not_exist_has_nothing_to_reissue(office: Office) -> None:
    reply = office.officer.ask("POST", f"/v1/lists/{new_id()}/reissues", {"provider": BANK})
    assert problem_of(reply) == (404, "list_unknown")


def test_a_list_on_its_way_has_nothing_that_came_back(office: Office) -> None:
    office.import_persons(person("QN-1"))
    office.pay("2024-08")
    (one,) = office.lists().values()
    reply = office.officer.ask("POST", f"/v1/lists/{one['id']}/reissues", {"provider": POST})
    assert problem_of(reply) == (422, "reissue_empty")


def test_another_districts_officer_reissues_nothing(office: Office, returned: Returned) -> None:
    foreign = Person(office, "ha", ("lists.submit",), (THANG_BINH,))
    reply = foreign.ask("POST", f"/v1/lists/{returned.bank}/reissues", {"provider": BANK})
    assert problem_of(reply) == (403, "unit_foreign")
    reader = Person(office, "ha", ("lists.read",))
    reply = reader.ask("POST", f"/v1/lists/{returned.bank}/reissues", {"provider": BANK})
    assert problem_of(reply) == (403, "permission_missing")


def test_pressing_twice_reissues_once(office: Office, returned: Returned) -> None:
    headers = {"Idempotency-Key": "again"}
    path = f"/v1/lists/{returned.bank}/reissues"
    first, second = (office.officer.ask("POST", path, {"provider": BANK}, headers=headers) for _ in range(2))
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Hit"] == "true"
    other = office.officer.ask("POST", path, {"provider": POST}, headers=headers)
    assert problem_of(other) == (422, "idempotency_key_reused")
    assert office.one("SELECT count(*) FROM lists WHERE reissue > 0") == 1
