"""Taking persons into the register and recording what changes about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.beneficiaries.entitlements.model import EntitlementFact
from services.beneficiaries.rates.handlers import rate_book
from services.beneficiaries.register import model, store
from services.beneficiaries.register.commands import DecideChange, RequestChange
from services.beneficiaries.register.events import ChangeApproved, ChangeRequested, PersonsRegistered
from services.beneficiaries.register.model import Change, ChangeKind, ChangeState
from services.beneficiaries.register.rows import NewPerson
from services.beneficiaries.units.queries import communes
from shared.db.unit_of_work import Work
from shared.kernel import canonical
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.ids import id_of
from shared.kernel.periods import Period
from shared.kernel.sealing import Sealer, WrappedKey

ITEMS_PER_EVENT = 200  # sealed names and numbers make an item about a kilobyte long


@dataclass(frozen=True, slots=True)
class Registrar:
    """Registers persons under a sealer, so that the trail holds their names and nobody else can read them."""

    sealer: Sealer

    def register(self, work: Work, people: Sequence[NewPerson]) -> None:
        """The persons are in the register and in the journal."""
        keyed = [(store.person_id_of(one.number), self.sealer.new_key(), one) for one in people]
        store.add_persons(work.connection, keyed, work.act.business_date)
        for start in range(0, len(keyed), ITEMS_PER_EVENT):
            some = keyed[start : start + ITEMS_PER_EVENT]
            items = tuple(self._item(*one) for one in some)
            work.record(PersonsRegistered(str(id_of("persons", items[0]["person_id"])), items))

    def _item(self, person_id: UUID, key: WrappedKey, one: NewPerson) -> dict[str, Any]:
        def sealed(field: str, value: str | None) -> str | None:
            return self.sealer.seal(key, value, f"persons/{person_id}/{field}") if value else None

        return {
            "person_id": str(person_id),
            "unit_id": str(one.commune_id),
            "provider": one.provider,
            "sealed_number": sealed("number", one.number),
            "sealed_name": sealed("full_name", one.full_name),
            "sealed_identity": sealed("identity_number", one.identity_number),
            "sealed_account": sealed("account_number", one.account_number),
            "entitlements": [
                {
                    "entitlement_id": str(store.entitlement_id_of(person_id, benefit.code)),
                    "code": benefit.code,
                    "sealed_percent": sealed(f"percent/{benefit.code}", _text(benefit.injury_percent)),
                    "from_period": str(benefit.from_period),
                }
                for benefit in one.benefits
            ],
        }


def request_change(work: Work, command: RequestChange) -> Change:
    """The stored request; nothing about the person changes before another person approves it.

    Raises: NotFound person_unknown; Rejected where the details do not fit the kind.
    """
    person = store.person(work.connection, command.person_number)
    if person is None:
        raise NotFound("person_unknown", f"No person is registered under {command.person_number}.")
    change = Change(
        id=command.change_id,
        person_id=person.id,
        kind=ChangeKind(command.kind),
        details=command.details,
        evidence=command.evidence,
        state=ChangeState.REQUESTED,
        requested_by=work.act.actor,
        requested_on=work.act.business_date,
        version=1,
    )
    store.add_change(work.connection, change)
    work.record(
        ChangeRequested(
            change_id=str(change.id),
            person_id=str(person.id),
            unit_id=str(person.commune_id),
            kind=change.kind.value,
            evidence_sha256=canonical.digest(change.evidence.encode()),
        )
    )
    return change


def decide_change(work: Work, sealer: Sealer, command: DecideChange) -> Change:
    """The request after the decision; when approved, the fact is known from the act's business date on.

    Raises: NotFound change_unknown; Conflict change_decided; Denied maker_is_checker.
    """
    change = store.change(work.connection, command.change_id)
    if change is None:
        raise NotFound("change_unknown", f"There is no request for change {command.change_id}.")
    state = ChangeState.APPROVED if command.approve else ChangeState.REJECTED
    model.decide(change, state, work.act.actor)
    store.decide_change(work.connection, change, state, work.act.actor, work.act.business_date)
    if command.approve:
        _apply(work, sealer, change)
    return replace(change, state=state, version=change.version + 1)


def _apply(work: Work, sealer: Sealer, change: Change) -> None:
    facts = store.facts_of(work.connection, [change.person_id])[0]
    known_on = work.act.business_date
    before: dict[str, Any] = {}
    unit_id = str(facts.residences[-1].district_id)
    if change.kind is ChangeKind.DEATH:
        store.record_death(work.connection, change, date.fromisoformat(change.details["died_on"]), known_on)
    elif change.kind is ChangeKind.MOVE:
        commune = communes(work.connection, known_on).get(change.details["commune_code"])
        if commune is None:
            raise Rejected(
                "commune_unknown", f"No commune had the code {change.details['commune_code']} on {known_on}."
            )
        before = {"unit_id": unit_id}
        since = Period.parse(change.details["from_period"])
        store.record_residence(work.connection, change, commune.id, commune.district_id, since, known_on)
    else:
        before = _reassess(work, change, facts.entitlements, known_on)
    key = WrappedKey(store.sealed_key(work.connection, change.person_id))
    place = f"changes/{change.id}"
    work.record(
        ChangeApproved(
            change_id=str(change.id),
            person_id=str(change.person_id),
            unit_id=unit_id,
            kind=change.kind.value,
            sealed_before=sealer.seal(key, canonical.encode(before).decode(), f"{place}/before"),
            sealed_after=sealer.seal(key, canonical.encode(change.details).decode(), f"{place}/after"),
        )
    )


def _reassess(work: Work, change: Change, known: Sequence[EntitlementFact], known_on: date) -> dict[str, Any]:
    code, percent = change.details["code"], change.details["injury_percent"]
    held = [fact for fact in known if fact.code == code]
    if not held:
        raise Rejected("entitlement_unknown", f"This person has no entitlement {code} to re-assess.")
    if not rate_book(work.connection).knows(code, percent):
        raise Rejected("rate_missing", f"No decree has a monthly amount for {code} at {percent} %.")
    since = Period.parse(change.details["from_period"])
    store.record_entitlement(work.connection, change, code, percent, since, known_on)
    return {"code": code, "injury_percent": held[-1].injury_percent}


def _text(percent: int | None) -> str | None:
    return None if percent is None else str(percent)
