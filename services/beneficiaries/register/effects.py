"""What each kind of change needs to be possible, and what it does to the register once it is approved.

It is checked twice: when it is requested, so that the officer hears of a mistake at once, and when it is
approved, because something else may have become known in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from services.beneficiaries.entitlements.model import EntitlementFact
from services.beneficiaries.providers.model import channels
from services.beneficiaries.rates.handlers import rate_book
from services.beneficiaries.register import model, store
from services.beneficiaries.register.model import SEALED, Change, ChangeKind
from services.beneficiaries.units.queries import Commune, communes
from shared.db.unit_of_work import Work
from shared.kernel import canonical
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.periods import Period
from shared.kernel.sealing import Sealer, WrappedKey


def ensure_possible(work: Work, change: Change) -> None:
    """Nothing, where the change can be, as things are known today. Raises: Rejected, Conflict."""
    _CHECKS[change.kind](work, change)


def take_effect(work: Work, change: Change) -> dict[str, Any]:
    """What was known before; the register holds the new fact. Call after `ensure_possible`."""
    return _EFFECTS[change.kind](work, change)


def sealed(work: Work, sealer: Sealer, change: Change) -> Change:
    """The change as it is stored: how a person is paid stands in it sealed under the person's own key."""
    if change.kind is not ChangeKind.RECEIVING:
        return change
    key = WrappedKey(store.sealed_key(work.connection, change.person_id))
    text = canonical.encode(change.details).decode()
    return replace(change, details={SEALED: sealer.seal(key, text, _place(change))})


def opened(work: Work, sealer: Sealer, change: Change) -> Change:
    """The change as it was requested."""
    if change.kind is not ChangeKind.RECEIVING:
        return change
    key = WrappedKey(store.sealed_key(work.connection, change.person_id))
    text = sealer.open(key, change.details[SEALED], _place(change))
    return replace(change, details=canonical.decode(text.encode()))


def _place(change: Change) -> str:
    return f"changes/{change.id}/details"


def _check_death(work: Work, change: Change) -> None:
    person = store.person_by_id(work.connection, change.person_id)
    if store.death_of(work.connection, change.person_id) is not None:
        raise refuse_second_death()
    died_on = date.fromisoformat(change.details["died_on"])
    model.ensure_death_possible(died_on, person.birth_year, work.act.business_date)


def refuse_second_death() -> Conflict:
    """The refusal that belongs to a death that is known already."""
    return Conflict("death_known", "The death of this person is recorded already.")


def _check_month(work: Work, change: Change) -> Period:
    person = store.person_by_id(work.connection, change.person_id)
    since = Period.parse(change.details["from_period"])
    model.ensure_month_possible(change.kind, since, person.birth_year, work.act.business_date)
    model.ensure_alive(store.death_of(work.connection, change.person_id), since)
    return since


def _check_move(work: Work, change: Change) -> None:
    _check_month(work, change)
    commune = _commune(work, change)
    if store.person_by_id(work.connection, change.person_id).commune_id == commune.id:
        raise Rejected(
            "move_nowhere",
            f"The person is registered in {commune.name} already; nothing would change.",
            commune=commune.name,
        )


def _commune(work: Work, change: Change) -> Commune:
    day, code = work.act.business_date, change.details["commune_code"]
    commune = communes(work.connection, day).get(code)
    if commune is None:
        raise Rejected("commune_unknown", f"No commune had the code {code} on {day}.")
    return commune


def _check_reassessment(work: Work, change: Change) -> None:
    since = _check_month(work, change)
    code, percent = change.details["code"], change.details["injury_percent"]
    held = _held(work, change)
    if not held:
        raise Rejected("entitlement_unknown", f"This person has no entitlement {code} to re-assess.")
    first = min(fact.from_period for fact in held)
    if since < first:
        message = f"{code} was granted from {first}, later than {since}."
        raise Rejected("month_before_entitlement", message, first_period=first, period=since)
    if not rate_book(work.connection).knows(code, percent):
        raise Rejected("rate_missing", f"No decree has a monthly amount for {code} at {percent} %.")


def _held(work: Work, change: Change) -> list[EntitlementFact]:
    facts = store.facts_of(work.connection, [change.person_id])[0]
    return [fact for fact in facts.entitlements if fact.code == change.details["code"]]


def _check_receiving(work: Work, change: Change) -> None:
    died_on = store.death_of(work.connection, change.person_id)
    model.ensure_alive(died_on, Period.of(work.act.business_date))
    model.ensure_receivable(**change.details, known=channels())


def _die(work: Work, change: Change) -> dict[str, Any]:
    died_on = date.fromisoformat(change.details["died_on"])
    store.record_death(work.connection, change, died_on, work.act.business_date)
    return {}


def _move(work: Work, change: Change) -> dict[str, Any]:
    facts = store.facts_of(work.connection, [change.person_id])[0]
    commune, since = _commune(work, change), Period.parse(change.details["from_period"])
    store.record_residence(
        work.connection, change, commune.id, commune.district_id, since, work.act.business_date
    )
    return {"unit_id": str(facts.residences[-1].district_id)}


def _reassess(work: Work, change: Change) -> dict[str, Any]:
    held, code = _held(work, change), change.details["code"]
    since = Period.parse(change.details["from_period"])
    percent = change.details["injury_percent"]
    store.record_entitlement(work.connection, change, code, percent, since, work.act.business_date)
    return {"code": code, "injury_percent": held[-1].injury_percent}


def _receive(work: Work, change: Change) -> dict[str, Any]:
    person = store.person_by_id(work.connection, change.person_id)
    details = change.details
    store.record_receiving(
        work.connection,
        change.person_id,
        details["provider"],
        details["bank_code"] or None,
        details["account_number"] or None,
    )
    return {
        "provider": person.provider,
        "bank_code": person.bank_code or "",
        "account_number": person.account_number or "",
    }


_CHECKS: Mapping[ChangeKind, Callable[[Work, Change], None]] = {
    ChangeKind.DEATH: _check_death,
    ChangeKind.MOVE: _check_move,
    ChangeKind.REASSESSMENT: _check_reassessment,
    ChangeKind.RECEIVING: _check_receiving,
}
_EFFECTS: Mapping[ChangeKind, Callable[[Work, Change], dict[str, Any]]] = {
    ChangeKind.DEATH: _die,
    ChangeKind.MOVE: _move,
    ChangeKind.REASSESSMENT: _reassess,
    ChangeKind.RECEIVING: _receive,
}
