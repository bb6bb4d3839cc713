"""Taking in a register file, a chunk at a time: accepted rows enter, the others become a work-list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.beneficiaries.providers.model import channels
from services.beneficiaries.rates.handlers import rate_book
from services.beneficiaries.register import store
from services.beneficiaries.register.handlers import Registrar
from services.beneficiaries.register.rows import COLUMNS, FIRST_ROW, Known, NewPerson, read_person, table
from services.beneficiaries.units.queries import communes
from shared.db.unit_of_work import Work
from shared.documents.store import DocumentStore
from shared.jobs.runner import Progress
from shared.kernel.errors import Fault

KIND = "import_persons"
CHUNK_ROWS = 2000


@dataclass(frozen=True, slots=True)
class ImportPersonsJob:
    """Reads the stored file and registers its rows."""

    documents: DocumentStore
    registrar: Registrar

    def step(self, work: Work, params: Mapping[str, Any], checkpoint: Any) -> Progress:  # noqa: ANN401
        """Take the next 2,000 rows."""
        rows = table(self.documents.get(params["document"]), COLUMNS)
        start = int(checkpoint or 0)
        end = min(start + CHUNK_ROWS, len(rows))
        people, faults = self._read(work, rows[start:end], start + FIRST_ROW)
        if people and not params["dry_run"]:
            self.registrar.register(work, people)
        return Progress(end, end, len(rows), end == len(rows), faults, {"dry_run": params["dry_run"]})

    def _read(
        self, work: Work, rows: Sequence[Mapping[str, str]], first: int
    ) -> tuple[list[NewPerson], list[Fault]]:
        day = work.act.business_date
        known = Known(communes(work.connection, day), rate_book(work.connection), channels(), day)
        taken = store.known_numbers(work.connection, [row["number"] for row in rows])
        people: list[NewPerson] = []
        faults: list[Fault] = []
        for number, row in enumerate(rows, first):
            read = read_person(row, number, known)
            if isinstance(read, list):
                faults.extend(read)
            elif read.number in taken:
                faults.append(_duplicate(number))
            else:
                taken.add(read.number)
                people.append(read)
        return people, faults


def _duplicate(row: int) -> Fault:
    return Fault(
        "person_registered",
        "A person with this dossier number is registered already; changes go through a request for change.",
        row=row,
        column="number",
    )
