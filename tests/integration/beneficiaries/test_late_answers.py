"""Answers that come after an answer: what was settled comes back, what came back is said to be paid."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from shared.kernel.ids import new_id
from tests.integration.beneficiaries.office import (
    NUI_THANH,
    THANG_BINH,
    Person,
    bank_answer,
    by_bank,
    person,
    post_answer,
)

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

POST, BANK = "POST-QNA", "BANK-QNA"
Payments = list[tuple[str, int]]


@pytest.fixture
def bank(office: Office) -> str:
    """A list of six payees of the bank, instructed."""
    office.import_persons(*(by_bank(f"QN-20{n}") for n in range(6)))
    office.pay("2024-08")
    (one,) = office.lists().values()
    office.instruct(one["id"])
    list_id: str = one["id"]
    return list_id


def payments(office: Office, list_id: str) -> Payments:
    return [(one["id"], one["amount_vnd"]) for one in office.payments(list_id)]


def standings(office: Office, list_id: str) -> list[str]:
    return [one["standing"] for one in office.outcomes(list_id).values()]


def test_a_return_after_settling_is_kept_and_told(office: Office, bank: str) -> None:
    first, second, *_ = payments(office, bank)
    office.answer_for(BANK, (*first, ""), (*second, ""))
    later = office.answer_for(BANK, (*first, "AC04"), day="2024-08-12")
    assert (later["matched_count"], later["unmatched_count"]) == (1, 0)
    (event,) = office.events("payments.returned_late")
    assert event["lines"] == [{"line": "merit_monthly", "count": 1, "amount_vnd": first[1]}]
    (item,) = event["items"]
    assert (item["payment_id"], item["reason_code"], item["value_on"]) == (first[0], "AC04", "2024-08-12")
    assert (event["list_id"], event["statement_id"]) == (bank, later["id"])
    assert len(office.events("payments.returned")) == 0, "the money is not in the provider's account any more"


def test_the_first_outcome_stays_as_it_was(office: Office, bank: str) -> None:
    first = payments(office, bank)[0]
    office.answer_for(BANK, (*first, ""))
    before = office.rows("SELECT * FROM outcomes")
    office.answer_for(BANK, (*first, "AC04"), day="2024-08-12")
    assert office.rows("SELECT * FROM outcomes") == before
    shown = office.outcomes(bank)[first[0]]
    assert (shown["standing"], shown["returned_late"]) == ("returned", True)
    assert (shown["reason_code"], shown["value_on"]) == ("AC04", "2024-08-12")


def test_sums_at_closing_count_a_late_return_as_returned(office: Office, bank: str) -> None:
    first, second, third, *rest = payments(office, bank)
    office.answer_for(BANK, (*first, ""), (*second, ""), (*third, "AC04"))
    office.answer_for(BANK, (*first, "AC06"), day="2024-08-12")
    office.officer.post(f"/v1/lists/{bank}/closure")
    (event,) = office.events("lists.closed")
    (line,) = event["lines"]
    assert (line["settled_vnd"], line["returned_vnd"]) == (second[1], first[1] + third[1])
    assert line["unknown_vnd"] == sum(amount for _, amount in rest)
    assert event["unknown_count"] == 3


def test_a_return_after_closing_is_kept_and_told(office: Office, bank: str) -> None:
    first = payments(office, bank)[0]
    office.answer_for(BANK, (*first, ""))
    office.officer.post(f"/v1/lists/{bank}/closure")
    office.hear("funds.list_closed", list_id=bank, settled_vnd=0, returned_vnd=0, unknown_vnd=0)
    later = office.answer_for(BANK, (*first, "AC04"), day="2024-09-02")
    assert later["matched_count"] == 1
    assert len(office.events("payments.returned_late")) == 1


def test_an_answer_while_the_list_closes_counts_after_the_closing(office: Office, bank: str) -> None:
    """The list's own order of facts tells the ledger the closing first."""
    first = payments(office, bank)[0]
    office.officer.post(f"/v1/lists/{bank}/closure")
    statement = office.answer_for(BANK, (*first, ""))
    assert statement["matched_count"] == 1
    rows = office.rows("SELECT type FROM journal WHERE key = :key ORDER BY seq", key=bank)
    order = [row.type.removeprefix("vn.fundtrail.") for row in rows]
    assert order.index("lists.closed.v1") < order.index("payments.settled.v1")


def test_settled_after_returned_is_kept_and_waits_for_a_person(office: Office, bank: str) -> None:
    first = payments(office, bank)[0]
    office.answer_for(BANK, (*first, "AC04"))
    later = office.answer_for(BANK, (*first, ""), day="2024-08-12")
    assert office.unmatched(later) == [(1, "settled_after_return")]
    shown = office.outcomes(bank)[first[0]]
    assert (shown["standing"], shown["disputed"]) == ("returned", True)
    assert len(office.events("payments.settled")) == 0
    (matched,) = [one for one in office.events("statements.matched") if one["unmatched_count"]]
    assert matched["statement_id"] == later["id"]


AFTER_LATE_RETURN = {
    "said again": ("AC06", "outcome_exists"),
    "said to be paid": ("", "settled_after_return"),
}


