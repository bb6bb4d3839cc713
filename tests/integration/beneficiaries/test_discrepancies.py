"""What waits for a person: rows that matched nothing, and payments that nobody has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.kernel import canonical
from shared.kernel.ids import new_id
from tests.integration.beneficiaries.office import (
    NUI_THANH,
    THANG_BINH,
    Person,
    bank_answer,
    by_bank,
    person,
    post_answer,
    problem_of,
)

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

POST, BANK = "POST-QNA", "BANK-QNA"
REASON = {"reason": "the post read the id from the list of July"}


class Desk:
    """Two lists of Núi Thành in their providers' hands, and a statement with two rows that match nothing."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.import_persons(*(person(f"QN-10{n}") for n in range(3)), by_bank("QN-200"))
        office.on(2024, 7, 21)
        office.pay("2024-08")
        self.post, self.bank = (office.lists()["Núi Thành", one]["id"] for one in (POST, BANK))
        office.on(2024, 8, 1)
        office.instruct(self.post)
        office.instruct(self.bank)
        self.of_post = [(one["id"], one["amount_vnd"]) for one in office.payments(self.post)]
        first, second, _ = self.of_post
        rows = ((*first, "Đã trả", ""), (str(new_id()), 1, "Đã trả", ""), (second[0], 1, "Đã trả", ""))
        self.statement = office.answer(POST, post_answer(*rows))

    def path(self, row: int, statement: str = "") -> str:
        return f"/v1/statements/{statement or self.statement['id']}/unmatched/{row}/explanation"


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office)


def test_a_row_is_explained_once_with_who_and_when(office: Office, desk: Desk) -> None:
    shown = office.officer.post(desk.path(3), REASON)
    assert (shown["row"], shown["code"], shown["explanation"]) == (3, "payment_unknown", REASON["reason"])
    assert (shown["explained_by"], shown["explained_on"]) == ("lan", "2024-08-01")
    again = office.officer.ask("POST", desk.path(3), {"reason": "no, otherwise"})
    assert problem_of(again) == (409, "row_explained")
    assert office.one("SELECT explanation FROM statement_rows WHERE row = 3") == REASON["reason"]


def test_an_explanation_books_nothing(office: Office, desk: Desk) -> None:
    before = office.rows("SELECT * FROM outcomes")
    office.officer.post(desk.path(4), REASON)
    assert office.rows("SELECT * FROM outcomes") == before
    assert office.outcomes(desk.post)[desk.of_post[1][0]]["standing"] == "unknown"


def test_the_trail_holds_that_it_was_explained_and_not_the_words(office: Office, desk: Desk) -> None:
    office.officer.post(desk.path(4), REASON)
    (event,) = office.events("statements.row_explained")
    assert (event["statement_id"], event["row"], event["code"]) == (desk.statement["id"], 4, "amount_differs")
    assert event["explanation_sha256"] == canonical.digest(REASON["reason"].encode())
    journal = b"".join(bytes(row.data) for row in office.rows("SELECT data FROM journal"))
    assert REASON["reason"].encode() not in journal


def test_only_rows_that_wait_can_be_explained(office: Office, desk: Desk) -> None:
    assert problem_of(office.officer.ask("POST", desk.path(2), REASON)) == (409, "row_matched")
    for row in (1, 5, 2**31 + 1, 10**30):
        reply = office.officer.ask("POST", desk.path(row), REASON)
        assert problem_of(reply) == (404, "statement_row_unknown"), row
    reply = office.officer.ask("POST", desk.path(3, str(new_id())), REASON)
    assert problem_of(reply) == (404, "statement_row_unknown")


@pytest.mark.parametrize(
    "body",
    [{}, {"reason": ""}, {"reason": "  \n "}, {"reason": 7}, {"reason": "a\0b"}, {"reason": "x" * 2001}],
    ids=["nothing", "empty", "blank", "number", "control", "too long"],
)
def test_an_explanation_says_something(office: Office, desk: Desk, body: dict[str, Any]) -> None:
    assert problem_of(office.officer.ask("POST", desk.path(3), body)) == (422, "request_invalid")
    assert office.one("SELECT count(*) FROM statement_rows WHERE explanation IS NOT NULL") == 0


