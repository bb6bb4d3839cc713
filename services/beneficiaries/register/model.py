"""Requests for change and register files: what each must say, and who may decide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.beneficiaries.rates.model import RateBook
from shared.kernel.approvals import ensure_maker_is_not_checker
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.ids import id_of
from shared.kernel.periods import Period

NUMBER = re.compile(r"[A-Z0-9][A-Z0-9/-]{2,39}", re.ASCII)
IDENTITY = re.compile(r"[0-9]{9}|[0-9]{12}", re.ASCII)  # CMND until phased out, CCCD since
ACCOUNT = re.compile(r"[0-9]{6,19}", re.ASCII)
BENEFIT_SEPARATOR = ";"
ACCOUNT_INVALID = "Payment by bank needs a bank code of 2 to 11 signs and an account of 6 to 19 digits."
ACCOUNT_NOT_NEEDED = "Payment in cash has no account; leave both empty."
BANK_CODE = re.compile(r"[0-9A-Z]{2,11}", re.ASCII)
PERCENT = re.compile(r"[0-9]{1,3}", re.ASCII)
BIRTH_YEAR_MIN = 1900
READ, ENTER = "import_persons", "enter_registration"  # the kinds of the two jobs of a register file
SEALED = "sealed"  # what stands in the place of the details that say how a person is paid
MOVE_MONTHS_AHEAD = 1  # from the month after the old place stopped: Decree 131/2021/NĐ-CP Art. 131


class ChangeKind(StrEnum):
    """What can become different about a person."""

    DEATH = "death"
    MOVE = "move"
    REASSESSMENT = "reassessment"
    RECEIVING = "receiving"


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


class RegistrationState(StrEnum):
    """Where a register file stands."""

    READING = "reading"
    PREPARED = "prepared"
    APPROVED = "approved"
    ENTERED = "entered"
    REJECTED = "rejected"


REGISTRATION_TRANSITIONS: dict[RegistrationState, frozenset[RegistrationState]] = {
    RegistrationState.READING: frozenset({RegistrationState.PREPARED, RegistrationState.REJECTED}),
    RegistrationState.PREPARED: frozenset({RegistrationState.APPROVED, RegistrationState.REJECTED}),
    RegistrationState.APPROVED: frozenset({RegistrationState.ENTERED}),  # what was approved is entered whole
    RegistrationState.ENTERED: frozenset(),
    RegistrationState.REJECTED: frozenset(),
}
WHAT_TO_DO: dict[RegistrationState, str] = {
    RegistrationState.READING: "is still being read; wait for its job, or reject it where that job failed",
    RegistrationState.PREPARED: "waits for approval",
    RegistrationState.APPROVED: "was approved already and is being entered; follow its job",
    RegistrationState.ENTERED: "was entered already; what is wrong about a person is mended by a change",
    RegistrationState.REJECTED: "was rejected; send the corrected file as a new one",
}


@dataclass(frozen=True, slots=True)
class Registration:
    """A register file that one person sent and another decides."""

    id: UUID
    document_sha256: str
    state: RegistrationState
    accepted_count: int
    refused_count: int
    entitlement_count: int
    prepared_by: str
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
        message = f"This request was {change.state} already; make a new one."
        raise Conflict("change_decided", message, state=change.state)
    ensure_maker_is_not_checker([change.requested_by], actor)


def job_of(kind: str, registration_id: UUID) -> UUID:
    """The job of a kind that belongs to a register file."""
    return id_of("job", kind, registration_id)


def ensure_registration_may_become(found: Registration, state: RegistrationState) -> None:
    """Nothing, where the register file can come into the state next. Raises: Conflict registration_state."""
    if state not in REGISTRATION_TRANSITIONS[found.state]:
        message = f"Registration {found.id} {WHAT_TO_DO[found.state]}."
        raise Conflict("registration_state", message, state=found.state)


def decide_registration(found: Registration, state: RegistrationState, actor: str) -> None:
    """Nothing, where the actor may bring the register file into the state.

    Raises: Conflict registration_state; Denied maker_is_checker; Rejected registration_empty.
    """
    ensure_registration_may_become(found, state)
    ensure_maker_is_not_checker([found.prepared_by], actor)
    if state is RegistrationState.APPROVED and not found.accepted_count:
        raise Rejected(
            "registration_empty",
            f"No row of registration {found.id} was accepted, so nobody would be entered; "
            "reject it and have the corrected file sent.",
        )


def ensure_death_possible(died_on: date, birth_year: int, on: date) -> None:
    """Nothing, where a person born in a year can have died on a day that has come.

    Raises: Rejected died_ahead, died_before_birth.
    """
    if died_on > on:
        message = f"{died_on} lies ahead of {on}; a death is recorded once it happened."
        raise Rejected("died_ahead", message, died_on=died_on)
    if died_on.year < birth_year:
        message = (
            f"{died_on} lies before the year of birth {birth_year}; one of the two is wrong in the papers."
        )
        raise Rejected("died_before_birth", message, died_on=died_on, birth_year=birth_year)


def ensure_month_possible(kind: ChangeKind, since: Period, birth_year: int, on: date) -> None:
    """Nothing, where a change may hold from a month on.

    Raises: Rejected month_ahead, month_before_birth.
    """
    last = Period.of(on)
    for _ in range(MOVE_MONTHS_AHEAD if kind is ChangeKind.MOVE else 0):
        last = last.next()
    if since > last:
        message = f"{since} lies ahead; on {on} this can hold from {last} at the latest."
        raise Rejected("month_ahead", message, period=since, last_period=last)
    if since.year < birth_year:
        message = f"{since} lies before the year of birth {birth_year}."
        raise Rejected("month_before_birth", message, period=since, birth_year=birth_year)


def ensure_alive(died_on: date | None, since: Period) -> None:
    """Nothing, where the person still lived in some part of the month. Raises: Conflict person_dead."""
    if died_on is not None and since > Period.of(died_on):
        message = f"This person died on {died_on}; nothing can hold from {since} on."
        raise Conflict("person_dead", message, died_on=died_on, period=since)


def ensure_receivable(provider: str, bank_code: str, account_number: str, known: Mapping[str, str]) -> None:
    """Nothing, where a person can be paid so. Shape: `known` gives the channel of each provider.

    Raises: Rejected provider_unknown, account_invalid, account_not_needed.
    """
    if provider not in known:
        raise Rejected("provider_unknown", f"Providers are {', '.join(known)}.", providers=", ".join(known))
    if known[provider] == "bank":
        if not (BANK_CODE.fullmatch(bank_code) and ACCOUNT.fullmatch(account_number)):
            raise Rejected("account_invalid", ACCOUNT_INVALID)
    elif bank_code or account_number:
        raise Rejected("account_not_needed", ACCOUNT_NOT_NEEDED)


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
    if len(parts) != 3 or (parts[1] and not PERCENT.fullmatch(parts[1])):
        raise Rejected(
            "benefit_malformed", f'"{text}" is not category:percent:first month, as in TB:45:2015-03.'
        )
    percent = int(parts[1]) if parts[1] else None
    if not book.knows(parts[0], percent):
        raise Rejected(
            "rate_missing", f'No decree has a monthly amount for "{parts[0]}" at "{parts[1]}" percent.'
        )
    return Benefit(parts[0], percent, Period.parse(parts[2]))
