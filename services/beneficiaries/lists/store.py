"""Rows of lists and payments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Connection, Row, and_, case, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.beneficiaries.lists.events import ObligationItem
from services.beneficiaries.lists.model import PaymentList, State, reissue_list_id_of
from services.beneficiaries.lists.tables import lists, payments
from services.beneficiaries.obligations.store import of_payments
from shared.db.copy import copy_rows
from shared.db.many import array_of_ids
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.periods import Period

# Obligations stand with the payment that was made first; what pays it again leads back to it.
FIRST_OF = text(
    """
    WITH RECURSIVE back(payment_id, first_id) AS (
        SELECT id, id FROM payments WHERE id IN (SELECT unnest(CAST(:payments AS uuid[])))
        UNION ALL
        SELECT back.payment_id, p.reissue_of FROM back JOIN payments p ON p.id = back.first_id
        WHERE p.reissue_of IS NOT NULL
    )
    SELECT back.payment_id, back.first_id FROM back
    JOIN payments p ON p.id = back.first_id AND p.reissue_of IS NULL
    """
)

# A payment's obligations stand behind one another. Ids come as texts, which are read and written in a third
# of the time that ids take.
INSTRUCTED = text(
    """
    SELECT CAST(p.id AS text), CAST(p.person_id AS text), p.amount_vnd, CAST(p.reissue_of AS text),
           o.kind, o.due_period, CAST(o.entitlement_id AS text), CAST(o.rate_id AS text), o.decree, o.due_vnd,
           o.paid_vnd, o.amount_vnd
    FROM (
        SELECT id, person_id, amount_vnd, reissue_of FROM payments
        WHERE list_id = :list AND id > :after ORDER BY id LIMIT :limit
    ) AS p LEFT JOIN obligations o ON o.payment_id = p.id
    ORDER BY p.id, o.due_period, o.id
    """
)


CONTENT = text(
    """
    SELECT concat_ws('|', id, person_id, amount_vnd) FROM payments WHERE list_id = :list ORDER BY id
    """
)

OTHER_CONTENT = {"content_version": lists.c.content_version + 1}  # an earlier paper of the list is void
OWED = tuple(ObligationItem.__annotations__)  # in the order in which the statement gives them


class Instructed(NamedTuple):
    """A payment and how its amount came about, the oldest month first. Shape: ids as texts."""

    payment_id: str
    person_id: str
    amount_vnd: int
    reissue_of: str | None
    owed: Sequence[ObligationItem]


def load(connection: Connection, list_id: UUID) -> PaymentList:
    """A list, locked until the transaction ends. Raises: NotFound list_unknown."""
    row = connection.execute(select(lists).where(lists.c.id == list_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("list_unknown", f"There is no payment list {list_id}.")
    return to_list(row)


def to_list(row: Row[Any]) -> PaymentList:
    """The list of a row."""
    return PaymentList(
        row.id,
        Period.parse(row.period),
        row.unit_id,
        row.provider,
        row.channel,
        State(row.state),
        row.submission,
        row.payment_count,
        row.total_vnd,
        row.content_sha256,
        row.prepared_by,
        row.version,
    )


def save(connection: Connection, before: PaymentList, state: State, **changed: Any) -> None:  # noqa: ANN401
    """Store the new state and what changed with it. Raises: Conflict list_changed after a lost race."""
    saved = connection.execute(
        update(lists)
        .where(lists.c.id == before.id, lists.c.version == before.version)
        .values(state=state.value, version=before.version + 1, **changed)
    )
    if saved.rowcount != 1:
        raise Conflict("list_changed", "Somebody else changed this list just now; read it again.")


def change_content(connection: Connection, list_id: UUID) -> None:
    """Make every earlier paper of a list void, though the list itself stays where it stands."""
    connection.execute(update(lists).where(lists.c.id == list_id).values(OTHER_CONTENT))


def open_lists(connection: Connection, keys: Mapping[UUID, tuple[Period, UUID, str, str]]) -> None:
    """Lists exist under these ids. Shape: month, district, provider, channel by id."""
    if not keys:
        return
    rows = [
        {
            "id": list_id,
            "period": str(period),
            "unit_id": unit_id,
            "provider": provider,
            "channel": channel,
            "reissue": 0,
            "state": State.COMPUTED.value,
            "submission": 0,
            "payment_count": 0,
            "total_vnd": 0,
            "version": 1,
        }
        for list_id, (period, unit_id, provider, channel) in sorted(keys.items())
    ]
    connection.execute(upsert(lists).on_conflict_do_nothing(index_elements=["id"]), rows)


def add_payments(connection: Connection, rows: Iterable[tuple[UUID, UUID, UUID, int]]) -> int:
    """The number of payments stored. Shape: payment, list, person, amount in đồng."""
    return copy_rows(connection, payments, ("id", "list_id", "person_id", "amount_vnd"), rows)


def total_up(connection: Connection, period: Period) -> tuple[int, int, int]:
    """Write counts and sums of a month's payments to its lists; the numbers of lists, payments and đồng."""
    sums = (
        select(
            payments.c.list_id,
            func.count().label("payment_count"),
            func.sum(payments.c.amount_vnd).label("total_vnd"),
        )
        .join(lists, lists.c.id == payments.c.list_id)
        .where(lists.c.period == str(period), lists.c.reissue == 0)
        .group_by(payments.c.list_id)
        .subquery()
    )
    had = tuple_(lists.c.payment_count, lists.c.total_vnd)
    other = and_(lists.c.payment_count > 0, had != tuple_(sums.c.payment_count, sums.c.total_vnd))
    rows = connection.execute(
        update(lists)
        .where(lists.c.id == sums.c.list_id)
        .values(
            payment_count=sums.c.payment_count,
            total_vnd=sums.c.total_vnd,
            content_version=lists.c.content_version + case((other, 1), else_=0),
        )
        .returning(lists.c.payment_count, lists.c.total_vnd)
    ).all()
    return len(rows), sum(row.payment_count for row in rows), sum(int(row.total_vnd) for row in rows)


