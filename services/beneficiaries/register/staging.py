"""Register files and their rows until somebody has decided: in by COPY, over into the register in sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, select, text, update

from services.beneficiaries.register.model import Registration, RegistrationState
from services.beneficiaries.register.rows import NewPerson
from services.beneficiaries.register.store import entitlement_id_of
from services.beneficiaries.register.tables import registration_rows, registrations
from shared.db.copy import copy_rows
from shared.kernel import canonical
from shared.kernel.errors import NotFound
from shared.kernel.names import search_key

ROW_COLUMNS = (
    "registration_id",
    "row",
    "person_id",
    "number",
    "full_name",
    "name_key",
    "birth_year",
    "identity_number",
    "provider",
    "bank_code",
    "account_number",
    "commune_id",
    "district_id",
    "from_period",
    "sealed_key",
    "entitlements",
    "item",
)

# Every statement finds its rows by their key alone: PostgreSQL knows nothing yet of rows that were staged
# just now and takes them for one. Numbers are taken in their order, so that two files at once do not wait
# for each other in a circle.
ENTER_PERSONS = text(
    """
    INSERT INTO persons (id, number, full_name, name_key, birth_year, identity_number, provider, bank_code,
                         account_number, commune_id, sealed_key)
    SELECT person_id, number, full_name, name_key, birth_year, identity_number, provider, bank_code,
           account_number, commune_id, sealed_key
    FROM registration_rows WHERE registration_id = :id AND row > :after AND row <= :last
    ORDER BY number
    ON CONFLICT DO NOTHING
    RETURNING id
    """
)
ENTER_RESIDENCES = text(
    """
    INSERT INTO person_residences (person_id, commune_id, district_id, from_period, known_on)
    SELECT person_id, commune_id, district_id, from_period, :known_on
    FROM registration_rows WHERE registration_id = :id AND row > :after AND row <= :last
    ORDER BY row
    """
)
ENTER_ENTITLEMENTS = text(
    """
    INSERT INTO person_entitlements (person_id, entitlement_id, code, injury_percent, from_period, ended,
                                     known_on)
    SELECT r.person_id, e.entitlement_id, e.code, e.injury_percent, e.from_period, false, :known_on
    FROM registration_rows r
    CROSS JOIN LATERAL ROWS FROM (
        jsonb_to_recordset(r.entitlements)
            AS (entitlement_id uuid, code text, injury_percent integer, from_period text)
    ) WITH ORDINALITY AS e(entitlement_id, code, injury_percent, from_period, place)
    WHERE r.registration_id = :id AND r.row > :after AND r.row <= :last
    ORDER BY r.row, e.place
    """
)


@dataclass(frozen=True, slots=True)
class Staged:
    """A sound row of a register file: everything that its person, its facts and its trail will need."""

    row: int
    person_id: UUID
    sealed_key: bytes
    item: bytes
    person: NewPerson


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of some rows: the items of those who entered, the rows of those who were there before."""

    last: int
    items: Sequence[bytes]
    taken: Sequence[int]


def add_registration(connection: Connection, found: Registration, on: date) -> None:
    """Store a register file whose rows are about to be read."""
    connection.execute(
        insert(registrations).values(
            id=found.id,
            document_sha256=found.document_sha256,
            state=found.state.value,
            row_count=0,
            accepted_count=found.accepted_count,
            refused_count=found.refused_count,
            entitlement_count=found.entitlement_count,
            prepared_by=found.prepared_by,
            prepared_on=on,
            version=found.version,
        )
    )


