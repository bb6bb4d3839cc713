"""Matching a statement: stage its rows, match them in one set, then tell the outcomes list by list.

Each list is told by a job of its own, so that as many are told at once as there are processes for jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.beneficiaries.lists.model import LINE
from services.beneficiaries.providers.model import Channel
from services.beneficiaries.reconciliation import camt053, csv_result, post_result, store
from services.beneficiaries.reconciliation.events import (
    PaymentsReturned,
    PaymentsReturnedLate,
    PaymentsSettled,
    ProviderAnswer,
    StatementMatched,
)
from services.beneficiaries.reconciliation.handlers import FORMATS, TABLE, TELL
from services.beneficiaries.reconciliation.model import Answer
from services.beneficiaries.reconciliation.store import ToldOutcome
from shared.db.trees import with_ancestors
from shared.db.unit_of_work import Work
from shared.documents.store import DocumentStore
from shared.jobs.runner import Progress, enqueue
from shared.kernel.ids import id_of

ITEMS_PER_EVENT = 500
TOLD_PER_STEP = 5000

READERS: Mapping[str, Callable[[bytes], Iterator[Answer]]] = {
    FORMATS[Channel.POST]: post_result.read,
    FORMATS[Channel.BANK]: camt053.read,
    TABLE: csv_result.read,
}


@dataclass(frozen=True, slots=True)
class ReconcileStatementJob:
    """Takes one stored file from received to matched, in one step; then it is told list by list."""

    documents: DocumentStore

    def step(
        self,
        work: Work,
        params: Mapping[str, Any],
        checkpoint: Any,  # noqa: ANN401, ARG002 - one step has none
    ) -> Progress:
        """Stage and match the whole file, and have the outcomes of each list told by a job of its own."""
        statement_id = UUID(params["statement_id"])
        answers = READERS[params["format"]](self.documents.get(params["document"]))
        staged = store.stage(work.connection, statement_id, answers)
        matched = store.match(work.connection, statement_id, _foreign(work, statement_id, params["units"]))
        lists = store.lists_answered(work.connection, statement_id)
        row = store.finish_matching(work.connection, statement_id, staged, matched, len(lists))
        work.record(
            StatementMatched(str(row.id), row.provider, row.document, staged, matched, staged - matched)
        )
        for list_id in lists:
            named = {"statement_id": str(statement_id), "list_id": str(list_id)}
            enqueue(work, TELL, named, id_of("job", TELL, statement_id, list_id))
        return Progress(None, staged, staged, finished=True)


@dataclass(frozen=True, slots=True)
class TellOutcomesJob:
    """Tells what one statement said about the payments of one list. Bounds: 5,000 outcomes a step."""

    told_per_step: int = TOLD_PER_STEP

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Tell the next outcomes in order of payment; the statement is told when its last list is."""
        statement_id, list_id = UUID(params["statement_id"]), UUID(params["list_id"])
        place = checkpoint or {"after": str(UUID(int=0)), "chunk": 0, "told": 0}
        rows = store.outcomes_after(
            work.connection, statement_id, list_id, UUID(place["after"]), self.told_per_step
        )
        events = _events(statement_id, list_id, place["chunk"], rows)
        work.record_many(events)
        told, finished = place["told"] + len(rows), len(rows) < self.told_per_step
        if finished:
            store.finish_list(work.connection, statement_id)
        after = rows[-1].payment_id if rows else place["after"]
        place = {"after": after, "chunk": place["chunk"] + len(events), "told": told}
        return Progress(place, told, told if finished else None, finished=finished)


def _foreign(work: Work, statement_id: UUID, units: Sequence[str]) -> list[UUID]:
    """The lists named whose unit is none of the given ones and stands below none of them."""
    found = store.find(work.connection, statement_id)
    day = work.act.business_date
    above = {row.unit_id: with_ancestors(work.connection, row.unit_id, day) for row in found}
    return [row.id for row in found if set(units).isdisjoint(map(str, above[row.unit_id]))]


KINDS: Mapping[str, type[ProviderAnswer]] = {
    "settled": PaymentsSettled,
    "returned": PaymentsReturned,
    "returned_late": PaymentsReturnedLate,
}


def _events(
    statement_id: UUID, list_id: UUID, chunk: int, rows: Sequence[ToldOutcome]
) -> list[ProviderAnswer]:
    events: list[ProviderAnswer] = []
    for kind, event in KINDS.items():
        found = [row for row in rows if row.kind == kind]
        for start in range(0, len(found), ITEMS_PER_EVENT):
            some = found[start : start + ITEMS_PER_EVENT]
            line = {"line": LINE, "count": len(some), "amount_vnd": sum(row.amount_vnd for row in some)}
            items = tuple(map(_item, some))
            events.append(event(str(list_id), str(statement_id), chunk + len(events), (line,), items))
    return events


def _item(row: ToldOutcome) -> dict[str, Any]:
    _, payment_id, person_id, amount_vnd, reason_code, value_on = row
    item = {"amount_vnd": amount_vnd, "payment_id": payment_id, "person_id": person_id, "value_on": value_on}
    return item if reason_code is None else item | {"reason_code": reason_code}