def content(connection: Connection, list_id: UUID) -> Sequence[str]:
    """What a list pays, a text for each payment, in order of id: `payment|person|amount`.

    The database writes it: a month has a million of them, and each id takes longer to read than its text.
    """
    return connection.scalars(CONTENT, {"list": list_id}).all()


def instructed_after(connection: Connection, list_id: UUID, after: UUID, limit: int) -> list[Instructed]:
    """The next payments of a list in order of id, each with the obligations that it pays."""
    bound = {"list": list_id, "after": after, "limit": limit}
    rows = connection.execute(INSTRUCTED, bound).all()
    found = [_instructed(list(some)) for _, some in groupby(rows, itemgetter(0))]
    again = {UUID(one.payment_id): UUID(one.reissue_of) for one in found if one.reissue_of is not None}
    if not again:
        return found
    first = {
        str(payment_id): [_owed_first(one) for one in some]
        for payment_id, some in owed_by(connection, again).items()
    }
    return [one if one.reissue_of is None else one._replace(owed=first[one.payment_id]) for one in found]


def owed_by(connection: Connection, reissue_of: Mapping[UUID, UUID | None]) -> dict[UUID, list[Row[Any]]]:
    """The obligations that each payment pays; a reissue pays those of the payment that came back first.

    Shape: `reissue_of` has for each payment the one that it pays again, if any; the answer is by payment.
    """
    again = [payment_id for payment_id, before in reissue_of.items() if before is not None]
    first = {payment_id: payment_id for payment_id in reissue_of}
    if again:
        found = connection.execute(FIRST_OF, {"payments": array_of_ids(again)})
        first.update((row.payment_id, row.first_id) for row in found)
    owed = of_payments(connection, list(dict.fromkeys(first.values())))
    return {payment_id: owed.get(first_id, []) for payment_id, first_id in first.items()}


def _instructed(rows: Sequence[Sequence[Any]]) -> Instructed:
    """A payment of its rows: one for each obligation, or a single one without any."""
    payment_id, person_id, amount_vnd, reissue_of, kind, *_ = rows[0]
    owed = [] if kind is None else [_owed(row[4:]) for row in rows]
    return Instructed(payment_id, person_id, amount_vnd, reissue_of, owed)


def _owed(values: Sequence[Any]) -> ObligationItem:
    return cast("ObligationItem", dict(zip(OWED, values, strict=True)))


def _owed_first(row: Row[Any]) -> ObligationItem:
    return ObligationItem(
        kind=row.kind,
        due_period=row.due_period,
        entitlement_id=str(row.entitlement_id),
        rate_id=None if row.rate_id is None else str(row.rate_id),
        decree=row.decree,
        due_vnd=row.due_vnd,
        paid_vnd=row.paid_vnd,
        amount_vnd=row.amount_vnd,
    )


def open_reissue(
    connection: Connection, source: PaymentList, period: Period, provider: str, channel: str
) -> UUID:
    """The id of a new, empty list that pays again in a month, for the same unit.

    Lists of one month, unit and provider are numbered one after the other, whoever asks at the same time.
    """
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"reissue|{period}|{source.unit_id}|{provider}"},
    )
    last = connection.scalar(
        select(func.coalesce(func.max(lists.c.reissue), 0)).where(
            lists.c.period == str(period), lists.c.unit_id == source.unit_id, lists.c.provider == provider
        )
    )
    number = int(last or 0) + 1
    list_id = reissue_list_id_of(period, source.unit_id, provider, number)
    connection.execute(
        insert(lists).values(
            id=list_id,
            period=str(period),
            unit_id=source.unit_id,
            provider=provider,
            channel=channel,
            reissue=number,
            state=State.COMPUTED.value,
            submission=0,
            payment_count=0,
            total_vnd=0,
            version=1,
        )
    )
    return list_id


def add_reissues(connection: Connection, list_id: UUID, rows: Sequence[tuple[UUID, UUID, UUID, int]]) -> None:
    """Store payments of a reissue list with its sums. Shape: payment, person, payment it reissues, đồng."""
    columns = ("id", "person_id", "reissue_of", "amount_vnd")
    connection.execute(
        insert(payments), [dict(zip(columns, row, strict=True)) | {"list_id": list_id} for row in rows]
    )
    connection.execute(
        update(lists)
        .where(lists.c.id == list_id)
        .values(payment_count=len(rows), total_vnd=sum(row[3] for row in rows))
    )
