"""Orders read and statements written, judged by the service that reads them and by the official schema."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from deploy.outside import provider_bank
from deploy.outside.iso20022 import PAIN, Entry, Statement, Transfer, read_order, write_statement
from deploy.outside.outcomes import REASONS_OF_BANK, Result, outcome_of
from deploy.outside.provider import SEED, Unreadable
from services.beneficiaries.channels import pain001
from services.beneficiaries.channels.lines import PayLine
from services.beneficiaries.lists.model import PaymentList, State, list_id_of
from services.beneficiaries.reconciliation import camt053
from services.beneficiaries.reconciliation.model import REASONS, Outcome
from shared.kernel.errors import Rejected
from shared.kernel.ids import id_of
from tests.unit.beneficiaries.conftest import NUI_THANH, month

ON = date(2024, 7, 24)
STRICT = ParserConfig(fail_on_unknown_properties=True, fail_on_converter_warnings=True)
STATEMENT = Statement("order-1", "VND", "2024-07-24", 3_000_000, 500_000)


def by_schema(path: Path) -> Any:  # noqa: ANN401 - the generated classes have no types for us
    module = importlib.import_module("pyiso20022.camt.camt_053_001_08")
    return XmlParser(config=STRICT).from_bytes(path.read_bytes(), module.Document).bk_to_cstmr_stmt


def transfer(number: int, amount: int = 1_000_000, instruction: str | None = None) -> Transfer:
    return Transfer(id_of("payment", number).hex, instruction, "group-1", str(amount), "VND", "2024-07-24")


def order(folder: Path, count: int, name: str = "order-1.xml") -> tuple[Path, list[PayLine]]:
    """An order as the beneficiaries service sends it."""
    lines = [
        PayLine(
            id_of("payment", n), f"QN-{n:05d}", "Nguyễn Thị Hoà", 1948, 1_000_000 + n, "VBA", f"42{n:011d}"
        )
        for n in range(count)
    ]
    provider = "BANK-QNA"
    listed = PaymentList(
        list_id_of(month("2024-08"), NUI_THANH, provider),
        month("2024-08"),
        NUI_THANH,
        provider,
        "bank",
        State.INSTRUCTED,
        1,
        count,
        sum(line.amount_vnd for line in lines),
        "hash",
        "lan",
        1,
    )
    path = folder / name
    path.write_bytes(
        pain001.write(listed, "Huyện Núi Thành", lines, ON, datetime(2024, 7, 24, 5, tzinfo=UTC))
    )
    return path, lines


def written(path: Path, entries: Sequence[Entry]) -> bytes:
    write_statement(path, STATEMENT, entries)
    return path.read_bytes()


def test_an_order_of_the_service_is_read_transfer_by_transfer(tmp_path: Path) -> None:
    path, lines = order(tmp_path, 25)
    found = list(read_order(path))
    assert [(one.end_to_end_id, int(one.amount)) for one in found] == [
        (line.payment_id.hex, line.amount_vnd) for line in lines
    ]
    assert {(one.currency, one.execute_on) for one in found} == {("VND", "2024-07-24")}
    assert len({one.payment_information_id for one in found}) == 1


def test_what_the_bank_answers_the_service_understands(tmp_path: Path) -> None:
    path, lines = order(tmp_path, 400)
    provider_bank.answer(path, tmp_path / "result.xml", SEED)
    answers = {one.reference: one for one in camt053.read((tmp_path / "result.xml").read_bytes())}
    for line in lines:
        outcome = outcome_of(SEED, line.payment_id.hex, REASONS_OF_BANK)
        answer = answers.get(line.payment_id.hex)
        if outcome.result is Result.SILENT:
            assert answer is None
            continue
        assert answer is not None
        assert (answer.amount_vnd, answer.currency, answer.value_on) == (line.amount_vnd, "VND", ON)
        assert (answer.outcome is Outcome.RETURNED) == (outcome.result is Result.RETURNED)
        assert answer.reason_code == outcome.reason
    assert any(one.outcome is Outcome.RETURNED for one in answers.values())


def test_the_statement_is_a_camt_053_as_its_schema_says_and_its_balances_tie(tmp_path: Path) -> None:
    path, _ = order(tmp_path, 400)
    provider_bank.answer(path, tmp_path / "result.xml", SEED)
    (statement,) = by_schema(tmp_path / "result.xml").stmt
    opening, closing = (balance.amt.value for balance in statement.bal)
    signed = {"DBIT": -1, "CRDT": 1}
    moved = sum(signed[entry.cdt_dbt_ind.value] * entry.amt.value for entry in statement.ntry)
    assert opening + moved == closing
    assert len(statement.id) <= 35
    assert all(len(entry.acct_svcr_ref) <= 35 for entry in statement.ntry)
    assert [entry.ntry_ref for entry in statement.ntry] == [str(n) for n in range(1, len(statement.ntry) + 1)]


def test_the_same_order_gets_the_same_answer_and_another_seed_another(tmp_path: Path) -> None:
    path, _ = order(tmp_path, 300)
    for name, seed in (("a", "one"), ("b", "one"), ("c", "two")):
        provider_bank.answer(path, tmp_path / name, seed)
    first, again, other = (list(camt053.read((tmp_path / name).read_bytes())) for name in "abc")
    assert first == again
    assert first != other


def test_every_reason_of_a_return_is_one_that_the_service_knows() -> None:
    assert set(REASONS_OF_BANK) <= REASONS.keys()


@given(st.lists(st.tuples(st.integers(1, 10**12), st.sampled_from([None, *REASONS_OF_BANK])), max_size=8))
@settings(max_examples=30, deadline=None)
def test_any_entries_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, facts: list[tuple[int, str | None]]
) -> None:
    path = tmp_path_factory.mktemp("bank") / "statement.xml"
    entries = [Entry(transfer(n, amount), reason) for n, (amount, reason) in enumerate(facts)]
    answers = list(camt053.read(written(path, entries)))
    assert [(one.reference, one.amount_vnd, one.reason_code) for one in answers] == [
        (entry.transfer.end_to_end_id, int(entry.transfer.amount), entry.reason) for entry in entries
    ]
    assert [one.row for one in answers] == list(range(1, len(entries) + 1))


def test_a_reference_of_ours_is_repeated_where_there_is_one(tmp_path: Path) -> None:
    written(tmp_path / "s.xml", [Entry(transfer(1, instruction="I-1"), None), Entry(transfer(2), "AC01")])
    first, second = (entry.ntry_dtls[0].tx_dtls[0] for entry in by_schema(tmp_path / "s.xml").stmt[0].ntry)
    assert (first.refs.instr_id, first.rtr_inf) == ("I-1", None)
    assert (second.refs.instr_id, second.rtr_inf.rsn.cd) == (None, "AC01")
    assert first.amt.value == Decimal(1_000_000)


def pain(transfers: str, head: str = "") -> str:
    return (
        f'{head}<Document xmlns="{PAIN}"><CstmrCdtTrfInitn><PmtInf><PmtInfId>G</PmtInfId>'
        f"<ReqdExctnDt><Dt>2024-07-24</Dt></ReqdExctnDt>{transfers}</PmtInf></CstmrCdtTrfInitn></Document>"
    )


def paid(amount: str = "5", currency: str = "VND", name: str = "E1") -> str:
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{name}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{currency}">{amount}</InstdAmt></Amt></CdtTrfTxInf>'
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no order"),
        ("<a/>", "holds no transfer"),
        (pain(""), "holds no transfer"),
        (pain(paid())[:-30], "no order"),
        (pain(paid(), "<!DOCTYPE Document>"), "document type"),
        (pain(paid("&a;"), '<!DOCTYPE Document [<!ENTITY a "5">]>'), "no order"),
        (pain(paid("5.5")), "no order"),
        (pain(paid("")), "no amount"),
        (pain(paid("five")), "no order"),
        (pain(paid() + paid(currency="USD", name="E2")), "E2 is in USD, others in VND"),
        (pain(paid()).replace("<EndToEndId>E1</EndToEndId>", ""), "lacks EndToEndId"),
        (pain(paid()).replace("<PmtInfId>G</PmtInfId>", ""), "lacks EndToEndId, ReqdExctnDt or PmtInfId"),
        (pain(paid()).replace(PAIN, PAIN.replace("09", "03")), "holds no transfer"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused_with_the_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "order.xml"
    path.write_text(text)
    with pytest.raises(Unreadable, match=said):
        provider_bank.answer(path, tmp_path / "result.xml", SEED)


def test_an_order_of_one_good_transfer_passes_where_the_broken_ones_fail(tmp_path: Path) -> None:
    path = tmp_path / "order.xml"
    path.write_text(pain(paid()))
    provider_bank.answer(path, tmp_path / "result.xml", SEED)
    assert [one.reference for one in camt053.read((tmp_path / "result.xml").read_bytes())] == ["E1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_statement_with_entities_is_refused_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    whole = written(tmp_path / "s.xml", [Entry(transfer(1), None)]).decode()
    _, _, body = whole.partition("?>")
    declared = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE Document [<!ENTITY a "0">]>'
    with pytest.raises(Rejected, match="declares a DTD"):
        list(camt053.read((declared + body.replace("1000000<", "1&a;<")).encode(encoding)))
    (answer,) = camt053.read((declared.partition("<!")[0] + body).encode(encoding))
    assert answer.amount_vnd == 1_000_000
