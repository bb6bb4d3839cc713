"""Long work on a register file, a chunk at a time: reading it, and entering it once it is approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.beneficiaries.providers.model import channels
from services.beneficiaries.rates.handlers import rate_book
from services.beneficiaries.register import staging, store
from services.beneficiaries.register.handlers import Registrar, end_entering, end_reading, enter_persons
from services.beneficiaries.register.rows import COLUMNS, FIRST_ROW, Known, NewPerson, read_person, table
from services.beneficiaries.units.queries import communes
from shared.db.unit_of_work import Work
from shared.documents.store import DocumentStore
from shared.jobs.runner import Progress
from shared.kernel.errors import Fault

CHUNK_ROWS = 2000
CHUNK_ROWS_ENTERED = 5000

Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class ImportPersonsJob:
    """Reads the stored file; its sound rows wait for approval, unless it is only tried."""

    documents: DocumentStore
    registrar: Registrar
    chunk_rows: int = CHUNK_ROWS
    _files: dict[str, Rows] = field(default_factory=dict)  # the file at hand: parsing it takes a while

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Take the next rows."""
        rows = self._rows(params["document"])
        start = int(checkpoint or 0)
        end = min(start + self.chunk_rows, len(rows))
        dry_run = params["dry_run"]
        registration_id = None if dry_run else UUID(params["registration_id"])
        people, faults = _read(work, rows[start:end], start + FIRST_ROW, registration_id)
        if registration_id is not None:
            self.registrar.stage(work, registration_id, people, end - start - len(people))
        finished = end == len(rows)
        if finished:
            self._files.clear()
        if finished and registration_id is not None:
            end_reading(work, registration_id)
        return Progress(end, end, len(rows), finished, faults, {"dry_run": dry_run})

    def _rows(self, document: str) -> Rows:
        if document not in self._files:
            self._files.clear()
            self._files[document] = table(self.documents.get(document), COLUMNS)
        return self._files[document]


@dataclass(frozen=True, slots=True)
class EnterRegistrationJob:
    """Moves the rows of an approved file into the register; who is there already becomes a work-list."""

    chunk_rows: int = CHUNK_ROWS_ENTERED

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Move the next rows."""
        registration_id = UUID(params["registration_id"])
        before = checkpoint or {"row": 0, "done": 0, "entered": 0}
        total = staging.registration(work.connection, registration_id).accepted_count
        some = enter_persons(work, registration_id, before["row"], self.chunk_rows)
        done, entered = before["done"], before["entered"]
        if some is not None:
            done += len(some.items) + len(some.taken)
            entered += len(some.items)
        finished = some is None or done == total
        if finished:
            end_entering(work, registration_id, entered)
        reached = {"row": some.last if some else before["row"], "done": done, "entered": entered}
        faults = [_duplicate(row) for row in some.taken] if some else []
        return Progress(reached, done, total, finished, faults, {"entered": entered})


def _read(
    work: Work, rows: Sequence[Mapping[str, str]], first: int, registration_id: UUID | None
) -> tuple[dict[int, NewPerson], list[Fault]]:
    """The sound rows of a chunk, by their number, and what is wrong with the others."""
    day = work.act.business_date
    known = Known(communes(work.connection, day), rate_book(work.connection), channels(), day)
    numbers = [row["number"] for row in rows]
    taken = store.known_numbers(work.connection, numbers)
    if registration_id is not None:
        taken |= staging.staged_numbers(work.connection, registration_id, numbers)
    people: dict[int, NewPerson] = {}
    faults: list[Fault] = []
    for number, row in enumerate(rows, first):
        read = read_person(row, number, known)
        if isinstance(read, list):
            faults.extend(read)
        elif read.number in taken:
            faults.append(_duplicate(number))
        else:
            taken.add(read.number)
            people[number] = read
    return people, faults


def _duplicate(row: int) -> Fault:
    return Fault(
        "person_registered",
        "A person with this dossier number is registered already; changes go through a request for change.",
        row=row,
        column="number",
    )
