from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.beneficiaries.reconciliation.handlers import KIND, TELL
from services.beneficiaries.reconciliation.jobs import TellOutcomesJob
from shared.kernel.ids import new_id
from tests.integration.beneficiaries.office import bank_answer, by_bank, person, post_answer, problem_of

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

Instructed = dict[str, list[tuple[str, int]]]
PAID, UNPAID = "Đã trả", "Chưa trả"
POST, BANK = "POST-QNA", "BANK-QNA"


@pytest.fixture
def instructed(office: Office) -> Instructed:
    """Payments (id, amount) in the providers' hands: four at the post, three at the bank."""
    office.import_persons(
        *(person(f"QN-{n}") for n in range(100, 104)), *(by_bank(f"QN-{n}") for n in range(200, 203))
    )
    office.pay("2024-08")
    found = {}
    for (_, provider), one in office.lists().items():
        office.instruct(one["id"])
        found[provider] = [(payment["id"], payment["amount_vnd"]) for payment in office.payments(one["id"])]
    return found


def list_of(office: Office, provider: str) -> str:
    list_id: str = office.lists()["Núi Thành", provider]["id"]
    return list_id


def outcomes(office: Office) -> dict[str, str]:
    return {str(row.payment_id): row.kind for row in office.rows("SELECT payment_id, kind FROM outcomes")}


def test_an_answer_settles_what_it_says_and_nothing_else(office: Office, instructed: Instructed) -> None:
    first, second, third, silent = instructed[POST]
    content = post_answer((*first, PAID, ""), (*second, UNPAID, "MD07"), (*third, PAID, ""))
    statement = office.answer(POST, content)
    assert (statement["state"], statement["row_count"]) == ("told", 3)
    assert (statement["matched_count"], statement["unmatched_count"]) == (3, 0)
    assert outcomes(office) == {first[0]: "settled", second[0]: "returned", third[0]: "settled"}
    assert silent[0] not in outcomes(office)


def test_outcomes_are_told_with_sums_and_reasons(office: Office, instructed: Instructed) -> None:
    first, second, *_ = instructed[BANK]
    office.answer(BANK, bank_answer((*first, ""), (*second, "AC04")))
    (settled,), (returned,) = office.events("payments.settled"), office.events("payments.returned")
    assert settled["lines"] == [{"line": "merit_monthly", "count": 1, "amount_vnd": first[1]}]
    assert [item["payment_id"] for item in settled["items"]] == [first[0]]
    assert returned["items"][0]["reason_code"] == "AC04"
    assert settled["chunk"] != returned["chunk"]
    (matched,) = office.events("statements.matched")
    assert (matched["row_count"], matched["matched_count"]) == (2, 2)


def test_of_several_lines_of_one_payment_the_first_counts_if_it_is_right(
    office: Office, instructed: Instructed
) -> None:
    first, second, third, _ = instructed[POST]
    wrong = (first[0], first[1] + 1)
    answer = post_answer(
        (*third, PAID, ""),
        (*wrong, PAID, ""),
        (*second, UNPAID, "MD07"),
        (*first, PAID, ""),
        (*second, PAID, ""),
        ("QN-104", first[1], PAID, ""),
        (*third, UNPAID, "AC04"),
        (*second, UNPAID, "MD07"),
    )
    statement = office.answer(POST, answer)
    assert office.unmatched(statement) == [
        (3, "amount_differs"),
        (5, "line_repeated"),  # after a line of the same payment, if of a wrong amount
        (6, "line_repeated"),
        (7, "payment_unknown"),
        (8, "line_repeated"),
        (9, "line_repeated"),
    ]
    kinds = office.rows("SELECT payment_id, kind FROM outcomes WHERE statement_id = :id", id=statement["id"])
    assert {str(row.payment_id): row.kind for row in kinds} == {third[0]: "settled", second[0]: "returned"}


