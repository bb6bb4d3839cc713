"""What reading an annex gives: its lines, what is wrong with it, and which units it names."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from uuid import UUID

from shared.kernel.money import Money

PROBLEMS_MAX = 500  # an officer mends a file in rounds; more than this is one message


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: the row and column as the sheet shows them, None where it is the whole file."""

    row: int | None
    column: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class AnnexLine:
    """A row without rows below it; amount_vnd is None where the cell or the unit of measure is wrong."""

    row: int
    label: str
    text: str
    amount_vnd: Money | None
    unit_id: UUID | None
    headings: tuple[str, ...]  # the groups it stands in, outermost first
    note: str


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A line that names no known unit, with the names nearest to what it says."""

    row: int
    text: str
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnnexReport:
    """The whole result of reading one file; only a report without problems may become a decision.

    unit: the unit of measure of the sheet; total_vnd: the sum of the lines, None where one is unknown;
    tied: every stated total equals the sum of what stands under it; matched_units: different units named.
    """

    file: str
    unit: str | None
    lines: tuple[AnnexLine, ...]
    total_vnd: Money | None
    tied: bool
    problems: tuple[Problem, ...]
    matched_units: int
    unmatched: tuple[Unmatched, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing has to be mended."""
        return not self.problems


class Problems:
    """Collects problems, at most PROBLEMS_MAX of them, and says when there were more."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._left_out = 0

    def add(self, code: str, message: str, row: int | None = None, column: int | None = None) -> None:
        """Note one problem; columns are counted from 0 and shown as letters."""
        if len(self._found) >= PROBLEMS_MAX:
            self._left_out += 1
            return
        letters = None if column is None else column_letters(column)
        self._found.append(Problem(row, letters, code, message))

    def sorted(self) -> tuple[Problem, ...]:
        """All problems from top to bottom, those of the whole file first."""
        found = sorted(
            self._found, key=lambda problem: (problem.row or 0, problem.column or "", problem.code)
        )
        if self._left_out:
            message = f"{self._left_out} more problems are not listed; mend these first and check again."
            found.append(Problem(None, None, "problems_not_listed", message))
        return tuple(found)


def column_letters(index: int) -> str:
    """The letters a spreadsheet shows for a column counted from 0: A, B ... Z, AA."""
    letters = ""
    index += 1
    while index > 0:
        index, rest = divmod(index - 1, len(ascii_uppercase))
        letters = ascii_uppercase[rest] + letters
    return letters
