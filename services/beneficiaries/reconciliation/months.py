"""How a month stands, counted by the database: per unit, provider and state of the lists, and by reason.

What was answered was summed up when its statement was matched: a month costs what it has of lists and
statements, however many payments they hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, literal, text, tuple_

from services.beneficiaries.lists.store import owed_by
from services.beneficiaries.lists.tables import lists, payments
from services.beneficiaries.reconciliation import standing
from shared.db.many import array_of_ids, one_of
from shared.web.pages import Page, decode, page

LISTS = text(
    """
    SELECT id, unit_id, provider, channel, state, payment_count, total_vnd, instructed_on FROM lists
    WHERE period = :period AND unit_id IN (SELECT unnest(CAST(:units AS uuid[])))
    ORDER BY unit_id, provider, state, id
    """
)
REISSUED = text(
    """
    SELECT p.list_id, count(*), CAST(sum(p.amount_vnd) AS bigint)
    FROM payments again JOIN lists l ON l.id = again.list_id AND l.instructed_on IS NOT NULL
    JOIN payments p ON p.id = again.reissue_of
    WHERE again.reissue_of IS NOT NULL AND p.list_id IN (SELECT unnest(CAST(:lists AS uuid[])))
    GROUP BY p.list_id
    """
)
# Which payments a person has: those that pay what was owed, and those that pay such a one again.
OF_PERSON = """
    payments.id IN (
        WITH RECURSIVE chain(id) AS (
            SELECT payment_id FROM obligations WHERE person_id = :person AND payment_id IS NOT NULL
            UNION
            SELECT p.id FROM chain JOIN payments p ON p.reissue_of = chain.id
        )
        SELECT id FROM chain)
"""
RETURNED = """
    payments.id IN (
        SELECT o.payment_id FROM outcomes o JOIN lists l ON l.id = o.list_id
        WHERE o.kind = 'returned' AND l.period = :period
        UNION ALL SELECT r.payment_id FROM late_returns r JOIN lists l ON l.id = r.list_id
        WHERE l.period = :period)
"""

Sums = dict[str, int]


def summary(connection: Connection, units: Sequence[UUID], period: str) -> dict[str, Any]:
    """What a month comes to within some units. Shape: as SummarySchema. Units: đồng."""
    found = connection.execute(LISTS, {"period": period, "units": array_of_ids(units)}).all()
    bound = {"lists": array_of_ids(row.id for row in found)}
    sums: dict[UUID, dict[str, Sums]] = defaultdict(lambda: defaultdict(_none))
    reasons: dict[str, Sums] = defaultdict(_none)
    answered = connection.execute(standing.lists_standing(row.id for row in found))
    for list_id, stands, reason, count, vnd in answered:
        _add(sums[list_id][stands], count, vnd)
        if reason:
            _add(reasons[reason], count, vnd)
    for list_id, count, vnd in connection.execute(REISSUED, bound):
        _add(sums[list_id]["reissued"], count, vnd)
    by_count = sorted(reasons.items(), key=lambda one: (-one[1]["count"], one[0]))
    return {
        "period": period,
        "places": _places(found, sums),
        "reasons": [{"reason_code": reason, **some} for reason, some in by_count],
    }


def returns_of(connection: Connection, units: Sequence[UUID], query: Mapping[str, Any]) -> Page[Row[Any]]:
    """The payments of a month that came back, in order of id. Shape: within some units alone."""
    returned = text(RETURNED).bindparams(period=query["period"])
    wanted = _with_lists().where(returned, one_of(lists.c.unit_id, units))
    wanted = wanted.order_by(payments.c.id).limit(query["limit"] + 1)
    if query["reason_code"]:
        wanted = wanted.where(query["reason_code"] == standing.REASON)
    if query["unit_id"]:
        wanted = wanted.where(lists.c.unit_id == query["unit_id"])
    if query["open"]:
        wanted = wanted.where(standing.reissues.c.id.is_(None))
    after = decode(query["cursor"], UUID)
    if after is not None:
        wanted = wanted.where(payments.c.id > after[0])
    return page(connection.execute(wanted).all(), query["limit"], lambda row: [str(row.id)])


def payments_of_person(
    connection: Connection, units: Sequence[UUID], person_id: UUID, query: Mapping[str, Any]
) -> Page[dict[str, Any]]:
    """A person's payments in lists of some units, those of the newest month first."""
    key = tuple_(lists.c.period, payments.c.id)
    wanted = (
        _with_lists()
        .where(text(OF_PERSON).bindparams(person=person_id), one_of(lists.c.unit_id, units))
        .order_by(lists.c.period.desc(), payments.c.id.desc())
        .limit(query["limit"] + 1)
    )
    after = decode(query["cursor"], date, UUID)
    if after is not None:
        wanted = wanted.where(key < tuple_(literal(f"{after[0]:%Y-%m}"), literal(after[1])))
    found = connection.execute(wanted).mappings().all()
    owed = owed_by(connection, {row["id"]: row["reissue_of"] for row in found})
    shown = [{**row, "obligations": owed[row["id"]]} for row in found]
    return page(shown, query["limit"], lambda row: [f"{row['period']}-01", str(row["id"])])


def _with_lists() -> Select[Any]:
    some = (lists.c.period, lists.c.unit_id, lists.c.provider, lists.c.state)
    joined = standing.payments_standing().join(lists, lists.c.id == payments.c.list_id)
    return joined.add_columns(*some)


def _places(found: Iterable[Row[Any]], sums: Mapping[UUID, Mapping[str, Sums]]) -> list[dict[str, Any]]:
    places: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in found:
        key = (row.unit_id, row.provider, row.state)
        place = places.setdefault(key, _place(row))
        place["list_count"] += 1
        _add(place["payments"], row.payment_count, row.total_vnd)
        of_list = sums.get(row.id, {})
        for name in ("settled", "returned", "reissued"):
            some = of_list.get(name, _none())
            _add(place[name], some["count"], some["vnd"])
        if row.instructed_on is not None:
            answered = [of_list.get(name, _none()) for name in ("settled", "returned")]
            _add(
                place["unanswered"],
                row.payment_count - sum(one["count"] for one in answered),
                row.total_vnd - sum(one["vnd"] for one in answered),
            )
    return list(places.values())


def _place(row: Row[Any]) -> dict[str, Any]:
    names = ("payments", "settled", "returned", "unanswered", "reissued")
    shown = {"unit_id": row.unit_id, "provider": row.provider, "channel": row.channel, "state": row.state}
    return {**shown, "list_count": 0, **{name: _none() for name in names}}


def _none() -> Sums:
    return {"count": 0, "vnd": 0}


def _add(sums: Sums, count: int, vnd: int) -> None:
    sums["count"] += count
    sums["vnd"] += vnd