def test_a_row_that_does_not_match_is_kept_for_a_person_and_the_others_count(
    office: Office, instructed: Instructed
) -> None:
    first, second, third, _ = instructed[POST]
    foreign = instructed[BANK][0]
    statement = office.answer(
        POST,
        post_answer(
            (*first, PAID, ""),
            (str(new_id()), first[1], PAID, ""),
            ("QN-104", first[1], PAID, ""),
            (second[0], second[1] + 1, PAID, ""),
            (*first, UNPAID, "MD07"),
            (*foreign, PAID, ""),
            (*third, PAID, ""),
        ),
    )
    assert office.unmatched(statement) == [
        (3, "payment_unknown"),
        (4, "payment_unknown"),
        (5, "amount_differs"),
        (6, "line_repeated"),
        (7, "provider_foreign"),
    ]
    assert outcomes(office) == {first[0]: "settled", third[0]: "settled"}


def test_the_same_file_twice_is_refused_and_books_nothing(office: Office, instructed: Instructed) -> None:
    content = post_answer((*instructed[POST][0], PAID, ""))
    office.answer(POST, content)
    again = office.officer.send(f"/v1/statements?provider={POST}", content)
    assert (again.status_code, again.get_json()["code"]) == (409, "statement_repeated")
    assert len(office.events("payments.settled")) == 1


def test_the_same_answer_in_another_file_books_nothing_again(office: Office, instructed: Instructed) -> None:
    first = instructed[POST][0]
    office.answer(POST, post_answer((*first, PAID, "")))
    later = office.answer(POST, post_answer((*first, PAID, ""), day="2024-08-09"))
    assert office.unmatched(later) == [(2, "outcome_exists")]
    assert outcomes(office) == {first[0]: "settled"}


def test_another_currency_settles_nothing(office: Office, instructed: Instructed) -> None:
    statement = office.answer(BANK, bank_answer((*instructed[BANK][0], ""), currency="USD"))
    assert office.unmatched(statement) == [(1, "currency_unknown")]
    assert outcomes(office) == {}


def test_an_answer_before_the_list_is_instructed_is_kept_for_a_person(office: Office) -> None:
    office.import_persons(person("QN-1"))
    office.pay("2024-08")
    (one,) = office.lists().values()
    (payment,) = office.payments(one["id"])
    statement = office.answer(POST, post_answer((payment["id"], payment["amount_vnd"], PAID, "")))
    assert office.unmatched(statement) == [(2, "list_not_instructed")]


def test_a_row_without_a_day_is_kept_for_a_person(office: Office, instructed: Instructed) -> None:
    statement = office.answer(POST, post_answer((*instructed[POST][0], PAID, ""), day="soon"))
    assert office.unmatched(statement) == [(2, "value_date_missing")]


@pytest.mark.parametrize(
    ("provider", "content"),
    [
        (POST, b"not a workbook"),
        (POST, post_answer()[:-100]),
        (BANK, bank_answer()[:-9]),
        (BANK, b'<!DOCTYPE d [<!ENTITY x "y">]><Document>&x;</Document>'),
        (BANK, post_answer()),
    ],
    ids=["text", "cut workbook", "cut xml", "entities", "wrong kind"],
)
def test_a_broken_file_is_refused_whole(
    office: Office, instructed: Instructed, provider: str, content: bytes
) -> None:
    started = office.officer.good(office.officer.send(f"/v1/statements?provider={provider}", content))
    office.work_off()
    job = office.officer.get(f"/v1/jobs/{started['job_id']}")
    assert job["state"] == "failed"
    assert job["failure"].startswith("statement_broken")
    assert office.one("SELECT count(*) FROM statement_rows") == 0
    assert outcomes(office) == {}


def test_an_unknown_provider_is_refused(office: Office) -> None:
    reply = office.officer.send("/v1/statements?provider=MOMO", b"x")
    assert (reply.status_code, reply.get_json()["code"]) == (422, "provider_unknown")


def close(office: Office, provider: str) -> dict[str, Any]:
    closing: dict[str, Any] = office.officer.post(f"/v1/lists/{list_of(office, provider)}/closure")
    return closing


