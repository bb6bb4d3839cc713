"""Which changes of a list make an earlier printout of it void: those of what is printed, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.beneficiaries.office import by_bank, person

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

POST, BANK = ("Núi Thành", "POST-QNA"), ("Núi Thành", "BANK-QNA")
REASON = {"reason": "wrong month"}


class Printed:
    """A list as its paper shows it, looked at after every step."""

    def __init__(self, office: Office, list_id: str) -> None:
        self.office = office
        self.list_id = list_id
        self.seen: list[tuple[int, int]] = []
        self.papers: list[tuple[int, Any]] = []
        self.look()

    def look(self) -> None:
        found = self.office.officer.get(f"/v1/lists/{self.list_id}")
        rows = [
            (one["person_id"], one["amount_vnd"], str(one["obligations"]), one["reissued_by"])
            for one in self.office.payments(self.list_id)
        ]
        content = (rows, found["payment_count"], found["total_vnd"])
        self.seen.append((found["version"], found["content_version"]))
        self.papers.append((found["content_version"], content))

    def post(self, step: str, body: dict[str, str] | None = None, *, by: str = "officer") -> Any:  # noqa: ANN401 - JSON
        told = getattr(self.office, by).post(f"/v1/lists/{self.list_id}/{step}", body)
        self.look()
        return told

    def hear(self, kind: str, submission: int = 1) -> None:
        self.office.hear(kind, list_id=self.list_id, submission=submission, lines=[], reason="x")
        self.office.work_off()
        self.look()

    def approve(self) -> None:
        content = {"content_sha256": self.post("submission")["content_sha256"]}
        self.post("approval", content, by="approver")

    @property
    def versions(self) -> list[int]:
        """The versions of the content, each once, as they followed."""
        return list(dict.fromkeys(version for _, version in self.seen))

    def ensure_true(self) -> None:
        """Two papers with the same version say the same."""
        said: dict[int, Any] = {}
        for version, content in self.papers:
            assert said.setdefault(version, content) == content, f"version {version} says two things"


@pytest.fixture
def printed(office: Office) -> Printed:
    office.import_persons(person("QN-1"), person("QN-2"), by_bank("QN-3"), by_bank("QN-4"))
    office.pay("2024-08")
    return Printed(office, office.lists()[POST]["id"])


def test_a_list_that_goes_from_desk_to_desk_to_its_end_is_on_paper_what_it_was(printed: Printed) -> None:
    printed.post("submission")
    printed.post("return", REASON, by="approver")
    printed.approve()
    printed.hear("funds.refused", 2)
    printed.approve()
    for kind in ("held", "drawn"):
        printed.hear(f"funds.{kind}", 3)
    for one in printed.office.payments(printed.list_id):
        printed.office.answer_for(POST[1], (one["id"], one["amount_vnd"], ""))
    printed.post("closure")
    printed.hear("funds.list_closed", 3)

    assert printed.versions == [1]
    assert len({version for version, _ in printed.seen}) > 8, "the list itself has moved on many times"
    printed.ensure_true()


def test_a_list_that_was_withdrawn_is_another_on_paper_also_when_it_comes_again(printed: Printed) -> None:
    printed.approve()
    printed.hear("funds.held")
    printed.post("withdrawal", REASON)
    assert printed.versions == [1], "it is asked for, and nobody has decided"
    printed.hear("funds.voided")
    printed.hear("funds.voided")
    assert printed.versions == [1, 2]
    printed.approve()
    assert printed.versions == [1, 2]


def test_a_withdrawal_that_came_too_late_changes_no_paper(printed: Printed) -> None:
    printed.approve()
    printed.hear("funds.held")
    printed.post("withdrawal", REASON)
    printed.hear("funds.withdrawal_too_late")
    printed.hear("funds.drawn")
    assert printed.versions == [1]


def test_holds_that_the_treasury_refused_change_no_paper(printed: Printed) -> None:
    printed.approve()
    printed.hear("funds.held")
    printed.hear("funds.voided")
    assert printed.versions == [1]


def test_nobody_signs_on_the_old_paper_for_what_is_paid_again(printed: Printed) -> None:
    office = printed.office
    bank = Printed(office, office.lists()[BANK]["id"])
    office.instruct(bank.list_id)
    back, paid = ((one["id"], one["amount_vnd"]) for one in office.payments(bank.list_id))
    office.answer_for(BANK[1], (*back, "AC04"), (*paid, ""))
    bank.look()
    assert bank.versions == [1], "an answer of the provider is not on paper"
    office.on(2024, 8, 20)
    made = office.reissue(bank.list_id, POST[1])["list"]
    bank.look()
    assert bank.versions == [1, 2]
    bank.ensure_true()
    again = {one["id"]: one["reissued_by"] for one in office.payments(bank.list_id)}
    (new,) = office.payments(made["id"])
    assert again == {back[0]: new["id"], paid[0]: None}
    assert (made["content_version"], new["reissue_of"], new["reissued_by"]) == (1, back[0], None)


def test_if_match_speaks_of_the_list_and_not_of_its_paper(printed: Printed) -> None:
    printed.post("submission")
    version, content_version = printed.seen[-1]
    assert version != content_version
    reply = printed.office.approver.ask(
        "POST", f"/v1/lists/{printed.list_id}/return", REASON, headers={"If-Match": f'"{content_version}"'}
    )
    assert reply.status_code == 412
