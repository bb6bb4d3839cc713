"""Receiving a provider's answer, and closing a list once every payment has its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from services.beneficiaries.lists import model as list_model
from services.beneficiaries.lists import store as lists
from services.beneficiaries.lists.events import ListClosed
from services.beneficiaries.lists.model import LINE, PaymentList, State
from services.beneficiaries.providers.model import PROVIDERS, Channel
from services.beneficiaries.reconciliation import store
from services.beneficiaries.reconciliation.events import StatementRowExplained
from services.beneficiaries.reconciliation.model import RECONCILE, Outcome, job_id_of
from services.beneficiaries.reconciliation.tables import statements
from shared.db.unit_of_work import Work
from shared.jobs.runner import enqueue
from shared.kernel import canonical
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.ids import id_of

KIND = RECONCILE
TELL = "tell_outcomes"
TABLE = "csv"  # what either provider may send instead, of any length
FILE_BYTES_MAX = 160 * 1024 * 1024  # two million lines of it
FORMATS = {Channel.POST: "post_result", Channel.BANK: "camt.053.001.08"}


@dataclass(frozen=True, slots=True)
class Received:
    """A provider's answer as it came: whose it is, the stored file, and whether that is a plain table."""

    provider: str
    document: str
    is_table: bool = False


def receive_statement(work: Work, answer: Received, units: Sequence[str]) -> tuple[UUID, UUID]:
    """The ids of the statement and of the job that matches it, for lists of the uploader's units only.

    Raises: Rejected provider_unknown; Conflict statement_repeated where this file was received before.
    """
    known = PROVIDERS.get(answer.provider)
    if known is None:
        known_codes = ", ".join(PROVIDERS)
        raise Rejected("provider_unknown", f"Providers are {known_codes}.", providers=known_codes)
    statement_id = id_of("statement", answer.provider, answer.document)
    format_ = TABLE if answer.is_table else FORMATS[known.channel]
    work.connection.execute(
        insert(statements).values(
            id=statement_id,
            provider=answer.provider,
            format=format_,
            document=answer.document,
            state="received",
            row_count=0,
            matched_count=0,
            unmatched_count=0,
            received_on=work.act.business_date,
            received_by=work.act.actor,
        )
    )
    params = {
        "statement_id": str(statement_id),
        "document": answer.document,
        "format": format_,
        "units": list(units),
    }
    return statement_id, enqueue(work, KIND, params, job_id_of(statement_id))


def refuse_repeated_statement() -> Conflict:
    """The refusal that belongs to a file received twice."""
    return Conflict(
        "statement_repeated", "This very file was received before; nothing was booked a second time."
    )


def explain_row(work: Work, statement_id: UUID, row: int, explanation: str) -> None:
    """The row waits for nobody any more; nothing is booked by it.

    Raises: NotFound statement_row_unknown; Conflict row_matched, row_explained.
    """
    found = store.row_of(work.connection, statement_id, row)
    if found.code is None:
        raise Conflict("row_matched", f"Row {row} matched a payment; there is nothing to explain.")
    if found.explanation is not None:
        raise Conflict(
            "row_explained",
            f"Row {row} was explained on {found.explained_on} already; that stands.",
            row=row,
            explained_on=found.explained_on,
        )
    store.explain(work.connection, found, explanation, work.act.actor, work.act.business_date)
    digest = canonical.digest(explanation.encode())
    work.record(StatementRowExplained(str(statement_id), row, found.code, digest))


def close_list(work: Work, list_id: UUID) -> PaymentList:
    """The list, closing: it is closed once the ledger agrees with its sums.

    A payment without an answer stays unknown; its money stays where it is, with the provider.
    Raises: NotFound list_unknown; Conflict list_state, answer_untold.
    """
    found = lists.load(work.connection, list_id)
    list_model.ensure_may_become(found, State.CLOSING)
    _ensure_told(store.untold(work.connection, list_id))
    lists.save(work.connection, found, State.CLOSING, refusal=None)
    sums = store.sums_of(work.connection, list_id)
    work.record(_closed(found, sums))
    return lists.load(work.connection, list_id)


def _ensure_told(untold: Sequence[UUID]) -> None:
    """Nothing, where the ledger gets every answer before the sums that must agree with it."""
    if untold:
        raise Conflict(
            "answer_untold",
            f"What statement {untold[0]} says about this list is still on its way to the ledger, which could "
            "not agree yet. Close the list once the statement is told.",
        )


def _closed(found: PaymentList, sums: dict[Outcome, tuple[int, int]]) -> ListClosed:
    settled_count, settled_vnd = sums[Outcome.SETTLED]
    returned_count, returned_vnd = sums[Outcome.RETURNED]
    line: dict[str, Any] = {
        "line": LINE,
        "instructed_vnd": found.total_vnd,
        "settled_vnd": settled_vnd,
        "returned_vnd": returned_vnd,
        "unknown_vnd": found.total_vnd - settled_vnd - returned_vnd,
    }
    unknown = found.payment_count - settled_count - returned_count
    return ListClosed(str(found.id), str(found.unit_id), unknown, (line,))