def test_what_was_explained_waits_no_longer_and_stays_visible(office: Office, desk: Desk) -> None:
    path = f"/v1/statements/{desk.statement['id']}/unmatched"
    assert [row["row"] for row in office.officer.get(f"{path}?open=true")["items"]] == [3, 4]
    office.officer.post(desk.path(3), REASON)
    assert [row["row"] for row in office.officer.get(f"{path}?open=true")["items"]] == [4]
    assert [row["row"] for row in office.officer.get(path)["items"]] == [3, 4]


def test_discrepancies_of_all_statements_stand_in_one_list(office: Office, desk: Desk) -> None:
    office.answer(BANK, bank_answer((str(new_id()), 5, "")))
    items = office.officer.get("/v1/discrepancies")["items"]
    assert {(one["provider"], one["code"]) for one in items} == {
        (POST, "payment_unknown"),
        (POST, "amount_differs"),
        (BANK, "payment_unknown"),
    }
    assert all(one["message"] and one["received_on"] == "2024-08-01" for one in items)
    office.officer.post(desk.path(3), REASON)
    assert len(office.officer.get("/v1/discrepancies")["items"]) == 2


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?provider=POST-QNA", 2),
        ("?provider=BANK-QNA", 0),
        ("?code=amount_differs", 1),
        ("?code=line_repeated", 0),
        ("?provider=POST-QNA&code=payment_unknown", 1),
    ],
)
def test_discrepancies_are_found_by_provider_and_fault(
    office: Office, desk: Desk, query: str, count: int
) -> None:
    assert len(office.officer.get(f"/v1/discrepancies{query}")["items"]) == count


def test_discrepancies_come_in_pages(office: Office, desk: Desk) -> None:
    office.answer(BANK, bank_answer(*((str(new_id()), n, "") for n in range(1, 4))))
    seen: list[tuple[str, int]] = []
    cursor = ""
    while True:
        page = office.officer.get(f"/v1/discrepancies?limit=2{cursor}")
        assert len(page["items"]) <= 2
        seen += [(one["statement_id"], one["row"]) for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    "query", ["?code=wedding", "?limit=0", "?limit=501", "?limit=x", "?more=1", "?cursor=WzFd"]
)
def test_a_question_that_cannot_be_read_is_refused(office: Office, query: str) -> None:
    assert office.officer.ask("GET", f"/v1/discrepancies{query}").status_code == 422


def test_lists_with_silent_payments_are_shown_with_their_age(office: Office, desk: Desk) -> None:
    office.on(2024, 8, 15)
    items = office.officer.get("/v1/unanswered")["items"]
    assert {one["id"]: one["payment_count"] for one in items} == {desk.post: 2, desk.bank: 1}
    (post,) = [one for one in items if one["id"] == desk.post]
    assert (post["instructed_on"], post["days_silent"]) == ("2024-08-01", 14)
    assert (post["due_on"], post["overdue"]) == ("2024-08-20", False)
    assert post["amount_vnd"] == sum(amount for _, amount in desk.of_post[1:])


@pytest.mark.parametrize(("day", "overdue"), [(20, False), (21, True)], ids=["last day", "day after"])
def test_silence_is_overdue_after_the_twentieth(
    office: Office, desk: Desk, day: int, *, overdue: bool
) -> None:
    office.on(2024, 8, day)
    assert {one["overdue"] for one in office.officer.get("/v1/unanswered")["items"]} == {overdue}


def test_a_list_is_silent_until_the_last_payment_is_answered(office: Office, desk: Desk) -> None:
    _, second, third = desk.of_post
    office.answer_for(POST, (*second, ""), day="2024-08-06")
    assert desk.post in {one["id"] for one in office.officer.get("/v1/unanswered")["items"]}
    office.answer_for(POST, (*third, "MD07"), day="2024-08-07")
    assert desk.post not in {one["id"] for one in office.officer.get("/v1/unanswered")["items"]}


