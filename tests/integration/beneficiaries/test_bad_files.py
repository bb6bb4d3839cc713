"""Files that people and providers send: every fault is told with its row, and sound rows count."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import xlsxwriter

from services.beneficiaries.channels import post_list
from services.beneficiaries.register.rows import COLUMNS
from shared.kernel.ids import new_id
from shared.sheets.files import read_sheets
from tests.integration.beneficiaries.office import bank_answer, by_bank, csv_of, person, post_answer

if TYPE_CHECKING:
    from tests.integration.beneficiaries.office import Office

POST, BANK = "POST-QNA", "BANK-QNA"
SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def take_in(office: Office, content: bytes) -> dict[str, Any]:
    """The job that read a register file; what was sound in it has entered."""
    return office.take_in(office.officer.good(office.officer.send("/v1/persons/imports", content)))


# A cell that is wrong, and how it is called.
CELLS: dict[str, tuple[str, str, str]] = {
    "number too short": ("number", "Q", "number_invalid"),
    "number in small letters": ("number", "qn-2", "number_invalid"),
    "number with a space": ("number", "QN 2", "number_invalid"),
    "endless number": ("number", "Q" * 41, "number_invalid"),
    "no name": ("full_name", "", "name_invalid"),
    "endless name": ("full_name", "x" * 201, "name_invalid"),
    "name with a control character": ("full_name", "Nguyễn\x00Hoà", "name_invalid"),
    "name with a bell": ("full_name", "Nguyễn\x07Hoà", "name_invalid"),
    "year of two digits": ("birth_year", "48", "birth_year_invalid"),
    "year to come": ("birth_year", "2025", "birth_year_invalid"),
    "year before all": ("birth_year", "1899", "birth_year_invalid"),
    "year in other digits": ("birth_year", "١٩٤٨", "birth_year_invalid"),
    "endless year": ("birth_year", "1" * 5000, "birth_year_invalid"),
    "identity of ten digits": ("identity_number", "0491480001", "identity_invalid"),
    "identity with letters": ("identity_number", "04914800012A", "identity_invalid"),
    "nowhere": ("commune_code", "", "commune_unknown"),
    "a district": ("commune_code", "517", "commune_unknown"),
    "no benefit": ("benefits", "", "benefit_malformed"),
    "benefit without month": ("benefits", "TB:45", "benefit_malformed"),
    "benefit in month 13": ("benefits", "TB:45:2015-13", "period_invalid"),
    "percent of 5000 digits": ("benefits", f"TB:{'4' * 5000}:2015-03", "benefit_malformed"),
    "percent in other digits": ("benefits", "TB:٤٥:2015-03", "benefit_malformed"),
    "percent below zero": ("benefits", "TB:-45:2015-03", "benefit_malformed"),
    "no such percent": ("benefits", "TB:20:2015-03", "rate_missing"),
    "no such category": ("benefits", "VIP::2015-03", "rate_missing"),
    "category twice": ("benefits", "TB:45:2015-03;TB:61:2016-03", "benefit_repeated"),
    "no provider": ("provider", "MOMO", "provider_unknown"),
    "account in cash": ("account_number", "123456", "account_not_needed"),
}


@pytest.mark.parametrize("name", sorted(CELLS))
def test_one_wrong_cell_leaves_one_row_out(office: Office, name: str) -> None:
    column, value, code = CELLS[name]
    job = take_in(office, csv_of(COLUMNS, [person("QN-1"), person("QN-2") | {column: value}, person("QN-3")]))
    assert job["state"] == "done"
    found = [(fault["row"], fault["code"]) for fault in job["faults"]]
    assert found == [(3, code)] or set(found) == {(3, code), (3, "account_not_needed")}
    assert office.one("SELECT count(*) FROM persons") == 2
    assert all(fault["value"] is None for fault in job["faults"]), "a cell may be personal"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bank_code": ""}, "account_invalid"),
        ({"bank_code": "ngân hàng"}, "account_invalid"),
        ({"bank_code": "V" * 12}, "account_invalid"),
        ({"account_number": "12345"}, "account_invalid"),
        ({"account_number": "1" * 20}, "account_invalid"),
        ({"account_number": "4201 2051"}, "account_invalid"),
    ],
    ids=["no bank", "name of a bank", "endless bank", "short", "long", "spaced"],
)
def test_a_bank_account_that_is_none_leaves_the_row_out(
    office: Office, changes: dict[str, str], code: str
) -> None:
    job = take_in(office, csv_of(COLUMNS, [by_bank("QN-1", **changes)]))
    assert [(fault["row"], fault["code"]) for fault in job["faults"]] == [(2, code)]


def test_every_fault_of_a_row_is_told_at_once(office: Office) -> None:
    row = person("q", full_name="", birth_year="x", commune_code="", benefits="", provider="", bank_code="V")
    job = take_in(office, csv_of(COLUMNS, [row]))
    assert {fault["column"] for fault in job["faults"]} == {
        "number",
        "full_name",
        "birth_year",
        "commune_code",
        "benefits",
        "provider",
        "account_number",
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "columns_wrong"),
        (b"\n\n", "columns_wrong"),
        (",".join(COLUMNS[:-1]).encode(), "columns_wrong"),
        (",".join(reversed(COLUMNS)).encode(), "columns_wrong"),
        (";".join(COLUMNS).encode(), "columns_wrong"),
        ("Nguyễn".encode("utf-16"), "file_not_text"),
        ("Nguyễn".encode("cp1258", "ignore") + b"\x81\x8d", "file_not_text"),
        (b"PK\x03\x04\xff\xfe", "file_not_text"),
        (f'{",".join(COLUMNS)}\n"{"x" * 200_000}'.encode(), "file_broken"),
    ],
    ids=["empty", "blank", "short", "order", "semicolons", "utf-16", "cp1258", "workbook", "endless cell"],
)
def test_a_register_that_is_none_is_refused_whole(office: Office, content: bytes, code: str) -> None:
    job = take_in(office, content)
    assert job["state"] == "failed"
    assert job["failure"].startswith(f"{code}: ")
    assert office.one("SELECT count(*) FROM persons") == 0


def test_a_comma_in_a_name_is_a_fault_and_not_another_name(office: Office) -> None:
    rows = csv_of(COLUMNS, [by_bank("QN-1", full_name="Nguyễn, Hoà"), person("QN-2")])
    job = take_in(office, rows)
    assert (2, "cells_too_many") in [(fault["row"], fault["code"]) for fault in job["faults"]]
    assert office.one("SELECT count(*) FROM persons") == 1
    quoted = rows.replace("Nguyễn, Hoà".encode(), '"Nguyễn, Hoà"'.encode())
    take_in(office, quoted)
    assert office.one("SELECT full_name FROM persons WHERE number = 'QN-1'") == "Nguyễn, Hoà"


def test_names_are_kept_composed_however_they_were_typed(office: Office) -> None:
    take_in(office, csv_of(COLUMNS, [person("QN-1", full_name="Nguye\u0302\u0303n Thi\u0323 Hoa\u0300")]))
    assert office.one("SELECT full_name FROM persons") == "Nguyễn Thị Hoà"


def test_the_same_register_twice_registers_nobody_twice(office: Office) -> None:
    content = csv_of(COLUMNS, [person(f"QN-{n}") for n in range(5)])
    take_in(office, content)
    job = take_in(office, content)
    assert [fault["code"] for fault in job["faults"]] == ["person_registered"] * 5
    assert office.one("SELECT count(*) FROM persons") == 5
    assert len(office.events("persons.registered")) == 1


@pytest.fixture
def paid(office: Office) -> dict[str, tuple[str, int]]:
    """One payment in the hands of each provider."""
    office.import_persons(person("QN-1"), by_bank("QN-2"))
    office.pay("2024-08")
    found = {}
    for (_, provider), one in office.lists().items():
        office.instruct(one["id"])
        (payment,) = office.payments(one["id"])
        found[provider] = (payment["id"], payment["amount_vnd"])
    return found


def sheet_of(*rows: tuple[Any, ...]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return buffer.getvalue()


HEADER = ("Mã chi trả", "Số tiền (đồng)", "Kết quả", "Lý do", "Ngày chi trả")
DAY = "2024-08-05"
# A row of the post that is not what was instructed, from the payment and its amount.
ROWS: dict[str, tuple[Any, str]] = {
    "another id": (lambda of: (str(new_id()), of[1], "Đã trả", "", DAY), "payment_unknown"),
    "a name as id": (lambda of: ("Nguyễn Thị Hoà", of[1], "Đã trả", "", DAY), "payment_unknown"),
    "endless id": (lambda of: (of[0] * 50, of[1], "Đã trả", "", DAY), "payment_unknown"),
    "no id": (lambda of: ("", of[1], "Đã trả", "", DAY), "payment_unknown"),
    "a đồng more": (lambda of: (of[0], of[1] + 1, "Đã trả", "", DAY), "amount_differs"),
    "a đồng less": (lambda of: (of[0], of[1] - 1, "Đã trả", "", DAY), "amount_differs"),
    "in thousands": (lambda of: (of[0], of[1] // 1000, "Đã trả", "", DAY), "amount_differs"),
    "half a đồng": (lambda of: (of[0], of[1] + 0.5, "Đã trả", "", DAY), "amount_differs"),
    "below nothing": (lambda of: (of[0], -of[1], "Đã trả", "", DAY), "amount_differs"),
    "beyond all bounds": (lambda of: (of[0], 1e300, "Đã trả", "", DAY), "amount_differs"),
    "digits beyond all bounds": (lambda of: (of[0], "9" * 5000, "Đã trả", "", DAY), "amount_differs"),
    "in words": (lambda of: (of[0], "hai triệu", "Đã trả", "", DAY), "amount_differs"),
    "no amount": (lambda of: (of[0], "", "Đã trả", "", DAY), "amount_differs"),
    "no day": (lambda of: (of[0], of[1], "Đã trả", "", ""), "value_date_missing"),
    "30 February": (lambda of: (of[0], of[1], "Đã trả", "", "30/02/2024"), "value_date_missing"),
}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_row_of_the_post_that_does_not_match_books_nothing(
    office: Office, paid: dict[str, tuple[str, int]], name: str
) -> None:
    make, code = ROWS[name]
    statement = office.answer(POST, sheet_of(HEADER, make(paid[POST])))
    assert office.unmatched(statement) == [(2, code)]
    assert office.one("SELECT count(*) FROM outcomes") == 0


def test_an_id_without_dashes_and_an_amount_with_dots_are_read(
    office: Office, paid: dict[str, tuple[str, int]]
) -> None:
    payment, amount = paid[POST]
    row = (payment.replace("-", "").upper(), f"{amount:,}".replace(",", "."), " ĐÃ TRẢ ", "", "05/08/2024")
    assert office.answer(POST, sheet_of(HEADER, row))["matched_count"] == 1


def test_the_posts_own_list_filled_in_by_hand_is_its_answer(
    office: Office, paid: dict[str, tuple[str, int]]
) -> None:
    """The file that left the house comes back with result and day, as the post fills it in."""
    list_id = office.lists()["Núi Thành", POST]["id"]
    (sheet,) = read_sheets(office.officer.ask("POST", f"/v1/lists/{list_id}/file").data, "list.xlsx")
    rows = [tuple(sheet.text(row, column) for column in range(10)) for row in range(1, len(sheet.rows) + 1)]
    head = rows.index(post_list.HEADER)
    filled = [(*row[:6], "Đã trả", "", DAY, "") if n == head + 1 else row for n, row in enumerate(rows)]
    statement = office.answer(POST, sheet_of(*filled))
    assert (statement["row_count"], statement["matched_count"]) == (1, 1)


def entry(payment: str, amount: int, currency: str = "VND", extra: str = "", status: str = "BOOK") -> str:
    return (
        f"<Ntry><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>{status}</Cd></Sts><ValDt><Dt>{DAY}</Dt></ValDt><NtryDtls>"
        f'<TxDtls><Refs><EndToEndId>{payment}</EndToEndId></Refs><Amt Ccy="{currency}">{amount}</Amt>{extra}'
        "</TxDtls></NtryDtls></Ntry>"
    )


def camt(*entries: str) -> bytes:
    body = f"<BkToCstmrStmt><Stmt>{''.join(entries)}</Stmt></BkToCstmrStmt>"
    return f'<Document xmlns="{SPACE}">{body}</Document>'.encode()


ENTRIES: dict[str, tuple[Any, str]] = {
    "another id": (lambda of: entry(new_id().hex, of[1]), "payment_unknown"),
    "no id": (lambda of: entry("NOTPROVIDED", of[1]), "payment_unknown"),
    "a đồng more": (lambda of: entry(of[0], of[1] + 1), "amount_differs"),
    "beyond the database": (lambda of: entry(of[0], 2**63), "amount_differs"),
    "beyond all bounds": (lambda of: entry(of[0], 10**4299), "amount_differs"),
    "in dollars": (lambda of: entry(of[0], of[1], "USD"), "currency_unknown"),
    "without a currency": (lambda of: entry(of[0], of[1], ""), "currency_unknown"),
    "in small letters": (lambda of: entry(of[0], of[1], "vnd"), "currency_unknown"),
}


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_of_the_bank_that_does_not_match_books_nothing(
    office: Office, paid: dict[str, tuple[str, int]], name: str
) -> None:
    make, code = ENTRIES[name]
    statement = office.answer(BANK, camt(make(paid[BANK])))
    assert office.unmatched(statement) == [(1, code)]
    assert office.one("SELECT count(*) FROM outcomes") == 0


def test_what_is_not_booked_yet_settles_nothing(office: Office, paid: dict[str, tuple[str, int]]) -> None:
    statement = office.answer(BANK, camt(entry(*paid[BANK], status="PDNG")))
    assert (statement["row_count"], statement["matched_count"]) == (0, 0)
    assert office.answer(BANK, camt(entry(*paid[BANK])))["matched_count"] == 1


def test_a_reason_that_no_list_knows_is_told_as_free_text(
    office: Office, paid: dict[str, tuple[str, int]]
) -> None:
    back = entry(*paid[BANK], extra="<RtrInf><Rsn><Cd>ZZ99</Cd></Rsn></RtrInf>")
    office.answer(BANK, camt(back))
    (event,) = office.events("payments.returned")
    assert event["items"][0]["reason_code"] == "NARR"
    assert office.one("SELECT reason_code FROM statement_rows") == "ZZ99"


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<" + b" " * 200_000_000)
    return buffer.getvalue()


LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("abcdefg", "bcdefgh", strict=True))
    + "]><Document>&h;</Document>"
)
BROKEN: dict[str, tuple[str, bytes]] = {
    "nothing to the post": (POST, b""),
    "text to the post": (POST, b"Ma chi tra,So tien"),
    "half a workbook": (POST, post_answer()[:-60]),
    "a workbook without columns": (POST, sheet_of(("a", "b"), ("c", "d"))),
    "an empty workbook": (POST, sheet_of()),
    "a zip bomb": (POST, bomb()),
    "a zip of something": (POST, b"PK\x05\x06" + bytes(18)),
    "nothing to the bank": (BANK, b""),
    "a web page": (BANK, b"<html><body>Sign in</body></html>"),
    "half a statement": (BANK, bank_answer((str(new_id()), 5, ""))[:-30]),
    "a billion laughs": (BANK, LAUGHS.encode()),
    "a billion laughs in utf-16": (BANK, LAUGHS.encode("utf-16")),
    "a file of the disk": (BANK, b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>'),
    "an encoding that is none": (BANK, b'<?xml version="1.0" encoding="klingon"?><Document/>'),
    "endless depth": (BANK, b"<a>" * 100_000),
    "our own order": (BANK, b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"/>'),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_an_answer_that_is_none_is_refused_whole(
    office: Office, paid: dict[str, tuple[str, int]], name: str
) -> None:
    provider, content = BROKEN[name]
    started = office.officer.good(office.officer.send(f"/v1/statements?provider={provider}", content))
    office.work_off()
    job = office.officer.get(f"/v1/jobs/{started['job_id']}")
    assert (job["state"], job["failure"].partition(":")[0]) == ("failed", "statement_broken")
    assert office.one("SELECT count(*) FROM statement_rows") == 0
    assert office.officer.get(f"/v1/statements/{started['statement_id']}")["state"] == "received"


def test_after_a_broken_answer_a_whole_one_is_taken(office: Office, paid: dict[str, tuple[str, int]]) -> None:
    whole = camt(entry(*paid[BANK]))
    office.officer.good(office.officer.send(f"/v1/statements?provider={BANK}", whole[:-20]))
    office.work_off()
    assert office.answer(BANK, whole)["matched_count"] == 1


def test_the_same_answer_by_another_person_under_another_key_is_refused(
    office: Office, paid: dict[str, tuple[str, int]]
) -> None:
    content = camt(entry(*paid[BANK]))
    office.answer(BANK, content)
    again = office.officer.send(f"/v1/statements?provider={BANK}", content)
    assert again.get_json()["code"] == "statement_repeated"
    other = office.officer.send(f"/v1/statements?provider={POST}", content)
    assert other.status_code == 202, "another provider's file is another file, and is judged as such"
    office.work_off()
    assert office.one("SELECT count(*) FROM outcomes") == 1
