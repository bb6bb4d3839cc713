"""What may still be rewritten or given up, and what a decision says afterwards."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from services.allocation.decisions.model import Decision, DecisionKind, Header, Line, State, line_id_of
from services.allocation.decisions.revision import (
    INSTEAD_OF_REVISION,
    REVISABLE,
    content_of,
    ensure_may_be_revised,
    ensure_may_be_withdrawn,
    revised,
)
from services.allocation.ledger.model import CapitalKind
from shared.kernel import canonical
from shared.kernel.errors import Conflict, Rejected

ID, UNIT, ARTICLE = UUID(int=9), UUID(int=49), UUID(int=3)
HEADER = Header(
    kind=DecisionKind.ALLOCATION,
    title="Phân bổ",
    fiscal_year=2024,
    component="merit",
    source="central",
    capital_kind=CapitalKind.RECURRENT,
    issuing_unit_id=UNIT,
    demonstration=True,
)


def line(amount: int, version: int = 1, position: int = 1) -> Line:
    id_ = line_id_of(ID, version, position)
    return Line(id_, position, "1", "Xã Quế Minh", UNIT, ARTICLE, amount)


def decision(state: State = State.DRAFT, header: Header = HEADER) -> Decision:
    return Decision(ID, header, state, "lan", None, 1, (line(5),), ("lan",))


@pytest.mark.parametrize("state", State)
def test_only_what_nobody_waits_for_is_rewritten(state: State) -> None:
    if state in REVISABLE:
        ensure_may_be_revised(decision(state))
        return
    with pytest.raises(Conflict) as caught:
        ensure_may_be_revised(decision(state))
    assert caught.value.code == ("decision_issued" if state is State.ISSUED else "decision_state")
    assert INSTEAD_OF_REVISION.get(state, "adjusting decision") in caught.value.message


@pytest.mark.parametrize("state", State)
def test_everything_but_what_is_final_is_given_up(state: State) -> None:
    codes = {State.ISSUED: "decision_issued", State.WITHDRAWN: "decision_state"}
    if state not in codes:
        ensure_may_be_withdrawn(decision(state))
        return
    with pytest.raises(Conflict) as caught:
        ensure_may_be_withdrawn(decision(state))
    assert caught.value.code == codes[state]


def test_a_revision_makes_its_writer_a_maker_and_leaves_no_approval() -> None:
    before = replace(decision(State.SENT_BACK), approved_by="minh")
    after = revised(before, HEADER, [line(7, 2)], "hoa")
    assert (after.state, after.version, after.total_vnd) == (State.SENT_BACK, 2, 7)
    assert (after.prepared_by, after.makers, after.approved_by) == ("hoa", ("lan", "hoa"), None)


@pytest.mark.parametrize("state", set(State) - REVISABLE)
def test_nothing_else_becomes_of_what_may_not_be_rewritten(state: State) -> None:
    with pytest.raises(Conflict):
        revised(decision(state), HEADER, [line(7, 2)], "hoa")


def test_what_says_the_same_is_no_revision() -> None:
    with pytest.raises(Rejected) as caught:
        revised(decision(), HEADER, [line(5, 2)], "lan")
    assert caught.value.code == "decision_unchanged"


@pytest.mark.parametrize("origin", ["document", "arithmetic"])
def test_lines_that_stay_still_come_from_where_they_came(origin: str) -> None:
    made = replace(HEADER, **{origin: "x"})
    titled = revised(decision(header=made), replace(HEADER, title="Khác"), [line(5, 2)], "lan")
    assert getattr(titled.header, origin) == "x"
    changed = revised(decision(header=made), HEADER, [line(6, 2)], "lan")
    assert getattr(changed.header, origin) is None
    other = replace(HEADER, **{origin: "y"})
    assert revised(decision(header=made), other, [line(5, 2)], "lan").header == other


def test_a_line_of_another_version_is_another_line() -> None:
    assert len({line_id_of(ID, version, place) for version in (1, 2) for place in (1, 2)}) == 4


def test_the_trail_tells_the_header_and_a_digest_that_can_be_made_again() -> None:
    told = content_of(decision(header=replace(HEADER, arithmetic="{}")))
    said = {
        "label": "1",
        "text": "Xã Quế Minh",
        "unit_id": str(UNIT),
        "article_id": str(ARTICLE),
        "amount_vnd": 5,
        "quantity": None,
        "note": "",
    }
    assert told["lines_sha256"] == canonical.digest(canonical.encode([said]))
    assert told["arithmetic_sha256"] == canonical.digest(b"{}")
    assert (told["title"], told["total_vnd"], told["line_count"]) == ("Phân bổ", 5, 1)