def registration(connection: Connection, registration_id: UUID) -> Registration:
    """A register file, locked until the transaction ends. Raises: NotFound registration_unknown."""
    row = connection.execute(
        select(registrations).where(registrations.c.id == registration_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("registration_unknown", f"There is no registration {registration_id}.")
    return Registration(
        row.id,
        row.document_sha256,
        RegistrationState(row.state),
        row.accepted_count,
        row.refused_count,
        row.entitlement_count,
        row.prepared_by,
        row.version,
    )


def save(connection: Connection, found: Registration, state: RegistrationState, **changed: Any) -> None:  # noqa: ANN401 - values of columns
    """Store a register file in its next state, with what else is different."""
    connection.execute(
        update(registrations)
        .where(registrations.c.id == found.id)
        .values(state=state.value, version=found.version + 1, **changed)
    )


def count(connection: Connection, registration_id: UUID, staged: Sequence[Staged], refused: int) -> None:
    """Add rows that were read to the counts of their file."""
    granted = sum(len(one.person.benefits) for one in staged)
    connection.execute(
        update(registrations)
        .where(registrations.c.id == registration_id)
        .values(
            row_count=registrations.c.row_count + len(staged) + refused,
            accepted_count=registrations.c.accepted_count + len(staged),
            refused_count=registrations.c.refused_count + refused,
            entitlement_count=registrations.c.entitlement_count + granted,
        )
    )


def staged_numbers(connection: Connection, registration_id: UUID, numbers: Sequence[str]) -> set[str]:
    """Those of the dossier numbers that an earlier row of the file has."""
    rows = registration_rows.c
    return set(
        connection.scalars(
            select(rows.number).where(rows.registration_id == registration_id, rows.number.in_(numbers))
        )
    )


def stage(connection: Connection, registration_id: UUID, staged: Iterable[Staged]) -> None:
    """Store sound rows until they are decided."""
    copy_rows(
        connection, registration_rows, ROW_COLUMNS, ((registration_id, *_values_of(one)) for one in staged)
    )


def communes_of(connection: Connection, registration_id: UUID) -> list[UUID]:
    """Every commune that a staged row of the file names."""
    rows = registration_rows.c
    return list(
        connection.scalars(select(rows.commune_id).where(rows.registration_id == registration_id).distinct())
    )


def unstage(connection: Connection, registration_id: UUID) -> None:
    """Leave nothing of a file's rows."""
    connection.execute(
        delete(registration_rows).where(registration_rows.c.registration_id == registration_id)
    )


def enter(
    connection: Connection, registration_id: UUID, after: int, limit: int, known_on: date
) -> Entered | None:
    """The next rows of a file, moved into the register; None where there are no more.

    Idempotent: a person is entered once, however many files have the number.
    """
    found = _next_rows(connection, registration_id, after, limit)
    if not found:
        return None
    place = {"id": registration_id, "after": after, "last": found[-1].row}
    new = set(connection.scalars(ENTER_PERSONS, place))
    taken = [row.row for row in found if row.person_id not in new]
    if taken:
        _drop(connection, registration_id, taken)
    connection.execute(ENTER_RESIDENCES, place | {"known_on": known_on})
    connection.execute(ENTER_ENTITLEMENTS, place | {"known_on": known_on})
    _drop_up_to(connection, registration_id, found[-1].row)
    return Entered(found[-1].row, [row.item.encode() for row in found if row.person_id in new], taken)


def _next_rows(
    connection: Connection, registration_id: UUID, after: int, limit: int
) -> Sequence[Row[int, UUID, str]]:
    rows = registration_rows.c
    return connection.execute(
        select(rows.row, rows.person_id, rows.item)
        .where(rows.registration_id == registration_id, rows.row > after)
        .order_by(rows.row)
        .limit(limit)
    ).all()


def _drop(connection: Connection, registration_id: UUID, numbers: Sequence[int]) -> None:
    connection.execute(
        text("DELETE FROM registration_rows WHERE registration_id = :id AND row = ANY(:rows)"),
        {"id": registration_id, "rows": list(numbers)},
    )


def _drop_up_to(connection: Connection, registration_id: UUID, last: int) -> None:
    rows = registration_rows.c
    connection.execute(
        delete(registration_rows).where(rows.registration_id == registration_id, rows.row <= last)
    )


def _values_of(one: Staged) -> tuple[Any, ...]:
    person = one.person
    return (
        one.row,
        one.person_id,
        person.number,
        person.full_name,
        search_key(person.full_name),
        person.birth_year,
        person.identity_number,
        person.provider,
        person.bank_code,
        person.account_number,
        person.commune_id,
        person.district_id,
        min(str(benefit.from_period) for benefit in person.benefits),
        one.sealed_key,
        _entitlements(one).decode(),
        one.item.decode(),
    )


def _entitlements(one: Staged) -> bytes:
    return canonical.encode(
        [
            {
                "entitlement_id": str(entitlement_id_of(one.person_id, benefit.code)),
                "code": benefit.code,
                "injury_percent": benefit.injury_percent,
                "from_period": str(benefit.from_period),
            }
            for benefit in one.person.benefits
        ]
    )