def test_a_list_closes_when_the_ledger_agrees(office: Office, instructed: Instructed) -> None:
    first, second, third = instructed[BANK]
    office.answer(BANK, bank_answer((*first, ""), (*second, "AC04")))
    assert close(office, BANK)["state"] == "closing"
    (event,) = office.events("lists.closed")
    assert event["unknown_count"] == 1
    assert event["lines"] == [
        {
            "line": "merit_monthly",
            "instructed_vnd": first[1] + second[1] + third[1],
            "settled_vnd": first[1],
            "returned_vnd": second[1],
            "unknown_vnd": third[1],
        }
    ]
    list_id = list_of(office, BANK)
    office.hear(
        "funds.list_closed", list_id=list_id, settled_vnd=first[1], returned_vnd=second[1], unknown_vnd=0
    )
    assert office.lists()["Núi Thành", BANK]["state"] == "closed"


def test_a_list_does_not_close_while_an_answer_is_on_its_way_to_the_ledger(
    office: Office, instructed: Instructed
) -> None:
    content = bank_answer(*((*one, "") for one in instructed[BANK]))
    office.officer.good(office.officer.send(f"/v1/statements?provider={BANK}", content))
    matching = office.one("SELECT id FROM jobs WHERE kind = :kind AND state = 'queued'", kind=KIND)
    assert office.runner._chunk(matching, office.runner._claim(matching))
    early = office.officer.ask("POST", f"/v1/lists/{list_of(office, BANK)}/closure")
    assert problem_of(early) == (409, "answer_untold")
    assert office.events("lists.closed") == []
    assert office.lists()["Núi Thành", BANK]["state"] == "instructed"
    office.work_off()
    assert close(office, BANK)["state"] == "closing"
    (settled,) = office.rows("SELECT seq FROM journal WHERE type LIKE '%payments.settled%'")
    (closed,) = office.rows("SELECT seq FROM journal WHERE type LIKE '%lists.closed%'")
    assert settled.seq < closed.seq, "the ledger gets both in this order, as they have one key"


def test_a_list_stays_open_and_says_why_when_the_ledger_does_not_agree(
    office: Office, instructed: Instructed
) -> None:
    office.answer(BANK, bank_answer(*((*one, "") for one in instructed[BANK])))
    close(office, BANK)
    office.hear("funds.close_refused", list_id=list_of(office, BANK), reason="one chunk is not posted yet")
    reopened = office.lists()["Núi Thành", BANK]
    assert reopened["state"] == "instructed"
    found = office.officer.get(f"/v1/lists/{reopened['id']}")
    assert found["refusal"]["reason"] == "one chunk is not posted yet"
    assert close(office, BANK)["state"] == "closing"


def test_a_silent_payment_is_settled_by_an_answer_after_the_list_was_closed(
    office: Office, instructed: Instructed
) -> None:
    close(office, POST)
    office.hear(
        "funds.list_closed", list_id=list_of(office, POST), settled_vnd=0, returned_vnd=0, unknown_vnd=0
    )
    statement = office.answer(POST, post_answer((*instructed[POST][0], PAID, "")))
    assert office.unmatched(statement) == []
    assert outcomes(office) == {instructed[POST][0][0]: "settled"}


def test_a_long_answer_is_told_in_chunks(office: Office) -> None:
    office.import_persons(*(person(f"QN-{n:04d}") for n in range(700)))
    office.pay("2024-08")
    (one,) = office.lists().values()
    office.instruct(one["id"])
    rows = office.rows("SELECT id, amount_vnd FROM payments ORDER BY id")
    statement = office.answer(POST, post_answer(*((str(row.id), row.amount_vnd, PAID, "") for row in rows)))
    assert statement["matched_count"] == 700
    events = office.events("payments.settled")
    assert [(event["chunk"], len(event["items"])) for event in events] == [(0, 500), (1, 200)]
    assert sum(event["lines"][0]["amount_vnd"] for event in events) == one["total_vnd"]


