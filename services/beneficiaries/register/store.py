"""Rows of the register <-> values of the model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select, text, update

from services.beneficiaries.entitlements.model import DeathFact, EntitlementFact, PersonFacts, ResidenceFact
from services.beneficiaries.register.model import Change, ChangeKind, ChangeState
from services.beneficiaries.register.tables import (
    changes,
    person_deaths,
    person_entitlements,
    person_residences,
    persons,
)
from shared.db.many import array_of_ids
from shared.kernel.ids import id_of
from shared.kernel.periods import Period

# Persons are told by the place of their id in the array, and columns are read by theirs: both are quicker.
ENTITLEMENTS = text(
    """
    SELECT wanted.place - 1, e.entitlement_id, e.code, e.injury_percent, e.from_period, e.ended, e.known_on,
           e.number
    FROM unnest(CAST(:persons AS uuid[])) WITH ORDINALITY AS wanted(person_id, place)
    JOIN person_entitlements e ON e.person_id = wanted.person_id
    ORDER BY e.number
    """
)
RESIDENCES = text(
    """
    SELECT wanted.place - 1, r.district_id, r.from_period, r.known_on, r.number
    FROM unnest(CAST(:persons AS uuid[])) WITH ORDINALITY AS wanted(person_id, place)
    JOIN person_residences r ON r.person_id = wanted.person_id
    ORDER BY r.number
    """
)
DEATHS = text(
    """
    SELECT wanted.place - 1, d.died_on, d.known_on
    FROM unnest(CAST(:persons AS uuid[])) WITH ORDINALITY AS wanted(person_id, place)
    JOIN person_deaths d ON d.person_id = wanted.person_id
    """
)


def person_id_of(number: str) -> UUID:
    """The id of the person with a dossier number."""
    return id_of("person", number)


def entitlement_id_of(person_id: UUID, code: str) -> UUID:
    """The id of a person's entitlement of one category."""
    return id_of("entitlement", person_id, code)


def known_numbers(connection: Connection, numbers: Sequence[str]) -> set[str]:
    """Those of the dossier numbers that are registered."""
    return set(connection.scalars(select(persons.c.number).where(persons.c.number.in_(numbers))))


def count(connection: Connection) -> int:
    """How many persons are registered."""
    return int(connection.scalar(select(func.count()).select_from(persons)) or 0)


def providers_after(connection: Connection, after: UUID | None, limit: int) -> dict[UUID, str]:
    """Who pays each of the next persons, in order of their ids. Shape: at most `limit` of them."""
    query = select(persons.c.id, persons.c.provider).order_by(persons.c.id).limit(limit)
    if after is not None:
        query = query.where(persons.c.id > after)
    return {row[0]: row[1] for row in connection.execute(query).all()}


def facts_of(connection: Connection, ids: Sequence[UUID]) -> list[PersonFacts]:
    """The facts of given persons, in the order given."""
    bound = {"persons": array_of_ids(ids)}
    entitlements: list[list[EntitlementFact]] = [[] for _ in ids]
    for place, entitlement_id, code, percent, since, ended, known_on, number in connection.execute(
        ENTITLEMENTS, bound
    ).all():
        fact = EntitlementFact(entitlement_id, code, percent, Period.parse(since), ended, known_on, number)
        entitlements[place].append(fact)
    residences: list[list[ResidenceFact]] = [[] for _ in ids]
    for place, district_id, since, known_on, number in connection.execute(RESIDENCES, bound).all():
        residences[place].append(ResidenceFact(district_id, Period.parse(since), known_on, number))
    deaths: list[DeathFact | None] = [None] * len(ids)
    for place, died_on, known_on in connection.execute(DEATHS, bound).all():
        deaths[place] = DeathFact(died_on, known_on)
    return list(map(PersonFacts, ids, entitlements, residences, deaths))


def person(connection: Connection, number: str) -> Row[Any] | None:
    """The person of a dossier number."""
    return connection.execute(select(persons).where(persons.c.number == number)).one_or_none()


def person_by_id(connection: Connection, person_id: UUID) -> Row[Any]:
    """The person of an id that is known to exist."""
    return connection.execute(select(persons).where(persons.c.id == person_id)).one()


def death_of(connection: Connection, person_id: UUID) -> date | None:
    """The day a person died, where that is known."""
    day: date | None = connection.scalar(
        select(person_deaths.c.died_on).where(person_deaths.c.person_id == person_id)
    )
    return day


def record_receiving(
    connection: Connection, person_id: UUID, provider: str, bank_code: str | None, account_number: str | None
) -> None:
    """Let the register show how the person is paid now; how it was before stands sealed in the journal."""
    connection.execute(
        update(persons)
        .where(persons.c.id == person_id)
        .values(provider=provider, bank_code=bank_code, account_number=account_number)
    )


def sealed_key(connection: Connection, person_id: UUID) -> bytes:
    """The wrapped key under which this person's values are sealed."""
    return bytes(
        connection.execute(select(persons.c.sealed_key).where(persons.c.id == person_id)).scalar_one()
    )


def add_change(connection: Connection, change: Change) -> None:
    """Store a request for change."""
    connection.execute(
        insert(changes).values(
            id=change.id,
            person_id=change.person_id,
            kind=change.kind.value,
            details=change.details,
            evidence=change.evidence,
            state=change.state.value,
            requested_by=change.requested_by,
            requested_on=change.requested_on,
            version=change.version,
        )
    )


def change(connection: Connection, change_id: UUID) -> Change | None:
    """A request for change, locked until the transaction ends."""
    row = connection.execute(select(changes).where(changes.c.id == change_id).with_for_update()).one_or_none()
    if row is None:
        return None
    return Change(
        row.id,
        row.person_id,
        ChangeKind(row.kind),
        row.details,
        row.evidence,
        ChangeState(row.state),
        row.requested_by,
        row.requested_on,
        row.version,
    )


def decide_change(connection: Connection, found: Change, state: ChangeState, actor: str, on: date) -> None:
    """Store who decided a request, how and when."""
    connection.execute(
        update(changes)
        .where(changes.c.id == found.id)
        .values(state=state.value, decided_by=actor, decided_on=on, version=found.version + 1)
    )


def record_death(connection: Connection, found: Change, died_on: date, known_on: date) -> None:
    """Add the fact of a death."""
    connection.execute(
        insert(person_deaths).values(
            person_id=found.person_id, died_on=died_on, known_on=known_on, change_id=found.id
        )
    )


def record_residence(
    connection: Connection, found: Change, commune_id: UUID, district_id: UUID, since: Period, known_on: date
) -> None:
    """Add the fact of a move, and let the register show where the person lives now."""
    connection.execute(
        insert(person_residences).values(
            person_id=found.person_id,
            commune_id=commune_id,
            district_id=district_id,
            from_period=str(since),
            known_on=known_on,
            change_id=found.id,
        )
    )
    connection.execute(update(persons).where(persons.c.id == found.person_id).values(commune_id=commune_id))


def record_entitlement(
    connection: Connection,
    found: Change,
    code: str,
    injury_percent: int | None,
    since: Period,
    known_on: date,
) -> None:
    """Add the fact of a re-assessment."""
    connection.execute(
        insert(person_entitlements).values(
            person_id=found.person_id,
            entitlement_id=entitlement_id_of(found.person_id, code),
            code=code,
            injury_percent=injury_percent,
            from_period=str(since),
            ended=False,
            known_on=known_on,
            change_id=found.id,
        )
    )
