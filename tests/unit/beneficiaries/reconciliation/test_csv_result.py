"""A provider's answer as a plain table: read line by line, refused whole where it is broken."""

from __future__ import annotations

from datetime import date

import pytest

from services.beneficiaries.reconciliation import csv_result
from services.beneficiaries.reconciliation.csv_result import is_table, read
from services.beneficiaries.reconciliation.model import Answer, Outcome
from shared.kernel.errors import Rejected
from shared.kernel.money import MAX_VND

HEADER = "payment_id,amount_vnd,result,reason,paid_on"
DAY = date(2024, 8, 5)


def table(*lines: str, header: str = HEADER) -> bytes:
    return "\r\n".join((header, *lines, "")).encode()


def answers(*lines: str, header: str = HEADER) -> list[Answer]:
    return list(read(table(*lines, header=header)))


def test_a_line_says_what_became_of_a_payment() -> None:
    assert answers("p-1,2055000,paid,,2024-08-05", "p-2,1000,unpaid,CNPC,2024-08-05") == [
        Answer(2, "p-1", 2_055_000, "VND", Outcome.SETTLED, None, DAY),
        Answer(3, "p-2", 1_000, "VND", Outcome.RETURNED, "CNPC", DAY),
    ]


def test_columns_may_stand_in_any_order_and_others_beside_them() -> None:
    (found,) = answers(
        "x,2024-08-05,,PAID, 7 ,p-1", header="note,paid_on,reason,Result,AMOUNT_VND,payment_id"
    )
    assert found == Answer(2, "p-1", 7, "VND", Outcome.SETTLED, None, DAY)


def test_a_byte_order_mark_and_empty_lines_change_nothing() -> None:
    content = b"\xef\xbb\xbf" + table("", "p-1,7,paid,,2024-08-05", "")
    assert [one.row for one in read(content)] == [3]


def test_a_line_without_a_result_is_still_unknown() -> None:
    assert answers("p-1,7,,,", "p-2,7,perhaps,,2024-08-05") == []


def test_a_return_without_a_reason_has_an_unspecified_one() -> None:
    assert answers("p-1,7,unpaid,,2024-08-05")[0].reason_code == "MS03"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2055000", 2_055_000),
        (str(MAX_VND), MAX_VND),
        (str(MAX_VND + 1), None),
        ("2.055.000", None),
        ("-1", None),
        ("1e6", None),
        ("1_000", None),
        ("٣", None),
        ("9" * 400, None),
        ("", None),
    ],
)
def test_an_amount_is_whole_dong_or_none(text: str, amount: int | None) -> None:
    assert answers(f'p-1,"{text}",paid,,2024-08-05')[0].amount_vnd == amount


@pytest.mark.parametrize("text", ["05/08/2024", "2024-02-30", "", "today"])
def test_a_day_that_cannot_be_read_is_none(text: str) -> None:
    assert answers(f"p-1,7,paid,,{text}")[0].value_on is None


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "does not name payment_id, amount_vnd, result, reason, paid_on"),
        (b"payment_id,amount_vnd,result\np-1,7,paid\n", "does not name reason, paid_on"),
        (table("p-1,7,paid,,2024-08-05", "p-2,7"), "Line 3 has 2 cells"),
        (table('p-1,7,paid,,"2024-08-05'), "cannot be divided into cells"),
        (table("p-1,7,paid,,2024-08-05") + b"\xff\xfe", "not in UTF-8"),
    ],
    ids=["empty", "columns missing", "cut off", "quote open", "not UTF-8"],
)
def test_a_broken_table_is_refused_with_where_and_why(content: bytes, named: str) -> None:
    with pytest.raises(Rejected, match=named) as refused:
        list(read(content))
    assert refused.value.code == "statement_broken"
    assert "send the file again" in refused.value.message


def test_more_lines_than_are_taken_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_result, "LINES_MAX", 2)
    lines = ["p-1,7,paid,,2024-08-05"] * 2
    assert len(answers(*lines)) == 2
    with pytest.raises(Rejected, match="send it in parts"):
        answers(*lines, lines[0])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (table(), True),
        (HEADER.upper().encode(), True),
        (b"note,payment_id\n", True),
        (b"note\npayment_id\n", False),
        (b"PK\x03\x04 payment", False),
        (b'<?xml version="1.0"?><Document/>', False),
        (b"", False),
    ],
)
def test_a_table_is_known_by_its_first_line(content: bytes, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_table(content) is expected