@pytest.mark.parametrize("name", sorted(AFTER_LATE_RETURN))
def test_a_late_return_is_the_last_word_that_is_booked(office: Office, bank: str, name: str) -> None:
    reason, code = AFTER_LATE_RETURN[name]
    first = payments(office, bank)[0]
    office.answer_for(BANK, (*first, ""))
    office.answer_for(BANK, (*first, "AC04"), day="2024-08-12")
    later = office.answer_for(BANK, (*first, reason), day="2024-08-14")
    assert office.unmatched(later) == [(1, code)]
    assert office.one("SELECT count(*) FROM late_returns") == 1
    assert office.one("SELECT reason_code FROM late_returns") == "AC04"


def test_both_answers_in_one_file_count_by_the_first_row(office: Office, bank: str) -> None:
    first = payments(office, bank)[0]
    statement = office.answer_for(BANK, (*first, ""), (*first, "AC04"))
    assert office.unmatched(statement) == [(2, "line_repeated")]
    assert standings(office, bank).count("settled") == 1
    assert office.one("SELECT count(*) FROM late_returns") == 0


FAULTS = {
    "wrong amount": (lambda one: (one[0], one[1] - 1, "AC04"), "amount_differs"),
    "unknown payment": (lambda one: (str(new_id()), one[1], "AC04"), "payment_unknown"),
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_late_return_needs_id_and_amount_too(office: Office, bank: str, name: str) -> None:
    change, code = FAULTS[name]
    first = payments(office, bank)[0]
    office.answer_for(BANK, (*first, ""))
    later = office.answer(BANK, bank_answer(change(first), day="2024-08-12"))
    assert office.unmatched(later) == [(1, code)]
    assert standings(office, bank)[0] == "settled"


def test_words_of_the_post_stay_in_the_row_and_a_code_is_told(office: Office) -> None:
    office.import_persons(person("QN-1"), person("QN-2"))
    office.pay("2024-08")
    (one,) = office.lists().values()
    office.instruct(one["id"])
    first, second = payments(office, one["id"])
    words = "ông Hoà đang nằm viện tại Tam Kỳ " * 20
    office.answer(POST, post_answer((*first, "Chưa trả", words), (*second, "Chưa trả", "CNPC")))
    reasons = {one["payment_id"]: one["reason_code"] for one in _returned(office)}
    assert reasons == {first[0]: "NARR", second[0]: "CNPC"}
    kept = office.one("SELECT reason_code FROM statement_rows WHERE row = 2")
    assert kept == words.strip()[:140]
    journal = b"".join(bytes(row.data) for row in office.rows("SELECT data FROM journal"))
    assert "nằm viện".encode() not in journal, "a reason about a person stands in no event"


def _returned(office: Office) -> list[dict[str, Any]]:
    return [item for event in office.events("payments.returned") for item in event["items"]]


def test_an_uploader_answers_only_for_lists_within_reach(office: Office) -> None:
    office.import_persons(by_bank("QN-1"), by_bank("QN-2", commune_code="20791"))
    office.pay("2024-08")
    for one in office.lists().values():
        office.instruct(one["id"])
    mine, foreign = (
        payments(office, office.lists()[district, BANK]["id"])[0] for district in ("Núi Thành", "Thăng Bình")
    )
    clerk = Person(office, "hoa", ("results.upload", "results.read"), (NUI_THANH,))
    content = bank_answer((*mine, ""), (*foreign, ""))
    started = clerk.good(clerk.send(f"/v1/statements?provider={BANK}", content))
    office.work_off()
    statement = office.officer.get(f"/v1/statements/{started['statement_id']}")
    assert office.unmatched(statement) == [(2, "unit_foreign")]
    assert office.one("SELECT count(*) FROM outcomes") == 1
    other = Person(office, "ha", ("results.upload", "results.read"), (THANG_BINH,))
    other.good(other.send(f"/v1/statements?provider={BANK}", bank_answer((*foreign, ""))))
    office.work_off()
    assert office.one("SELECT count(*) FROM outcomes") == 2


def files(office: Office, list_id: str, chance: random.Random) -> list[tuple[list[Any], str]]:
    """What the bank says of six payments, cut into files, with rows said twice. Shape: rows and day."""
    rows = [(*one, chance.choice(["", "AC04"])) for one in payments(office, list_id)[:5]]
    said = rows + chance.choices(rows, k=3)
    chance.shuffle(said)
    cuts = sorted(chance.sample(range(1, len(said)), 2))
    parts = [said[: cuts[0]], said[cuts[0] : cuts[1]], said[cuts[1] :]]
    return [(part, f"2024-08-{day:02d}") for day, part in enumerate(parts, 5)]


@pytest.mark.parametrize("seed", range(6))
def test_any_cutting_and_repeating_of_the_answers_gives_the_same_outcomes(
    office: Office, bank: str, seed: int
) -> None:
    chance = random.Random(seed)
    parts = files(office, bank, chance)
    expected = {payment: ("returned" if why else "settled") for part, _ in parts for payment, _, why in part}
    for part, day in parts:
        office.answer(BANK, bank_answer(*part, day=day))
        again = office.officer.send(f"/v1/statements?provider={BANK}", bank_answer(*part, day=day))
        assert again.get_json()["code"] == "statement_repeated"
    found = {one: shown["standing"] for one, shown in office.outcomes(bank).items()}
    assert found == {one: expected.get(one, "unknown") for one, _ in payments(office, bank)}
    told = [item for kind in ("settled", "returned") for item in _items(office, kind)]
    assert len(told) == len({item["payment_id"] for item in told}) == 5
    assert office.one("SELECT count(*) FROM late_returns") == 0


def _items(office: Office, kind: str) -> list[dict[str, Any]]:
    return [item for event in office.events(f"payments.{kind}") for item in event["items"]]