def table_answer(*rows: tuple[str, int, str, str]) -> bytes:
    lines = (
        f"{reference},{amount},{result},{reason},2024-08-05" for reference, amount, result, reason in rows
    )
    return "\n".join(("payment_id,amount_vnd,result,reason,paid_on", *lines)).encode()


@pytest.mark.parametrize("provider", [POST, BANK])
def test_either_provider_may_answer_with_a_plain_table(
    office: Office, instructed: Instructed, provider: str
) -> None:
    first, second, third, *_ = instructed[provider]
    rows = ((*first, "paid", ""), (*second, "unpaid", "MD07"), (third[0], third[1] + 1, "paid", ""))
    statement = office.answer(provider, table_answer(*rows))
    assert (statement["state"], statement["format"]) == ("told", "csv")
    assert outcomes(office) == {first[0]: "settled", second[0]: "returned"}
    assert [code for *_, code in office.unmatched(statement)] == ["amount_differs"]


def test_ids_without_dashes_and_in_capitals_are_the_same(office: Office, instructed: Instructed) -> None:
    first, second, *_ = instructed[POST]
    rows = ((first[0].replace("-", ""), first[1], "paid", ""), (second[0].upper(), second[1], "paid", ""))
    office.answer(POST, table_answer(*rows))
    assert outcomes(office) == {first[0]: "settled", second[0]: "settled"}


@pytest.mark.parametrize("reference", ["{%s}", "urn:uuid:%s", "%s-", "-%s", ""])
def test_what_is_nearly_an_id_is_none(office: Office, instructed: Instructed, reference: str) -> None:
    first, *_ = instructed[POST]
    named = reference.replace("%s", first[0])
    statement = office.answer(POST, table_answer((named, first[1], "paid", "")))
    assert [code for *_, code in office.unmatched(statement)] == ["payment_unknown"]
    assert outcomes(office) == {}


def test_a_table_that_is_cut_off_changes_nothing(office: Office, instructed: Instructed) -> None:
    first, *_ = instructed[POST]
    content = table_answer((*first, "paid", "")) + b"\nabc,1"
    statement = office.answer(POST, content)
    assert statement["state"] == "received"
    assert outcomes(office) == {}
    (failed,) = office.rows("SELECT failure FROM jobs WHERE state = 'failed'")
    assert failed.failure.startswith("statement_broken")


def test_outcomes_are_told_once_each_over_many_pages(office: Office, instructed: Instructed) -> None:
    rows = [(*one, "paid", "") for one in instructed[POST]]
    office.runner._kinds[TELL] = TellOutcomesJob(told_per_step=1)  # type: ignore[index]
    office.answer(POST, table_answer(*rows))
    told = [item["payment_id"] for event in office.events("payments.settled") for item in event["items"]]
    assert sorted(told) == sorted(one[0] for one in instructed[POST])


def test_a_statement_is_told_when_the_last_of_its_lists_is(office: Office) -> None:
    office.import_persons(person("QN-1"), person("QN-2", commune_code="20791"))
    office.pay("2024-08")
    payments = []
    for one in office.lists().values():
        office.instruct(one["id"])
        payments += [(payment["id"], payment["amount_vnd"]) for payment in office.payments(one["id"])]
    content = table_answer(*((*one, "paid", "") for one in payments))
    office.officer.good(office.officer.send(f"/v1/statements?provider={POST}", content))
    seen = []
    for kind in (KIND, TELL, TELL):
        job = office.one("SELECT id FROM jobs WHERE kind = :kind AND state = 'queued' LIMIT 1", kind=kind)
        assert office.runner._chunk(job, office.runner._claim(job))
        seen.append(tuple(office.rows("SELECT state, lists_to_tell FROM statements")[0]))
    assert seen == [("matched", 2), ("matched", 1), ("told", 0)]


def test_a_statement_without_any_outcome_is_told_at_once(office: Office, instructed: Instructed) -> None:
    first, *_ = instructed[POST]
    assert office.answer(POST, table_answer((first[0], first[1] + 1, "paid", "")))["state"] == "told"
    assert office.one("SELECT count(*) FROM jobs WHERE kind = :kind", kind=TELL) == 0
