"""Journal rows for benches: as many as are wanted, of the size that a fact of one payment has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import text

from shared.db.unit_of_work import UnitOfWork
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.acts import Act
from shared.kernel.ids import new_id

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
KEYS = 64

MANY = r"""
    INSERT INTO journal (id, topic, type, key, subjects, occurred_at, actor, backdated, data)
    SELECT gen_random_uuid(), 'events', 'vn.fundtrail.bench.counted.v1', 'key-' || n % 64,
           ARRAY['payment\:' || gen_random_uuid()], now(), 'bench', false,
           convert_to('{"amount_vnd"\:2055000,"key"\:"key-' || n % 64 || '","note"\:"' || repeat('x', 150)
                      || '","number"\:' || n || '}', 'UTF8')
    FROM generate_series(1, :count) n
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """Something was counted."""

    TYPE: ClassVar[str] = "vn.fundtrail.bench.counted.v1"
    KEY: ClassVar[str] = "key"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    key: str
    number: int
    amount_vnd: int = 2_055_000
    note: str = "x" * 150


def fill_journal(unit_of_work: UnitOfWork, count: int) -> None:
    """The journal holds `count` rows more, with about 250 bytes of data each, made by the database itself."""
    with unit_of_work.begin(Act("bench", NOON)) as work:
        work.connection.execute(text(MANY), {"count": count})


def envelopes(source: str, count: int, first: int = 1) -> Iterator[Envelope]:
    """Rows of a journal as its relay reads them."""
    for position in range(first, first + count):
        data = canonical.encode(Counted(f"key-{position % KEYS}", position))
        yield Envelope(
            id=str(new_id()),
            source=source,
            epoch=1,
            position=position,
            topic="events",
            type=Counted.TYPE,
            key=f"key-{position % KEYS}",
            subjects=(f"payment:{position}",),
            occurred_at=NOON,
            recorded_at=NOON,
            actor="bench",
            backdated=False,
            data=data,
        )
