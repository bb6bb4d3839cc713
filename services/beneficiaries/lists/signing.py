"""The payments of a list as people sign for them on paper: commune by commune, in order of given names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, and_, select

from services.beneficiaries.lists.store import owed_by
from services.beneficiaries.lists.tables import payments
from services.beneficiaries.register.tables import persons
from services.beneficiaries.units.queries import names_of
from shared.db.many import one_of
from shared.kernel.names import sort_key

KINDS = ("monthly", "arrears", "recovery")
PERSON = ("number", "full_name", "birth_year", "commune_id")
Place = tuple[str, str, str, str, str]


def signatures_of(
    connection: Connection, list_id: UUID, units: Sequence[UUID], first: int, limit: int
) -> dict[str, Any]:
    """Some payments of a list as they stand on paper, and what all those before them come to.

    Shape: `items` are numbered from `first`, which counts from 1; `before_vnd` is in đồng. Whoever lives in
    none of the units stands before all others, without a person.
    """
    ordered = sorted(_everybody(connection, list_id, units), key=_places(names_of(connection)))
    before, some = ordered[: first - 1], ordered[first - 1 : first - 1 + limit]
    owed = owed_by(connection, {row.id: row.reissue_of for row in some})
    items = [_signature(number, row, owed[row.id]) for number, row in enumerate(some, first)]
    return {"before_vnd": sum(row.amount_vnd for row in before), "items": items}


def _everybody(connection: Connection, list_id: UUID, units: Sequence[UUID]) -> Sequence[Row[Any]]:
    again = payments.alias("again")
    seen = and_(persons.c.id == payments.c.person_id, one_of(persons.c.commune_id, units))
    paid = (payments.c.id, payments.c.person_id, payments.c.amount_vnd, payments.c.reissue_of)
    wanted = (
        select(*paid, again.c.id.label("reissued_by"), *(persons.c[name] for name in PERSON))
        .outerjoin(again, again.c.reissue_of == payments.c.id)
        .outerjoin(persons, seen)
        .where(payments.c.list_id == list_id)
    )
    return connection.execute(wanted).all()


def _places(units: Mapping[UUID, str]) -> Any:  # noqa: ANN401 - a key for `sorted`
    def place(row: Row[Any]) -> Place:
        if row.number is None:
            return "", "", "", "", str(row.person_id)
        commune = sort_key(units.get(row.commune_id, str(row.commune_id)))
        given = sort_key(row.full_name.rpartition(" ")[2])  # the last word of a Vietnamese name
        return commune, str(row.commune_id), given, sort_key(row.full_name), row.number

    return place


def _signature(number: int, row: Row[Any], owed: Iterable[Any]) -> dict[str, Any]:
    sums = dict.fromkeys(KINDS, 0)
    for one in owed:
        sums[one.kind if one.kind in sums else "monthly"] += one.amount_vnd
    person = None if row.number is None else {name: getattr(row, name) for name in PERSON}
    return {
        "number": number,
        "payment_id": row.id,
        "person_id": row.person_id,
        "person": person,
        **{f"{kind}_vnd": amount for kind, amount in sums.items()},
        "amount_vnd": row.amount_vnd,
        "reissued_by": row.reissued_by,
    }
