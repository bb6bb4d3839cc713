"""Matching a statement: stage its rows, match them in one set, then tell the outcomes list by list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, update

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
from services.beneficiaries.reconciliation.handlers import FORMATS, TABLE
from services.beneficiaries.reconciliation.model import Answer
from services.beneficiaries.reconciliation.tables import statements
from shared.db.trees import with_ancestors
from shared.db.unit_of_work import Work
from shared.documents.store import DocumentStore
from shared.jobs.runner import Progress

ITEMS_PER_EVENT = 500
TOLD_PER_STEP = 5000

READERS: Mapping[str, Callable[[bytes], Iterator[Answer]]] = {
    FORMATS[Channel.POST]: post_result.read,
    FORMATS[Channel.BANK]: camt053.read,
    TABLE: csv_result.read,
}


@dataclass(frozen=True, slots=True)
class ReconcileStatementJob:
    """Takes one stored file from received to told."""

    documents: DocumentStore
    told_per_step: int = TOLD_PER_STEP

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Stage and match the whole file first, then tell up to 5,000 outcomes a step."""
        statement_id = UUID(params["statement_id"])
        if checkpoint is None:
            return self._stage_and_match(work, statement_id, params)
        return _tell(work, statement_id, checkpoint, self.told_per_step)

    def _stage_and_match(self, work: Work, statement_id: UUID, params: Mapping[str, Any]) -> Progress:
        answers = READERS[params["format"]](self.documents.get(params["document"]))
        staged = store.stage(work.connection, statement_id, answers)
        matched = store.match(work.connection, statement_id, _foreign(work, statement_id, params["units"]))
        row = store.finish_matching(work.connection, statement_id, matched)
        work.record(
            StatementMatched(str(row.id), row.provider, row.document, staged, matched, staged - matched)
        )
        return Progress({"after": None, "chunk": 0, "told": 0}, 0, matched, finished=False)


def _foreign(work: Work, statement_id: UUID, units: Sequence[str]) -> list[UUID]:
    """The lists named whose unit is none of the given ones and stands below none of them."""
    found = store.lists_named(work.connection, statement_id)
    day = work.act.business_date
    above = {row.unit_id: with_ancestors(work.connection, row.unit_id, day) for row in found}
    return [row.id for row in found if set(units).isdisjoint(map(str, above[row.unit_id]))]


def _tell(work: Work, statement_id: UUID, place: Mapping[str, Any], limit: int) -> Progress:
    after = (UUID(place["after"][0]), UUID(place["after"][1])) if place["after"] else None
    rows = store.outcomes_after(work.connection, statement_id, after, limit)
    told, chunk = int(place["told"]) + len(rows), int(place["chunk"])
    by_list_and_kind = sorted(rows, key=lambda row: (row.list_id, row.kind))
    for _, some in groupby(by_list_and_kind, lambda row: (row.list_id, row.kind)):
        found = list(some)
        for start in range(0, len(found), ITEMS_PER_EVENT):
            work.record(_event(statement_id, chunk, found[start : start + ITEMS_PER_EVENT]))
            chunk += 1
    if len(rows) < limit:
        work.connection.execute(
            update(statements).where(statements.c.id == statement_id).values(state="told")
        )
        return Progress({"chunk": chunk, "told": told}, told, told, finished=True)
    last = [str(rows[-1].list_id), str(rows[-1].payment_id)]
    return Progress({"after": last, "chunk": chunk, "told": told}, told, None, finished=False)


KINDS: Mapping[str, type[ProviderAnswer]] = {
    "settled": PaymentsSettled,
    "returned": PaymentsReturned,
    "returned_late": PaymentsReturnedLate,
}


def _event(statement_id: UUID, chunk: int, some: Sequence[Row[Any]]) -> ProviderAnswer:
    kind = KINDS[some[0].kind]
    line = {"line": LINE, "count": len(some), "amount_vnd": sum(row.amount_vnd for row in some)}
    return kind(str(some[0].list_id), str(statement_id), chunk, (line,), tuple(_item(row) for row in some))


def _item(row: Row[Any]) -> dict[str, Any]:
    item = {
        "payment_id": row.payment_id,
        "person_id": row.person_id,
        "amount_vnd": row.amount_vnd,
        "value_on": row.value_on.isoformat(),
    }
    return item if row.reason_code is None else item | {"reason_code": row.reason_code}
