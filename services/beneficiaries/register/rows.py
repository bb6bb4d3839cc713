"""Reading one row of a register file: every fault of the row at once, each with its cure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.beneficiaries.rates.model import RateBook
from services.beneficiaries.register.model import (
    ACCOUNT,
    BIRTH_YEAR_MIN,
    IDENTITY,
    NUMBER,
    Benefit,
    parse_benefits,
)
from services.beneficiaries.units.queries import Commune
from shared.kernel.errors import Fault, Rejected
from shared.kernel.names import nfc

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

    Raises: Rejected file_not_text, columns_wrong, file_too_long.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Rejected(
            "file_not_text", "The file is not a CSV in UTF-8; save it as CSV UTF-8 and send it again."
        ) from error
    reader = csv.reader(io.StringIO(nfc(text), newline=""))
    header = tuple(cell.strip().lower() for cell in next(reader, []))
    if header != columns:
        raise Rejected(
            "columns_wrong", f"The first row must name the columns {', '.join(columns)}, in this order."
        )
    rows = []
    for number, cells in enumerate(reader, FIRST_ROW):
        if number > ROWS_MAX:
            raise Rejected("file_too_long", f"A file may have {ROWS_MAX} rows; divide this one.")
        padded = [cell.strip() for cell in cells[: len(columns)]] + [""] * (len(columns) - len(cells))
        rows.append(dict(zip(columns, padded, strict=True)))
    return rows


def read_person(row: Mapping[str, str], number: int, known: Known) -> NewPerson | list[Fault]:
    """The person of one row, or everything that is wrong with it."""
    faults: list[Fault] = []

    def check(column: str, valid: Callable[[str], bool], code: str, message: str) -> str:
        value = row[column]
        if not valid(value):
            # The value itself is not repeated: it may be personal, and the fault goes to logs and journal.
            faults.append(Fault(code, message, row=number, column=column))
        return value

    check(
        "number",
        lambda v: bool(NUMBER.fullmatch(v)),
        "number_invalid",
        "A dossier number has 3 to 40 letters, digits, - or /.",
    )
    check("full_name", lambda v: 1 < len(v) <= 200, "name_invalid", "A full name has 2 to 200 characters.")
    check(
        "birth_year",
        lambda v: v.isdecimal() and BIRTH_YEAR_MIN <= int(v) <= known.on.year,
        "birth_year_invalid",
        f"A year of birth lies between {BIRTH_YEAR_MIN} and this year.",
    )
    check(
        "identity_number",
        lambda v: not v or bool(IDENTITY.fullmatch(v)),
        "identity_invalid",
        "An identity number has 9 or 12 digits; keep the column as text so that leading zeros stay.",
    )
    check(
        "commune_code",
        lambda v: v in known.communes,
        "commune_unknown",
        f"No commune had this code on {known.on}.",
    )
    check(
        "provider",
        lambda v: v in known.providers,
        "provider_unknown",
        f"Providers are {', '.join(known.providers)}.",
    )
    faults.extend(_account_faults(row, number, known))
    benefits = _benefits(row["benefits"], number, known.book, faults)
    return faults or _person(row, known, benefits)


def _account_faults(row: Mapping[str, str], number: int, known: Known) -> Iterator[Fault]:
    by_bank = known.providers.get(row["provider"]) == "bank"
    if by_bank and not (row["bank_code"] and ACCOUNT.fullmatch(row["account_number"])):
        yield Fault(
            "account_invalid",
            "Payment by bank needs a bank code and an account of 6 to 19 digits.",
            row=number,
            column="account_number",
        )
    if not by_bank and (row["bank_code"] or row["account_number"]):
        yield Fault(
            "account_not_needed",
            "Payment in cash has no account; leave both columns empty.",
            row=number,
            column="account_number",
        )


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
