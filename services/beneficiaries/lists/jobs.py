"""Instructing a drawn list: payments are told in chunks, many chunks a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.beneficiaries.lists import model, store
from services.beneficiaries.lists.events import PaymentsInstructed
from services.beneficiaries.lists.model import LINE, State
from services.beneficiaries.lists.store import Instructed
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
        place = checkpoint or {"after": str(UUID(int=0)), "chunk": 0, "done": 0}
        rows = store.instructed_after(work.connection, found.id, UUID(place["after"]), self.step_payments)
        if not rows:
            model.ensure_may_become(found, State.INSTRUCTED)
            store.save(work.connection, found, State.INSTRUCTED, instructed_on=work.act.business_date)
            return Progress(place, place["done"], found.payment_count, finished=True)
        items = [_item(str(found.id), row) for row in rows]
        chunks = [items[start : start + CHUNK_PAYMENTS] for start in range(0, len(items), CHUNK_PAYMENTS)]
        work.record_many(
            [
                PaymentsInstructed(str(found.id), str(found.unit_id), found.submission, number, tuple(some))
                for number, some in enumerate(chunks, place["chunk"])
            ]
        )
        done = place["done"] + len(rows)
        place = {"after": rows[-1].payment_id, "chunk": place["chunk"] + len(chunks), "done": done}
        return Progress(place, done, found.payment_count, finished=False)


def _item(list_id: str, payment: Instructed) -> dict[str, Any]:
    item = {
        "amount_vnd": payment.amount_vnd,
        "line": LINE,
        "list_id": list_id,
        "obligations": payment.owed,
        "payment_id": payment.payment_id,
        "person_id": payment.person_id,
    }
    return item if payment.reissue_of is None else item | {"reissue_of": payment.reissue_of}