def test_a_closed_list_stays_in_view_while_a_payment_is_silent(office: Office, desk: Desk) -> None:
    office.officer.post(f"/v1/lists/{desk.post}/closure")
    office.hear("funds.list_closed", list_id=desk.post, settled_vnd=0, returned_vnd=0, unknown_vnd=0)
    (post,) = [one for one in office.officer.get("/v1/unanswered")["items"] if one["id"] == desk.post]
    assert post["state"] == "closed"


def test_a_list_that_was_not_instructed_is_not_silent(office: Office) -> None:
    office.import_persons(person("QN-1"))
    office.pay("2024-08")
    assert office.officer.get("/v1/unanswered")["items"] == []


@pytest.mark.parametrize(
    ("query", "count"),
    [("?days=14", 2), ("?days=15", 0), ("?provider=BANK-QNA", 1), ("?provider=X", 0), ("?limit=1", 1)],
)
def test_silent_lists_are_found_by_age_and_provider(
    office: Office, desk: Desk, query: str, count: int
) -> None:
    office.on(2024, 8, 15)
    assert len(office.officer.get(f"/v1/unanswered{query}")["items"]) == count


def test_silent_lists_come_in_pages(office: Office, desk: Desk) -> None:
    first = office.officer.get("/v1/unanswered?limit=1")
    second = office.officer.get(f"/v1/unanswered?limit=1&cursor={first['next_cursor']}")
    assert {one["id"] for page in (first, second) for one in page["items"]} == {desk.post, desk.bank}
    assert second["next_cursor"] is None


def test_an_officer_sees_the_silence_of_the_own_district(office: Office, desk: Desk) -> None:
    here = Person(office, "hoa", ("results.read",), (NUI_THANH,))
    elsewhere = Person(office, "ha", ("results.read",), (THANG_BINH,))
    assert len(here.get("/v1/unanswered")["items"]) == 2
    assert elsewhere.get("/v1/unanswered")["items"] == []
    refused = elsewhere.ask("GET", f"/v1/lists/{desk.post}/outcomes")
    assert problem_of(refused) == (403, "unit_foreign")


@pytest.mark.parametrize("query", ["?days=-1", "?days=x", "?days=9999999999", "?provider=", "?unit=1"])
def test_a_question_for_silence_that_cannot_be_read_is_refused(office: Office, query: str) -> None:
    assert office.officer.ask("GET", f"/v1/unanswered{query}").status_code == 422


def test_outcomes_are_found_by_how_payments_stand(office: Office, desk: Desk) -> None:
    assert list(office.outcomes(desk.post, "?standing=settled")) == [desk.of_post[0][0]]
    assert list(office.outcomes(desk.post, "?standing=unknown")) == [one for one, _ in desk.of_post[1:]]
    assert office.outcomes(desk.post, "?standing=returned") == {}
    reply = office.officer.ask("GET", f"/v1/lists/{desk.post}/outcomes?standing=lost")
    assert problem_of(reply) == (422, "request_invalid")


def test_outcomes_come_in_pages_in_the_order_of_payments(office: Office, desk: Desk) -> None:
    first = office.officer.get(f"/v1/lists/{desk.post}/outcomes?limit=2")
    rest = office.officer.get(f"/v1/lists/{desk.post}/outcomes?limit=2&cursor={first['next_cursor']}")
    assert [one["id"] for page in (first, rest) for one in page["items"]] == [one for one, _ in desk.of_post]


def test_a_statement_that_nobody_knows_has_no_rows(office: Office) -> None:
    for path in (f"/v1/statements/{new_id()}", f"/v1/statements/{new_id()}/unmatched"):
        assert problem_of(office.officer.ask("GET", path)) == (404, "statement_unknown")
