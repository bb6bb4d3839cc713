"""Allocation's answers told once, again under the same id, again under another id, and out of their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.kernel.ids import new_id
from tests.integration.beneficiaries.office import person

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

POST = ("Núi Thành", "POST-QNA")
LINES = [{"line": "merit_monthly", "needed_vnd": 10, "available_vnd": 7, "shortfall_vnd": 3}]
FACTS: dict[str, dict[str, Any]] = {
    "held": {"submission": 1, "lines": []},
    "refused": {"submission": 1, "lines": LINES},
    "drawn": {"submission": 1, "provider": "POST-QNA", "amount_vnd": 1},
    "voided": {"submission": 1},
    "withdrawal_too_late": {"submission": 1},
    "list_closed": {"settled_vnd": 0, "returned_vnd": 0, "unknown_vnd": 0},
    "close_refused": {"reason": "one chunk is not posted yet"},
}


class Way:
    """One list of two payees, on its way."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.import_persons(person("QN-1"), person("QN-2"))
        office.pay("2024-08")
        self.id = office.lists()[POST]["id"]

    def fact(self, kind: str, event_id: str | None = None, **changes: Any) -> Any:  # noqa: ANN401 - an envelope
        facts = {"list_id": self.id} | FACTS[kind] | changes
        return self.office.fact(f"funds.{kind}", event_id, **facts)

    def tell(self, *kinds: str) -> None:
        for kind in kinds:
            if kind == "withdraw":
                self.withdraw()
            elif kind == "close":
                self.close()
            else:
                self.office.deliver(self.fact(kind))
                self.office.work_off()

    def withdraw(self) -> None:
        self.office.officer.post(f"/v1/lists/{self.id}/withdrawal", {"reason": "wrong month"})

    def close(self) -> None:
        self.office.officer.post(f"/v1/lists/{self.id}/closure")

    @property
    def state(self) -> str:
        found: str = self.office.officer.get(f"/v1/lists/{self.id}")["state"]
        return found

    @property
    def journal(self) -> list[str]:
        rows = self.office.rows("SELECT type FROM journal WHERE key = :key ORDER BY seq", key=self.id)
        return [row.type.split(".")[3] for row in rows]


@pytest.fixture
def way(office: Office) -> Way:
    made = Way(office)
    office.approve(made.id)
    return made


# Everything that happens to an approved list, and the state in which it ends.
WAYS: dict[str, tuple[tuple[str, ...], str]] = {
    "held": (("held",), "held"),
    "not covered": (("refused",), "refused"),
    "paid": (("held", "drawn"), "instructed"),
    "treasury refuses": (("held", "voided"), "refused"),
    "had back": (("held", "withdraw", "voided"), "withdrawn"),
    "had back before it is held": (("withdraw", "held", "voided"), "withdrawn"),
    "asked back, not covered": (("withdraw", "refused", "withdrawal_too_late"), "refused"),
    "asked back, treasury refuses": (("held", "withdraw", "voided", "withdrawal_too_late"), "withdrawn"),
    "too late": (("held", "withdraw", "withdrawal_too_late"), "held"),
    "too late, then drawn": (("held", "withdraw", "withdrawal_too_late", "drawn"), "instructed"),
    "drawn, then too late": (("held", "withdraw", "drawn", "withdrawal_too_late"), "instructed"),
    "closed": (("held", "drawn", "close", "list_closed"), "closed"),
    "closed at the second try": (
        ("held", "drawn", "close", "close_refused", "close", "list_closed"),
        "closed",
    ),
}


@pytest.mark.parametrize("name", sorted(WAYS))
def test_a_list_ends_where_its_facts_lead_it(way: Way, name: str) -> None:
    kinds, state = WAYS[name]
    way.tell(*kinds)
    assert way.state == state
    assert way.office.quarantined() == []


@pytest.mark.parametrize("name", sorted(WAYS))
def test_every_fact_told_twice_under_other_ids_changes_nothing(way: Way, name: str) -> None:
    kinds, state = WAYS[name]
    for kind in kinds:
        way.tell(kind)
        if kind not in {"withdraw", "close"}:
            before = (way.state, way.journal)
            way.tell(kind)
            assert (way.state, way.journal) == before, f"{kind} told again"
    assert way.state == state
    assert way.office.quarantined() == []


@pytest.mark.parametrize("name", sorted(WAYS))
def test_every_fact_told_twice_under_the_same_id_takes_effect_once(way: Way, name: str) -> None:
    kinds, state = WAYS[name]
    for kind in kinds:
        if kind in {"withdraw", "close"}:
            way.tell(kind)
        else:
            fact = way.fact(kind)
            way.office.deliver(fact, fact)
            way.office.deliver(fact)
            way.office.work_off()
    assert way.state == state
    told = sum(kind not in {"withdraw", "close"} for kind in kinds)
    assert way.office.one("SELECT count(*) FROM inbox WHERE consumer = 'beneficiaries'") == told


@pytest.mark.parametrize("name", sorted(WAYS))
def test_old_facts_told_again_at_the_end_lead_no_list_back(way: Way, name: str) -> None:
    kinds, state = WAYS[name]
    way.tell(*kinds)
    journal = way.journal
    harmless = {"held"} if state != "held" else {"held", "withdrawal_too_late"}
    for kind in kinds:
        if kind in harmless | {"drawn", "close_refused"} and state in {"instructed", "closed"}:
            way.tell(kind)
    assert (way.state, way.journal) == (state, journal)
    assert way.office.quarantined() == []


