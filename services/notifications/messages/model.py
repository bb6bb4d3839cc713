"""Which fact is told to whom, by which text, through which channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

IN_APP = "in_app"
EMAIL = "email"
SMS = "sms"


def _always(_: Mapping[str, Any]) -> bool:
    return True


def _was(*states: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether it was in one of the states before."""
    return lambda facts: facts["was"] in states


@dataclass(frozen=True, slots=True)
class Occasion:
    """A reason to tell the holders of a permission something.

    `unit_field` names the fact that holds the unit whose officers are meant; without it all are.
    """

    template: str
    permission: str
    channels: tuple[str, ...]
    unit_field: str | None = None
    when: Callable[[Mapping[str, Any]], bool] = _always


OCCASIONS: Mapping[str, tuple[Occasion, ...]] = {
    "vn.fundtrail.decisions.submitted.v1": (
        Occasion("decision_submitted", "decisions.approve", (IN_APP, EMAIL)),
    ),
    "vn.fundtrail.decisions.approved.v1": (
        Occasion("decision_approved", "decisions.issue", (IN_APP, EMAIL, SMS)),
    ),
    "vn.fundtrail.decisions.sent_back.v1": (
        Occasion("decision_sent_back", "decisions.draft", (IN_APP, EMAIL)),
    ),
    "vn.fundtrail.decisions.withdrawn.v1": (
        Occasion(
            "decision_withdrawn",
            "decisions.approve",
            (IN_APP, EMAIL),
            when=_was("submitted", "approved"),
        ),
        Occasion("decision_withdrawn", "decisions.issue", (IN_APP, EMAIL), when=_was("approved")),
    ),
    "vn.fundtrail.lists.submitted.v1": (
        Occasion("list_submitted", "lists.approve", (IN_APP, EMAIL), "unit_id"),
    ),
    "vn.fundtrail.lists.sent_back.v1": (
        Occasion("list_sent_back", "lists.submit", (IN_APP, EMAIL), "unit_id"),
    ),
    "vn.fundtrail.funds.refused.v1": (
        Occasion("funds_refused", "lists.submit", (IN_APP, EMAIL, SMS), "unit_id"),
        Occasion("funds_refused", "decisions.draft", (IN_APP, EMAIL, SMS), "unit_id"),
    ),
    "vn.fundtrail.funds.drawn.v1": (Occasion("funds_drawn", "lists.export", (IN_APP,), "unit_id"),),
    "vn.fundtrail.withdrawals.requested.v1": (
        Occasion("withdrawal_requested", "ledger.transfer", (IN_APP,), "unit_id"),
    ),
    "vn.fundtrail.statements.matched.v1": (
        Occasion(
            "statement_unmatched",
            "results.upload",
            (IN_APP, EMAIL),
            when=lambda facts: bool(facts["unmatched_count"]),
        ),
    ),
    "vn.fundtrail.funds.list_closed.v1": (Occasion("list_closed", "lists.submit", (IN_APP,), "unit_id"),),
}
