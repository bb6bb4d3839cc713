from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiaries.rates.model import RateBook
from services.beneficiaries.rates.published import published_rates
from services.beneficiaries.register import rows as rows_module
from services.beneficiaries.register.rows import COLUMNS, Known, NewPerson, read_person, table
from services.beneficiaries.units.queries import Commune
from shared.kernel.errors import Fault, Rejected
from shared.kernel.ids import id_of
from tests.unit.beneficiaries.conftest import NUI_THANH, month

TAM_ANH = Commune(id_of("unit", "Tam Anh Bắc"), "20965", "Tam Anh Bắc", NUI_THANH)
KNOWN = Known(
    {TAM_ANH.code: TAM_ANH},
    RateBook(published_rates()),
    {"POST-QNA": "post", "BANK-QNA": "bank"},
    date(2024, 4, 20),
)
IN_CASH = {
    "number": "QN-NT-0001",
    "full_name": "Nguyễn Thị Hoà",
    "birth_year": "1948",
    "identity_number": "049148000123",
    "commune_code": "20965",
    "benefits": "TB:45:2015-03;TUDAY::2012-01",
    "provider": "POST-QNA",
    "bank_code": "",
    "account_number": "",
}
BY_BANK = IN_CASH | {"provider": "BANK-QNA", "bank_code": "VBA", "account_number": "4201205123456"}


def faults(**changes: str) -> list[tuple[str, str | None]]:
    found = read_person(IN_CASH | changes, 7, KNOWN)
    assert isinstance(found, list), "no fault was found"
    assert all(fault.row == 7 for fault in found)
    return [(fault.code, fault.column) for fault in found]


def accepted(row: dict[str, str]) -> NewPerson:
    found = read_person(row, 7, KNOWN)
    assert isinstance(found, NewPerson)
    return found


def test_a_sound_row_is_a_person() -> None:
    found = accepted(IN_CASH)
    assert (found.number, found.full_name, found.birth_year) == ("QN-NT-0001", "Nguyễn Thị Hoà", 1948)
    assert (found.commune_id, found.district_id) == (TAM_ANH.id, NUI_THANH)
    assert [(b.code, b.injury_percent, b.from_period) for b in found.benefits] == [
        ("TB", 45, month("2015-03")),
        ("TUDAY", None, month("2012-01")),
    ]
    assert (found.bank_code, found.account_number) == (None, None)


def test_a_payment_by_bank_has_an_account() -> None:
    found = accepted(BY_BANK)
    assert (found.provider, found.bank_code, found.account_number) == ("BANK-QNA", "VBA", "4201205123456")


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("number", "", "number_invalid"),
        ("number", "ab", "number_invalid"),
        ("number", "qn-1", "number_invalid"),
        ("number", "QN 0001", "number_invalid"),
        ("number", "Q" * 41, "number_invalid"),
        ("full_name", "", "name_invalid"),
        ("full_name", "A", "name_invalid"),
        ("full_name", "A" * 201, "name_invalid"),
        ("birth_year", "", "birth_year_invalid"),
        ("birth_year", "1899", "birth_year_invalid"),
        ("birth_year", "2025", "birth_year_invalid"),
        ("birth_year", "1948.0", "birth_year_invalid"),
        ("identity_number", "49148000123", "identity_invalid"),  # its zero was lost in a spreadsheet
        ("identity_number", "0491 48000123", "identity_invalid"),
        ("identity_number", "٠٤٩١٤٨٠٠٠١٢٣", "identity_invalid"),
        ("commune_code", "99999", "commune_unknown"),
        ("provider", "MOMO", "provider_unknown"),
        ("benefits", "", "benefit_malformed"),
        ("benefits", "TB", "benefit_malformed"),
        ("benefits", "TB:45", "benefit_malformed"),
        ("benefits", "TB:x:2015-03", "benefit_malformed"),
        ("benefits", "TB:20:2015-03", "rate_missing"),
        ("benefits", "NOBODY::2015-03", "rate_missing"),
        ("benefits", "TB:45:2015-13", "period_invalid"),
        ("benefits", "TB:45:2015-03;TB:61:2020-01", "benefit_repeated"),
    ],
)
def test_every_fault_is_named_with_its_column(column: str, value: str, code: str) -> None:
    found = faults(**{column: value})
    assert (code, column) in found


def test_cash_needs_no_account_and_a_bank_does() -> None:
    assert faults(account_number="4201205123456") == [("account_not_needed", "account_number")]
    bank = read_person(BY_BANK | {"account_number": ""}, 7, KNOWN)
    assert isinstance(bank, list)
    assert [fault.code for fault in bank] == ["account_invalid"]
    for account in ("12345", "1" * 20, "42012 05123456", "abcdef"):
        assert isinstance(read_person(BY_BANK | {"account_number": account}, 7, KNOWN), list)


def test_all_faults_of_a_row_are_told_at_once() -> None:
    found = faults(number="", full_name="", birth_year="x", commune_code="x", benefits="x")
    assert len(found) == 5


def test_no_fault_repeats_what_may_be_personal() -> None:
    found = read_person(IN_CASH | {"full_name": "X" * 300, "identity_number": "12345"}, 7, KNOWN)
    assert isinstance(found, list)
    for fault in found:
        assert isinstance(fault, Fault)
        assert fault.value is None
        assert "12345" not in fault.message


@given(st.fixed_dictionaries({column: st.text(max_size=30) for column in COLUMNS}))
def test_no_row_whatever_breaks_the_reader(row: dict[str, str]) -> None:
    found = read_person(row, 7, KNOWN)
    assert isinstance(found, NewPerson) or found


def csv_of(*rows: dict[str, str]) -> str:
    return "\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in rows)])


def test_a_file_is_read_row_by_row() -> None:
    assert table(csv_of(IN_CASH, BY_BANK).encode(), COLUMNS) == [IN_CASH, BY_BANK]


def test_a_byte_order_mark_does_no_harm() -> None:
    assert table(csv_of(IN_CASH).encode("utf-8-sig"), COLUMNS) == [IN_CASH]


def test_text_becomes_nfc() -> None:
    decomposed = unicodedata.normalize("NFD", csv_of(IN_CASH))
    assert decomposed != csv_of(IN_CASH)
    assert table(decomposed.encode(), COLUMNS) == [IN_CASH]


def test_short_rows_are_filled_and_blanks_trimmed() -> None:
    text = ",".join(COLUMNS) + "\n  QN-1 , A B"
    (row,) = table(text.encode(), COLUMNS)
    assert (row["number"], row["full_name"], row["provider"]) == ("QN-1", "A B", "")


def test_a_quoted_cell_may_hold_a_comma() -> None:
    text = csv_of(IN_CASH | {"full_name": '"Nguyễn, Thị Hoà"'})
    assert table(text.encode(), COLUMNS)[0]["full_name"] == "Nguyễn, Thị Hoà"


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2", b"full_name,number\n"])
def test_wrong_columns_are_refused(content: bytes) -> None:
    with pytest.raises(Rejected, match="columns_wrong"):
        table(content, COLUMNS)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", "số".encode("utf-16"), b"\x89PNG\r\n"])
def test_what_is_no_utf_8_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected, match="file_not_text"):
        table(content, COLUMNS)


def test_a_file_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "ROWS_MAX", 3)
    assert len(table(csv_of(IN_CASH, IN_CASH).encode(), COLUMNS)) == 2
    with pytest.raises(Rejected, match="file_too_long"):
        table(csv_of(IN_CASH, IN_CASH, IN_CASH).encode(), COLUMNS)
