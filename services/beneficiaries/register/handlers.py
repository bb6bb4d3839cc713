"""Taking persons into the register and recording what changes about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.beneficiaries.register import effects, model, store
from services.beneficiaries.register.commands import DecideChange, RequestChange
from services.beneficiaries.register.events import (
    ChangeApproved,
    ChangeRejected,
    ChangeRequested,
    PersonsRegistered,
)
from services.beneficiaries.register.model import Change, ChangeKind, ChangeState
from services.beneficiaries.register.rows import NewPerson
from shared.db.unit_of_work import Work
from shared.kernel import canonical
from shared.kernel.errors import NotFound
from shared.kernel.ids import id_of
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


def request_change(work: Work, sealer: Sealer, command: RequestChange) -> Change:
    """The stored request; nothing about the person changes before another person approves it.

    Raises: NotFound person_unknown; Rejected or Conflict where the change cannot be, as known today.
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
    effects.ensure_possible(work, change)
    store.add_change(work.connection, effects.sealed(work, sealer, change))
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

    Raises: NotFound change_unknown; Conflict change_decided; Denied maker_is_checker; and as request_change
    does, where the change cannot be any more.
    """
    change = store.change(work.connection, command.change_id)
    if change is None:
        raise NotFound("change_unknown", f"There is no request for change {command.change_id}.")
    state = ChangeState.APPROVED if command.approve else ChangeState.REJECTED
    model.decide(change, state, work.act.actor)
    store.decide_change(work.connection, change, state, work.act.actor, work.act.business_date)
    facts = store.facts_of(work.connection, [change.person_id])[0]
    unit_id = str(facts.residences[-1].district_id)
    if command.approve:
        _apply(work, sealer, change, unit_id)
    else:
        work.record(ChangeRejected(str(change.id), str(change.person_id), unit_id, change.kind.value))
    return replace(change, state=state, version=change.version + 1)


def _apply(work: Work, sealer: Sealer, stored: Change, unit_id: str) -> None:
    change = effects.opened(work, sealer, stored)
    effects.ensure_possible(work, change)
    before = effects.take_effect(work, change)
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


def _text(percent: int | None) -> str | None:
    return None if percent is None else str(percent)
