"""ISO 20022 files: the order to the bank written, its statement read, both as streams."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

from deploy.outside.iso20022 import Entry, Statement, Transfer, write_statement
from services.beneficiaries.channels import pain001
from services.beneficiaries.channels.lines import PayLine
from services.beneficiaries.lists.model import PaymentList, State
from services.beneficiaries.reconciliation import camt053
from shared.kernel.ids import id_of
from shared.kernel.periods import Period
from tests.bench.harness import Bench, Goal, Lap, timed
from tests.bench.site import Site

DAY = date(2024, 8, 5)
NOW = datetime(2024, 8, 5, 5, tzinfo=UTC)
AMOUNT = 2_055_000


def take_writing(_: Site, size: int, rounds: int) -> Iterator[Lap]:
    """pain.001 of `size` payees."""
    list_id = id_of("list", "bench")
    found = PaymentList(
        list_id,
        Period(2024, 8),
        list_id,
        "BANK-QNA",
        "bank",
        State.INSTRUCTED,
        1,
        size,
        size * AMOUNT,
        None,
        None,
        1,
    )
    lines = [
        PayLine(UUID(int=n), f"QN{n}", f"Người minh họa số {n}", 1950, AMOUNT, "203", f"{10_000_000_000 + n}")
        for n in range(size)
    ]
    for _round in range(rounds):
        with timed() as watch:
            content = pain001.write(found, "Huyện minh họa", lines, DAY, NOW)
        if content.count(b"</CdtTrfTxInf>") != size:
            raise AssertionError("Not every payee stands in the file.")
        yield Lap("ours", watch.seconds, size)


def take_reading(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """camt.053 of `size` entries, as the simulated bank writes it."""
    path = site.folder / "statement.xml"
    day = DAY.isoformat()
    entries = (
        Entry(Transfer(UUID(int=n).hex, None, "bench", str(AMOUNT), "VND", day), None) for n in range(size)
    )
    write_statement(path, Statement("bench", "VND", day, size * AMOUNT, 0), entries)
    content = path.read_bytes()
    for _round in range(rounds):
        with timed() as watch:
            count = sum(1 for _answer in camt053.read(content))
        if count != size:
            raise AssertionError("Not every entry was read.")
        yield Lap("ours", watch.seconds, size)


BENCHES = (
    Bench("iso-pain001", 120_000, take_writing, (Goal("ours", "pain.001 written", "payments", rate=60_000),)),
    Bench("iso-camt053", 120_000, take_reading, (Goal("ours", "camt.053 read", "payments", rate=60_000),)),
)
