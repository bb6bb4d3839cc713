"""Rewriting a decision that nobody has approved, and giving one up that was not issued. Pure.

What was approved is what was seen: a draft, or what was sent back, is rewritten; no approval outlives that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.allocation.decisions.model import Decision, Header, Line, State, ensure_may_become, with_maker
from shared.kernel import canonical
from shared.kernel.errors import Conflict, Rejected

SAID_BY_A_LINE = ("label", "text", "unit_id", "article_id", "amount_vnd", "quantity", "note")
REVISABLE = frozenset({State.DRAFT, State.SENT_BACK})  # nobody but its makers answers for what it says
INSTEAD_OF_REVISION: Mapping[State, str] = {
    State.SUBMITTED: "have it sent back first",
    State.APPROVED: "have it sent back first",
    State.WITHDRAWN: "it was given up for good; write a new one",
}


def ensure_may_be_revised(decision: Decision) -> None:
    """Nothing, where the decision may be rewritten. Raises: Conflict decision_issued, decision_state."""
    _ensure_not_issued(decision)
    if decision.state not in REVISABLE:
        instead = INSTEAD_OF_REVISION[decision.state]
        message = f"This decision is {decision.state}; a draft or what was sent back is revised: {instead}."
        raise Conflict("decision_state", message)


def ensure_may_be_withdrawn(decision: Decision) -> None:
    """Nothing, where the decision may be given up. Raises: Conflict decision_issued, decision_state."""
    _ensure_not_issued(decision)
    ensure_may_become(decision, State.WITHDRAWN)


def revised(before: Decision, header: Header, lines: Sequence[Line], actor: str) -> Decision:
    """The decision as it says from now on; whoever approved what it said before has approved nothing.

    Lines that stay as they are still come from their file or arithmetic, unless others are named.
    Raises: Conflict decision_issued, decision_state; Rejected decision_unchanged.
    """
    ensure_may_be_revised(before)
    same_lines = contents_of(lines) == contents_of(before.lines)
    if same_lines and header.document is None and header.arithmetic is None:
        header = replace(header, document=before.header.document, arithmetic=before.header.arithmetic)
    if same_lines and header == before.header:
        message = "It says what it said before, in its header and in every line; change what was wrong first."
        raise Rejected("decision_unchanged", message)
    return replace(
        before,
        header=header,
        lines=lines,
        prepared_by=actor,
        approved_by=None,
        makers=with_maker(before, actor),
        version=before.version + 1,
    )


def contents_of(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """What lines say, in their order; their ids and places are not what they say."""
    return [{name: getattr(line, name) for name in SAID_BY_A_LINE} for line in lines]


def content_of(decision: Decision) -> dict[str, Any]:
    """What a decision says, as the trail keeps it: the header, and the lines by number, total and digest."""
    header, lines = decision.header, contents_of(decision.lines)
    arithmetic = header.arithmetic
    return {
        "kind": header.kind.value,
        "title": header.title,
        "fiscal_year": header.fiscal_year,
        "component": header.component,
        "source": header.source,
        "capital_kind": header.capital_kind.value,
        "unit_id": str(header.issuing_unit_id),
        "demonstration": header.demonstration,
        "document": header.document,
        "arithmetic_sha256": canonical.digest(arithmetic.encode()) if arithmetic else None,
        "total_vnd": decision.total_vnd,
        "line_count": len(decision.lines),
        "lines_sha256": canonical.digest(canonical.encode(lines)),
    }


def _ensure_not_issued(decision: Decision) -> None:
    if decision.state is State.ISSUED:
        message = (
            "This decision is issued: its money has moved, and it is neither rewritten nor withdrawn. "
            "Issue an adjusting decision, which changes what this one gave."
        )
        raise Conflict("decision_issued", message)
