"""Requests for change: kinds, what each must say, and who may decide."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.beneficiaries.rates.model import RateBook
from shared.kernel.approvals import ensure_maker_is_not_checker
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.periods import Period

NUMBER = re.compile(r"[A-Z0-9][A-Z0-9/-]{2,39}", re.ASCII)
IDENTITY = re.compile(r"[0-9]{9}|[0-9]{12}", re.ASCII)  # CMND until phased out, CCCD since
ACCOUNT = re.compile(r"[0-9]{6,19}", re.ASCII)
BENEFIT_SEPARATOR = ";"
BIRTH_YEAR_MIN = 1900


class ChangeKind(StrEnum):
    """What can become different about a person."""

    DEATH = "death"
    MOVE = "move"
    REASSESSMENT = "reassessment"


class ChangeState(StrEnum):
    """Where a request for change stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


TRANSITIONS: dict[ChangeState, frozenset[ChangeState]] = {
    ChangeState.REQUESTED: frozenset({ChangeState.APPROVED, ChangeState.REJECTED}),  # by another person
    ChangeState.APPROVED: frozenset(),  # a wrong approval is mended by a new request
    ChangeState.REJECTED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A request that something be recorded of a person."""

    id: UUID
    person_id: UUID
    kind: ChangeKind
    details: dict[str, Any]
    evidence: str
    state: ChangeState
    requested_by: str
    requested_on: date
    version: int


@dataclass(frozen=True, slots=True)
class Benefit:
    """A category with its injury percent, where the category has one, and the first month."""

    code: str
    injury_percent: int | None
    from_period: Period


def decide(change: Change, state: ChangeState, actor: str) -> None:
    """Nothing, where the actor may bring the change into the state.

    Raises: Conflict change_decided; Denied maker_is_checker.
    """
    if state not in TRANSITIONS[change.state]:
        raise Conflict("change_decided", f"This request was {change.state} already; make a new one.")
    ensure_maker_is_not_checker([change.requested_by], actor)


def parse_benefits(text: str, book: RateBook) -> list[Benefit]:
    """The benefits written as `TB:45:2015-03;TUDAY::2012-01`.

    Raises: Rejected benefit_malformed, rate_missing, benefit_repeated.
    """
    benefits = [_benefit(part.strip(), book) for part in text.split(BENEFIT_SEPARATOR) if part.strip()]
    if not benefits:
        raise Rejected("benefit_malformed", "No benefit is given; write category:percent:first month.")
    codes = [benefit.code for benefit in benefits]
    if len(set(codes)) != len(codes):
        raise Rejected("benefit_repeated", "The same category stands twice for one person.")
    return benefits


def _benefit(text: str, book: RateBook) -> Benefit:
    parts = text.split(":")
    if len(parts) != 3 or (parts[1] and not parts[1].isdecimal()):
        raise Rejected(
            "benefit_malformed", f'"{text}" is not category:percent:first month, as in TB:45:2015-03.'
        )
    percent = int(parts[1]) if parts[1] else None
    if not book.knows(parts[0], percent):
        raise Rejected(
            "rate_missing", f'No decree has a monthly amount for "{parts[0]}" at "{parts[1]}" percent.'
        )
    return Benefit(parts[0], percent, Period.parse(parts[2]))
