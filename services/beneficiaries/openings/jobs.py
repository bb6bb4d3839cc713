"""Reading the rows of an opening, a chunk at a time; a file with a fault is refused whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import update

from services.beneficiaries.obligations import store as obligations
from services.beneficiaries.obligations.model import Kind, Obligation
from services.beneficiaries.openings.events import OpeningTakenOver
from services.beneficiaries.openings.tables import openings
from services.beneficiaries.register.rows import FIRST_ROW, extra_fault, table
from services.beneficiaries.register.store import entitlement_id_of, known_numbers, person_id_of
from shared.db.unit_of_work import Work
from shared.documents.store import DocumentStore
from shared.jobs.runner import Progress
from shared.kernel.errors import Fault, Rejected
from shared.kernel.ids import id_of
from shared.kernel.money import MAX_VND
from shared.kernel.periods import Period

KIND = "import_opening"
COLUMNS = ("person_number", "code", "amount_vnd")
CHUNK_ROWS = 4000
ITEMS_PER_EVENT = 500
FAULTS_MAX = 500
CODE = re.compile(r"[A-Z0-9_]{1,20}", re.ASCII)
AMOUNT = re.compile(r"[0-9]{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImportOpeningJob:
    """Takes the stored file over as what was paid for one month."""

    documents: DocumentStore

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Check the whole file first, then take 4,000 rows at a time."""
        rows = table(self.documents.get(params["document"]), COLUMNS)
        if checkpoint is None:
            _ensure_sound(work, rows)
            return Progress(0, 0, len(rows), finished=False)
        start, end = int(checkpoint), min(int(checkpoint) + CHUNK_ROWS, len(rows))
        _take(work, UUID(params["opening_id"]), Period.parse(params["period"]), rows[start:end], start)
        finished = end == len(rows)
        if finished:
            _imported(work, UUID(params["opening_id"]))
        return Progress(end, end, len(rows), finished)


def _ensure_sound(work: Work, rows: Sequence[Mapping[str, str]]) -> None:
    known = known_numbers(work.connection, list({row["person_number"] for row in rows}))
    seen: set[tuple[str, str]] = set()
    faults = []
    for number, row in enumerate(rows, FIRST_ROW):
        key = (row["person_number"], row["code"])
        if extra := extra_fault(row, number):
            faults.extend(extra)
        elif row["person_number"] not in known:
            faults.append(Fault("person_unknown", "No person is registered under this number.", row=number))
        elif key in seen:
            faults.append(
                Fault("line_repeated", "This person and category stand in the file twice.", row=number)
            )
        elif not CODE.fullmatch(row["code"]):
            faults.append(Fault("code_invalid", "A category has 1 to 20 letters, digits or _.", row=number))
        elif not AMOUNT.fullmatch(row["amount_vnd"]) or not 0 < int(row["amount_vnd"]) <= MAX_VND:
            faults.append(Fault("amount_invalid", "An amount is a whole number of đồng above 0.", row=number))
        seen.add(key)
    if faults:
        raise Rejected(
            "opening_faulty", f"{len(faults)} rows are wrong; nothing was taken over.", faults[:FAULTS_MAX]
        )


def _take(
    work: Work, opening_id: UUID, period: Period, rows: Sequence[Mapping[str, str]], start: int
) -> None:
    some = [_obligation(row, period) for row in rows]
    obligations.add(work.connection, some, {}, opening_id)
    work.connection.execute(
        update(openings)
        .where(openings.c.id == opening_id)
        .values(
            row_count=openings.c.row_count + len(some),
            total_vnd=openings.c.total_vnd + sum(one.amount_vnd for one in some),
        )
    )
    work.record_many(
        [
            OpeningTakenOver(
                str(opening_id),
                str(period),
                (start + first) // ITEMS_PER_EVENT,
                tuple(_item(one) for one in some[first : first + ITEMS_PER_EVENT]),
            )
            for first in range(0, len(some), ITEMS_PER_EVENT)
        ]
    )


def _imported(work: Work, opening_id: UUID) -> None:
    work.connection.execute(update(openings).where(openings.c.id == opening_id).values(state="imported"))


def _obligation(row: Mapping[str, str], period: Period) -> Obligation:
    person_id = person_id_of(row["person_number"])
    entitlement_id = entitlement_id_of(person_id, row["code"])
    amount = int(row["amount_vnd"])
    return Obligation(
        id=id_of("obligation", entitlement_id, period, period),
        person_id=person_id,
        entitlement_id=entitlement_id,
        kind=Kind.OPENING,
        due_period=period,
        in_period=period,
        rate_id=None,
        decree=None,
        due_vnd=amount,
        paid_vnd=0,
        amount_vnd=amount,
    )


def _item(one: Obligation) -> dict[str, Any]:
    return {
        "person_id": str(one.person_id),
        "entitlement_id": str(one.entitlement_id),
        "amount_vnd": one.amount_vnd,
    }
