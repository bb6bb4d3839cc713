"""What an event must fit before it touches the money of a list: told twice is harmless, told wrong is not.

Events of one list arrive in order, each in one transaction; what is checked here is what senders claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.allocation.ledger.model import Outcome, Verdict
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.money import MAX_VND, Money, grouped

BLOCKING = frozenset({"held", "drawn", "closed"})  # money of an earlier submission is still out
DRAWN = frozenset({"drawn", "closed"})  # a provider may answer after the closing, too


def only_line(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The one line of a list. Raises: Rejected list_lines, list_amount."""
    lines = facts["lines"]
    if len(lines) != 1:
        raise Rejected("list_lines", "A list has one line for each funding rule; this one cannot be read.")
    line: dict[str, Any] = lines[0]
    if not 1 <= line["amount_vnd"] <= MAX_VND:
        message = (
            f"List {facts['list_id']} asks for {line['amount_vnd']} đồng; a list asks for 1 to {MAX_VND}."
        )
        raise Rejected("list_amount", message)
    return line


def told_before(facts: Mapping[str, Any], line: Mapping[str, Any], known: Sequence[Row[Any]]) -> bool:
    """Whether this submission was decided already, with this very content.

    Raises: Conflict submission_differs where it was decided with another content; Rejected list_held_already
    while money of an earlier submission is out, submission_outdated where a later one is known.
    """
    asked = facts["submission"]
    for one in known:
        if one.submission == asked:
            _ensure_same(facts, line, one)
            return True
    for one in known:
        if one.submission > asked:
            message = (
                f"Submission {asked} of list {facts['list_id']} arrives after {one.submission}; "
                "drop the message."
            )
            raise Rejected("submission_outdated", message)
        if one.state in BLOCKING:
            message = (
                f"Submission {one.submission} of list {facts['list_id']} is {one.state}; only when its money "
                f"is free again can submission {asked} be held."
            )
            raise Rejected("list_held_already", message)
    return False


def ensure_drawn(funds: Row[Any], what: str) -> None:
    """Nothing, where the money of the list is or was with its provider. Raises: Rejected list_not_drawn."""
    if funds.state not in DRAWN:
        message = (
            f"List {funds.list_id} is {funds.state}, so no provider has its money and {what} cannot be "
            "right; ask the sender which list is meant."
        )
        raise Rejected("list_not_drawn", message)


def ensure_lines(funds: Row[Any], told: Sequence[Mapping[str, Any]], held: Iterable[str]) -> None:
    """Nothing, where an answer speaks of lines of the list, each once and with an amount.

    Raises: Rejected list_lines, amount_invalid.
    """
    lines = [line["line"] for line in told]
    if not lines or len(set(lines)) < len(lines) or not set(lines) <= set(held):
        message = (
            f"The answer for list {funds.list_id} speaks of the lines {lines}, which the list does not have."
        )
        raise Rejected("list_lines", message)
    for line in told:
        if not 1 <= line["amount_vnd"] <= MAX_VND:
            message = (
                f"The answer for {line['line']} of list {funds.list_id} is on {line['amount_vnd']} đồng; "
                f"an answer is on 1 to {MAX_VND}."
            )
            raise Rejected("amount_invalid", message)


def posted_before(told: Mapping[str, int], posted: Mapping[str, int]) -> bool:
    """Whether an answer was posted already, line by line, to the đồng. Raises: Conflict answer_differs."""
    if not posted:
        return False
    if dict(posted) != dict(told):
        message = (
            f"This chunk was posted with {_sum(posted)} đồng and now comes with {_sum(told)}; what a "
            "provider answered is never changed: a correction is a statement of its own."
        )
        raise Conflict("answer_differs", message)
    return True


def ensure_within(funds: Row[Any], posted_vnd: int, more_vnd: int) -> None:
    """Nothing, where all answers together stay within the list. Raises: Rejected list_exceeded.

    What goes beyond would take money that the same provider holds for other lists.
    """
    if posted_vnd + more_vnd > funds.total_vnd:
        message = (
            f"List {funds.list_id} is on {grouped(Money(funds.total_vnd))} đồng, "
            f"{grouped(Money(posted_vnd))} are answered for; {grouped(Money(more_vnd))} more do not fit."
        )
        raise Rejected("list_exceeded", message)


def ensure_settled(funds: Row[Any], settled_vnd: int, back_vnd: int) -> None:
    """Nothing, where no more comes back than was paid out. Raises: Rejected late_return_exceeds_settled."""
    if back_vnd > settled_vnd:
        message = (
            f"Of list {funds.list_id} {grouped(Money(settled_vnd))} đồng count as paid; "
            f"{grouped(Money(back_vnd))} cannot come back. Ask the provider which payments are meant."
        )
        raise Rejected("late_return_exceeds_settled", message)


def ensure_accepted(outcomes: Sequence[Outcome]) -> None:
    """Nothing, where the ledger took all of them. Raises: Rejected with the ledger's code."""
    refused = [one.refusal for one in outcomes if one.verdict is not Verdict.ACCEPTED and one.refusal]
    if refused:
        raise Rejected(refused[0].code, f"The ledger refused what must be covered: {refused[0].message}")


def _ensure_same(facts: Mapping[str, Any], line: Mapping[str, Any], one: Row[Any]) -> None:
    told = {
        "period": facts["period"],
        "fiscal_year": facts["fiscal_year"],
        "unit_id": UUID(facts["unit_id"]),
        "provider": facts["provider"],
        "total_vnd": line["amount_vnd"],
    }
    other = sorted(name for name, value in told.items() if getattr(one, name) != value)
    if other:
        message = (
            f"Submission {one.submission} of list {one.list_id} was decided with another {', '.join(other)}; "
            "a changed list is submitted under its next number."
        )
        raise Conflict("submission_differs", message)


def _sum(amounts: Mapping[str, int]) -> str:
    return grouped(Money(sum(amounts.values())))
