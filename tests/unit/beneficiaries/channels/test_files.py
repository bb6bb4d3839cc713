from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from services.beneficiaries.channels import pain001, post_list
from services.beneficiaries.channels.lines import PayLine
from services.beneficiaries.lists.model import PaymentList, State, list_id_of
from services.beneficiaries.providers.model import PROVIDERS, Channel, channels
from services.beneficiaries.register.model import ACCOUNT
from shared.kernel.ids import id_of
from shared.sheets.files import read_sheets
from tests.unit.beneficiaries.conftest import NUI_THANH, month

ON = date(2024, 7, 24)
MADE_AT = datetime(2024, 7, 24, 5, tzinfo=UTC)
NAMES = st.text(st.characters(categories=["L", "M", "Zs", "P", "S"]), min_size=1, max_size=200)


def line(number: int, amount: int = 2_055_000, name: str = "Nguyễn Thị Hoà") -> PayLine:
    payment_id = id_of("payment", number)
    return PayLine(payment_id, f"QN-{number:04d}", name, 1948, amount, "VBA", f"42012051{number:05d}")


def listed(lines: Sequence[PayLine], provider: str = "BANK-QNA") -> PaymentList:
    return PaymentList(
        list_id_of(month("2024-08"), NUI_THANH, provider),
        month("2024-08"),
        NUI_THANH,
        provider,
        PROVIDERS[provider].channel.value,
        State.INSTRUCTED,
        2,
        len(lines),
        sum(one.amount_vnd for one in lines),
        "hash",
        "lan",
        7,
    )


def order(lines: Sequence[PayLine]) -> bytes:
    return pain001.write(listed(lines), "Huyện Núi Thành", lines, ON, MADE_AT)


def by_oracle(content: bytes) -> Any:  # noqa: ANN401 - the generated classes have no types for us
    """The message as the classes made from the official schema read it; unknown elements are an error."""
    module = importlib.import_module("pyiso20022.pain.pain_001_001_09")
    strict = ParserConfig(fail_on_unknown_properties=True, fail_on_converter_warnings=True)
    return XmlParser(config=strict).from_bytes(content, module.Document).cstmr_cdt_trf_initn


def test_the_order_is_a_pain_001_as_its_schema_says() -> None:
    message = by_oracle(order([line(1), line(2, 500_000)]))
    header, (information,) = message.grp_hdr, message.pmt_inf
    assert (header.nb_of_txs, header.ctrl_sum) == ("2", Decimal(2_555_000))
    assert (information.nb_of_txs, information.ctrl_sum) == ("2", Decimal(2_555_000))
    assert information.pmt_mtd.value == "TRF"
    assert str(information.reqd_exctn_dt.dt) == "2024-07-24"
    assert len(header.msg_id) <= 35
    assert len(information.pmt_inf_id) <= 35


def test_every_payee_stands_in_the_order_with_our_id_and_the_exact_amount() -> None:
    lines = [line(n, 1_000_000 + n) for n in range(1, 40)]
    (information,) = by_oracle(order(lines)).pmt_inf
    for one, sent in zip(lines, information.cdt_trf_tx_inf, strict=True):
        assert sent.pmt_id.end_to_end_id == one.payment_id.hex
        assert (sent.amt.instd_amt.value, sent.amt.instd_amt.ccy) == (Decimal(one.amount_vnd), "VND")
        assert sent.cdtr.nm == one.full_name
        assert sent.cdtr_acct.id.othr.id == one.account_number
        assert sent.cdtr_agt.fin_instn_id.clr_sys_mmb_id.mmb_id == "VBA"


def test_the_oracle_would_notice_a_strange_element() -> None:
    broken = order([line(1)]).replace(b"<Nm>", b"<Name>").replace(b"</Nm>", b"</Name>")
    with pytest.raises(Exception, match="Unknown property"):
        by_oracle(broken)


def test_markup_in_a_name_stays_text() -> None:
    name = 'Trần <b>&amp; ]]> "Hoà"'
    (information,) = by_oracle(order([line(1, name=name)])).pmt_inf
    assert information.cdt_trf_tx_inf[0].cdtr.nm == name


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(1, 2**53 - 1)), min_size=1, max_size=5))
def test_any_names_and_amounts_make_a_sound_order(rows: list[tuple[str, int]]) -> None:
    lines = [line(number, amount, name) for number, (name, amount) in enumerate(rows)]
    message = by_oracle(order(lines))
    assert message.grp_hdr.ctrl_sum == sum(amount for _, amount in rows)
    assert all(len(sent.cdtr.nm) <= 140 for sent in message.pmt_inf[0].cdt_trf_tx_inf)


def sheet_of(lines: Sequence[PayLine]) -> Any:  # noqa: ANN401 - a sheet
    (sheet,) = read_sheets(post_list.write(listed(lines, "POST-QNA"), "Huyện Núi Thành", lines), "list.xlsx")
    return sheet


def test_the_posts_list_is_laid_out_as_printed() -> None:
    lines = [line(1), line(2, 500_000)]
    sheet = sheet_of(lines)
    assert "THÁNG 08/2024" in sheet.text(1, 0)
    assert str(listed(lines, "POST-QNA").id) in sheet.text(2, 0)
    assert sheet.text(3, 0) == "Đơn vị: Huyện Núi Thành"
    assert sheet.text(4, 0) == "ĐVT: đồng"
    assert [sheet.text(5, column) for column in range(10)] == list(post_list.HEADER)


def test_every_payee_stands_in_the_posts_list() -> None:
    lines = [line(n, 1_000_000 + n) for n in range(1, 30)]
    sheet = sheet_of(lines)
    for row, one in enumerate(lines, 6):
        assert sheet.text(row, 1) == str(one.payment_id)
        assert sheet.text(row, 2) == one.number
        assert sheet.text(row, 3) == one.full_name
        assert sheet.cell(row, 5) == one.amount_vnd


def test_the_last_row_ties_with_the_list() -> None:
    lines = [line(n, 7 * n + 1) for n in range(1, 12)]
    sheet = sheet_of(lines)
    assert sheet.text(17, 3) == "TỔNG CỘNG"
    assert sheet.cell(17, 5) == sum(one.amount_vnd for one in lines) == listed(lines).total_vnd


def test_a_name_can_become_neither_formula_nor_link() -> None:
    content = post_list.write(
        listed([line(1)], "POST-QNA"), "=1+1", [line(1, name='=HYPERLINK("http://evil")')]
    )
    (sheet,) = read_sheets(content, "list.xlsx")
    assert sheet.text(6, 3).startswith("=HYPERLINK")
    assert not sheet.facts.formulas


def test_the_largest_amount_survives_the_sheet() -> None:
    assert sheet_of([line(1, 2**53 - 1)]).cell(6, 5) == 2**53 - 1


def test_a_list_without_payees_is_still_a_file() -> None:
    assert sheet_of([]).text(6, 3) == "TỔNG CỘNG"


def test_every_provider_has_a_channel() -> None:
    assert channels() == {"POST-QNA": "post", "BANK-QNA": "bank"}
    assert {provider.channel for provider in PROVIDERS.values()} == set(Channel)
    assert ACCOUNT.fullmatch(line(1).account_number or "")


def test_writing_streams_so_that_a_long_list_is_one_pass() -> None:
    given_lines = iter([line(1), line(2)])
    content = pain001.write(listed([line(1), line(2)]), "x", given_lines, ON, MADE_AT)
    assert next(given_lines, None) is None
    assert io.BytesIO(content).read(5) == b"<?xml"
