"""Reading one row of a register file: every fault of the row at once, each with its cure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.beneficiaries.rates.model import RateBook
from services.beneficiaries.register.model import (
    ACCOUNT,
    ACCOUNT_INVALID,
    ACCOUNT_NOT_NEEDED,
    BANK_CODE,
    BIRTH_YEAR_MIN,
    IDENTITY,
    NUMBER,
    Benefit,
    parse_benefits,
)
from services.beneficiaries.units.queries import Commune
from shared.kernel.errors import Fault, Rejected
from shared.kernel.names import nfc
from shared.web.texts import is_plain

COLUMNS = (
    "number",
    "full_name",
    "birth_year",
    "identity_number",
    "commune_code",
    "benefits",
    "provider",
    "bank_code",
    "account_number",
)
ROWS_MAX = 300_000
YEAR = re.compile(r"[0-9]{4}", re.ASCII)
EXTRA = "extra"  # what stands in a row beyond the named columns
FIRST_ROW = 2  # the header is row 1, as a spreadsheet counts


@dataclass(frozen=True, slots=True)
class NewPerson:
    """One person as a register file tells of them."""

    number: str
    full_name: str
    birth_year: int
    identity_number: str | None
    commune_id: UUID
    district_id: UUID
    benefits: tuple[Benefit, ...]
    provider: str
    bank_code: str | None
    account_number: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What rows are judged by: the communes of the day, the rates, the providers with their channel."""

    communes: Mapping[str, Commune]
    book: RateBook
    providers: Mapping[str, str]
    on: date


def table(content: bytes, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a CSV file in UTF-8 (with or without BOM), NFC, blank cells as "".

    Shape: what stands beyond the named columns is kept under "extra"; blank rows at the end are left out.
    Raises: Rejected file_not_text, columns_wrong, file_too_long, file_broken.
    """
    try:
        return _rows(_text(content), columns)
    except csv.Error as error:
        raise Rejected(
            "file_broken", f"The file cannot be read as CSV: {error}. Save it anew and send it again."
        ) from error


def _text(content: bytes) -> str:
    try:
        return nfc(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Rejected(
            "file_not_text", "The file is not a CSV in UTF-8; save it as CSV UTF-8 and send it again."
        ) from error


def _rows(text: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = tuple(cell.strip().lower() for cell in next(reader, []))
    if header != columns:
        raise Rejected(
            "columns_wrong",
            f"The first row must name the columns {', '.join(columns)}, in this order.",
            columns=", ".join(columns),
        )
    rows = []
    for number, cells in enumerate(reader, FIRST_ROW):
        if number > ROWS_MAX:
            message = f"A file may have {ROWS_MAX} rows; divide this one."
            raise Rejected("file_too_long", message, count=ROWS_MAX)
        stripped = [cell.strip() for cell in cells]
        padded = stripped[: len(columns)] + [""] * (len(columns) - len(cells))
        extra = "".join(stripped[len(columns) :])
        rows.append(dict(zip(columns, padded, strict=True)) | ({EXTRA: extra} if extra else {}))
    while rows and not any(rows[-1].values()):
        rows.pop()
    return rows


def extra_fault(row: Mapping[str, str], number: int) -> list[Fault]:
    """The fault of a row with more cells than columns: a comma in a cell has moved the others."""
    if EXTRA not in row:
        return []
    message = "The row has more cells than the file has columns; put cells with a comma in quotation marks."
    return [Fault("cells_too_many", message, row=number)]


def read_person(row: Mapping[str, str], number: int, known: Known) -> NewPerson | list[Fault]:
    """The person of one row, or everything that is wrong with it."""
    faults = extra_fault(row, number)
    # The value itself is not repeated: it may be personal, and the fault goes to logs and journal.
    faults.extend(
        Fault(code, message, row=number, column=column)
        for column, valid, code, message in _checks(known)
        if not valid(row[column])
    )
    faults.extend(_account_faults(row, number, known))
    benefits = _benefits(row["benefits"], number, known.book, faults)
    return faults or _person(row, known, benefits)


def _checks(known: Known) -> Iterator[tuple[str, Callable[[str], bool], str, str]]:
    """What each cell must be by itself. Shape: column, test, code, cure."""
    yield (
        "number",
        lambda v: bool(NUMBER.fullmatch(v)),
        "number_invalid",
        "A dossier number has 3 to 40 letters, digits, - or /.",
    )
    yield (
        "full_name",
        lambda v: 1 < len(v) <= 200 and is_plain(v),
        "name_invalid",
        "A full name has 2 to 200 characters and no control characters.",
    )
    yield (
        "birth_year",
        lambda v: bool(YEAR.fullmatch(v)) and BIRTH_YEAR_MIN <= int(v) <= known.on.year,
        "birth_year_invalid",
        f"A year of birth lies between {BIRTH_YEAR_MIN} and this year.",
    )
    yield (
        "identity_number",
        lambda v: not v or bool(IDENTITY.fullmatch(v)),
        "identity_invalid",
        "An identity number has 9 or 12 digits; keep the column as text so that leading zeros stay.",
    )
    yield from _places(known)


def _places(known: Known) -> Iterator[tuple[str, Callable[[str], bool], str, str]]:
    yield (
        "commune_code",
        lambda v: v in known.communes,
        "commune_unknown",
        f"No commune had this code on {known.on}.",
    )
    yield (
        "provider",
        lambda v: v in known.providers,
        "provider_unknown",
        f"Providers are {', '.join(known.providers)}.",
    )


def _account_faults(row: Mapping[str, str], number: int, known: Known) -> Iterator[Fault]:
    by_bank = known.providers.get(row["provider"]) == "bank"
    if by_bank and not (BANK_CODE.fullmatch(row["bank_code"]) and ACCOUNT.fullmatch(row["account_number"])):
        yield Fault("account_invalid", ACCOUNT_INVALID, row=number, column="account_number")
    if not by_bank and (row["bank_code"] or row["account_number"]):
        yield Fault("account_not_needed", ACCOUNT_NOT_NEEDED, row=number, column="account_number")


def _benefits(text: str, number: int, book: RateBook, faults: list[Fault]) -> list[Benefit]:
    try:
        return parse_benefits(text, book)
    except Rejected as error:
        faults.append(Fault(error.code, error.message, row=number, column="benefits"))
        return []


def _person(row: Mapping[str, str], known: Known, benefits: list[Benefit]) -> NewPerson:
    commune = known.communes[row["commune_code"]]
    return NewPerson(
        number=row["number"],
        full_name=row["full_name"],
        birth_year=int(row["birth_year"]),
        identity_number=row["identity_number"] or None,
        commune_id=commune.id,
        district_id=commune.district_id,
        benefits=tuple(benefits),
        provider=row["provider"],
        bank_code=row["bank_code"] or None,
        account_number=row["account_number"] or None,
    )
