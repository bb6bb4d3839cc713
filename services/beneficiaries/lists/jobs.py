"""Instructing a drawn list: payments are told in chunks, many chunks a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.beneficiaries.lists import model, store
from services.beneficiaries.lists.events import PaymentsInstructed
from services.beneficiaries.lists.model import LINE, State
from shared.db.unit_of_work import Work
from shared.jobs.runner import Progress

CHUNK_PAYMENTS = 200  # with their obligations about 150 KiB an event
STEP_PAYMENTS = 4_000


@dataclass(frozen=True, slots=True)
class InstructListJob:
    """Tells of every payment of a list, with how its amount came about. Bounds: whole chunks a step."""

    step_payments: int = STEP_PAYMENTS

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Instruct the next 4,000 payments, 200 an event."""
        found = store.load(work.connection, UUID(params["list_id"]))
        place = checkpoint or {"after": None, "chunk": 0, "done": 0}
        after = UUID(place["after"]) if place["after"] else None
        rows = store.payments_after(work.connection, found.id, after, self.step_payments)
        if not rows:
            model.ensure_may_become(found, State.INSTRUCTED)
            store.save(work.connection, found, State.INSTRUCTED, instructed_on=work.act.business_date)
            return Progress(place, place["done"], found.payment_count, finished=True)
        owed = store.owed_by(work.connection, {row.id: row.reissue_of for row in rows})
        items = [_item(row, owed[row.id]) for row in rows]
        chunks = [items[start : start + CHUNK_PAYMENTS] for start in range(0, len(items), CHUNK_PAYMENTS)]
        work.record_many(
            [
                PaymentsInstructed(str(found.id), str(found.unit_id), found.submission, number, tuple(some))
                for number, some in enumerate(chunks, place["chunk"])
            ]
        )
        done = place["done"] + len(rows)
        place = {"after": str(rows[-1].id), "chunk": place["chunk"] + len(chunks), "done": done}
        return Progress(place, done, found.payment_count, finished=False)


def _item(payment: Row[Any], owed: list[Row[Any]]) -> dict[str, Any]:
    item = {
        "payment_id": payment.id,
        "list_id": payment.list_id,
        "person_id": payment.person_id,
        "line": LINE,
        "amount_vnd": payment.amount_vnd,
        "obligations": [
            {
                "kind": one.kind,
                "due_period": one.due_period,
                "entitlement_id": one.entitlement_id,
                "rate_id": one.rate_id,
                "decree": one.decree,
                "due_vnd": one.due_vnd,
                "paid_vnd": one.paid_vnd,
                "amount_vnd": one.amount_vnd,
            }
            for one in owed
        ],
    }
    return item if payment.reissue_of is None else item | {"reissue_of": payment.reissue_of}