def test_payments_are_instructed_once_however_often_the_money_is_drawn(way: Way) -> None:
    way.tell("held")
    for _ in range(3):
        way.office.deliver(way.fact("drawn"))
    way.office.work_off()
    way.office.deliver(way.fact("drawn"))
    way.office.work_off()
    items = [item for event in way.office.events("payments.instructed") for item in event["items"]]
    assert len(items) == len({item["payment_id"] for item in items}) == 2
    assert way.office.one("SELECT count(*) FROM jobs WHERE kind = 'instruct_list'") == 1


OUT_OF_ORDER = {
    "drawn before held": ((), "drawn"),
    "closed before it is paid": (("held",), "list_closed"),
    "drawn after it was refused": (("refused",), "drawn"),
    "voided after it is paid": (("held", "drawn"), "voided"),
    "refused after it is paid": (("held", "drawn"), "refused"),
    "close refused before it is paid": (("held",), "close_refused"),
}


@pytest.mark.parametrize("name", sorted(OUT_OF_ORDER))
def test_a_fact_that_cannot_follow_waits_for_an_operator(way: Way, name: str) -> None:
    before, kind = OUT_OF_ORDER[name]
    way.tell(*before)
    state = way.state
    way.office.deliver(way.fact(kind))
    assert way.state == state, "nothing moved"
    assert way.office.quarantined() == [("rejected", "list_state")]


def test_what_follows_a_fact_in_quarantine_waits_behind_it_and_other_lists_go_on(office: Office) -> None:
    office.import_persons(person("QN-1"), person("QN-2", commune_code="20791"))
    office.pay("2024-08")
    first, second = (one["id"] for one in office.lists().values())
    office.approve(first)
    office.approve(second)
    drawn = office.fact("funds.drawn", list_id=first, submission=1, provider="POST-QNA", amount_vnd=1)
    held = office.fact("funds.held", list_id=first, submission=1, lines=[])
    other = office.fact("funds.held", list_id=second, submission=1, lines=[])
    office.deliver(drawn, held, other)
    assert office.quarantined() == [("rejected", "list_state"), ("behind", "behind")]
    assert office.officer.get(f"/v1/lists/{first}")["state"] == "approved"
    assert office.officer.get(f"/v1/lists/{second}")["state"] == "held"


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_a_fact_about_a_list_that_nobody_knows_is_put_aside(way: Way, kind: str) -> None:
    way.office.deliver(way.fact(kind, list_id=str(new_id())))
    assert way.office.quarantined() == [("rejected", "list_unknown")]
    assert way.state == "approved"


@pytest.mark.parametrize("kind", ["held", "refused", "drawn", "voided", "withdrawal_too_late"])
def test_a_fact_about_another_submission_is_none_of_ours(way: Way, kind: str) -> None:
    way.tell("refused")
    way.office.approve(way.id)
    for submission in (1, 3):
        way.office.deliver(way.fact(kind, submission=submission))
    assert way.state == "approved"
    assert way.office.quarantined() == []


def test_a_withdrawal_that_was_too_late_once_does_not_end_a_later_one(way: Way) -> None:
    way.tell("held", "withdraw", "voided")
    way.office.approve(way.id)
    way.office.deliver(way.fact("held", submission=2))
    way.withdraw()
    way.office.deliver(way.fact("withdrawal_too_late", submission=1))
    assert way.state == "withdrawing"
    way.office.deliver(way.fact("voided", submission=2))
    assert way.state == "withdrawn"


def test_a_refusal_to_close_told_again_does_not_reopen_a_closed_list(way: Way) -> None:
    way.tell("held", "drawn", "close", "close_refused", "close", "list_closed", "close_refused")
    assert way.state == "closed"


def test_the_ledger_has_the_last_word_though_its_refusal_came_twice(way: Way) -> None:
    """The refusal of the first try is told again while the second is under way; then the ledger agrees."""
    way.tell("held", "drawn", "close", "close_refused", "close", "close_refused", "list_closed")
    assert way.state == "closed"
    assert way.office.officer.get(f"/v1/lists/{way.id}")["refusal"] is None


def test_a_refusal_shows_what_is_missing_until_the_list_is_submitted_anew(way: Way) -> None:
    way.tell("refused")
    shown = way.office.officer.get(f"/v1/lists/{way.id}")["refusal"]
    assert shown == {"code": "funds_refused", "lines": LINES}
    submitted = way.office.officer.post(f"/v1/lists/{way.id}/submission")
    assert (submitted["refusal"], submitted["submission"]) == (None, 2)


def test_the_day_on_which_a_list_was_instructed_is_that_of_the_money(way: Way) -> None:
    way.tell("held")
    way.office.on(2024, 8, 1)
    way.office.deliver(way.fact("drawn"))
    way.office.on(2024, 8, 3)
    way.office.work_off()
    assert way.office.officer.get(f"/v1/lists/{way.id}")["instructed_on"] == "2024-08-01"


def test_instructing_goes_on_where_its_worker_was_killed(office: Office) -> None:
    office.import_persons(*(person(f"QN-{n:04d}") for n in range(450)))
    office.pay("2024-08")
    list_id = office.lists()[POST]["id"]
    office.approve(list_id)
    for kind in ("held", "drawn"):
        office.hear(f"funds.{kind}", list_id=list_id, submission=1, lines=[])
    job = office.one("SELECT id FROM jobs WHERE kind = 'instruct_list'")
    attempt = office.runner._claim(job)
    assert office.runner._chunk(job, attempt) is False  # 200 are told, and then the process dies
    assert office.officer.get(f"/v1/lists/{list_id}")["state"] == "drawn"
    office.work_off()
    items = [item["payment_id"] for event in office.events("payments.instructed") for item in event["items"]]
    assert len(items) == len(set(items)) == 450
    assert office.officer.get(f"/v1/lists/{list_id}")["state"] == "instructed"
