"""What clients were told while the API was killed under them: one serial story explains all of it."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter as Count
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from services.allocation.ledger.model import AccountKey, Role
from shared.kernel.ids import id_of
from shared.testing.waiting import wait_until
from tests.integration.allocation.house import account
from tests.integration.models.answers import TRANSFERS, Answer, Unanswered
from tests.integration.models.branch import Branch
from tests.integration.models.counter import Counter
from tests.integration.models.money import fill, move, request, standing

CLIENTS, PURSES, FUNDS = 8, 10, 2_000
ASK_AGAIN_EVERY = 20
SOURCE = account(Role.SOURCE, None).id
UNDECIDED = {409, 429, 503}


@dataclass
class Operation:
    """One transfer that somebody asked for, when, and what was heard of it."""

    id: UUID
    debit: AccountKey
    credit: AccountKey
    amount: int
    asked_at: float = 0.0
    told_at: float | None = None
    answer: Answer | None = None

    @property
    def key(self) -> str:
        return f"key-{self.id}"

    @property
    def body(self) -> dict[str, Any]:
        return request(move(self.debit, self.credit, self.amount, id_=self.id))

    @property
    def accepted(self) -> bool:
        return self.answer is not None and self.answer.verdicts[0][0] == "accepted"


class History:
    """Clients that go on whatever happens, and one who kills."""

    def __init__(self, served: Branch, purses: Sequence[AccountKey], count: int, seed: int) -> None:
        self.served = served
        self.random = random.Random(f"history-{seed}")
        self.operations = [self._operation(number, purses) for number in range(count)]
        self.unheard = 0
        self.kills = Count[str]()
        self._done = itertools.count(1)
        self.done = 0

    def _operation(self, number: int, purses: Sequence[AccountKey]) -> Operation:
        debit, credit = self.random.sample(purses, 2)
        return Operation(id_of("history", number), debit, credit, self.random.randint(1, FUNDS))

    def run(self, kills: Sequence[int]) -> None:
        """Everything was asked for once; the API was killed after so many operations, each time."""
        waiting = iter(self.operations)
        lock = threading.Lock()
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            clients = [pool.submit(self._serve, waiting, lock) for _ in range(CLIENTS)]
            killer = pool.submit(self._kill, kills)
            for one in (*clients, killer):
                one.result()

    def resolve(self) -> None:
        """What nobody was told is asked for again, under the same key."""
        for one in self.operations:
            if one.answer is None:
                self.unheard += 1
                one.answer = self.served.insist(TRANSFERS, one.body, one.key)

    def _serve(self, waiting: Iterator[Operation], lock: threading.Lock) -> None:
        while True:
            with lock:
                one = next(waiting, None)
            if one is None:
                return
            one.asked_at = time.monotonic()
            try:
                answer = self.served.send(TRANSFERS, one.body, one.key)
            except Unanswered:
                wait_until(self.served.is_ready, timeout_s=60, what="the API")
            else:
                if answer.status not in UNDECIDED:
                    one.told_at, one.answer = time.monotonic(), answer
            self.done = next(self._done)

    def _kill(self, kills: Sequence[int]) -> None:
        for after in kills:
            wait_until(lambda after=after: self.done >= after, timeout_s=600, what="operations")
            if self.random.random() < 0.5:
                self.kills["worker"] += 1
                self.served.kill_worker()
            else:
                self.kills["all"] += 1
                self.served.kill()
                self.served.start()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("count", "kills"), [(200, 1), pytest.param(20_000, 40, marks=pytest.mark.full)], ids=["ci", "full"]
)
def test_one_serial_story_explains_what_everybody_was_told(
    counter: Counter, served: Branch, count: int, kills: int
) -> None:
    purses = fill(counter.house, PURSES, FUNDS)
    history = History(served, purses, count, seed=count)
    history.run([(turn + 1) * count // (kills + 2) for turn in range(kills)])
    heard = [one for one in history.operations if one.answer is not None]
    history.resolve()
    print(  # noqa: T201 - the figures of a run
        f"{count} operations, kills {dict(history.kills)}, unheard {history.unheard}, "
        f"accepted {sum(one.accepted for one in history.operations)}"
    )
    assert sum(history.kills.values()) == kills
    ensure_one_effect_each(counter, history.operations)
    ensure_stored_replies_are_what_was_heard(counter, heard)
    ensure_serial(counter, history.operations, purses)
    for one in heard[::ASK_AGAIN_EVERY]:
        again = served.insist(TRANSFERS, one.body, one.key)
        assert again.is_hit
        assert one.answer is not None
        assert again.same(one.answer)


def ensure_one_effect_each(counter: Counter, operations: Sequence[Operation]) -> None:
    """Each accepted one is a transfer, each other one a refusal, and neither is anything else."""
    moved = {
        row.id for row in counter.house.rows("SELECT id FROM transfers WHERE debit_account <> :s", s=SOURCE)
    }
    refused = {row.id for row in counter.house.rows("SELECT id FROM transfer_refusals")}
    assert moved == {one.id for one in operations if one.accepted}
    assert refused == {one.id for one in operations if not one.accepted}


def ensure_stored_replies_are_what_was_heard(counter: Counter, heard: Sequence[Operation]) -> None:
    """The reply that is kept under each key is the one that its client has read."""
    rows = counter.house.rows("SELECT key, status, body FROM idempotency_replies")
    kept = {row.key: (row.status, bytes(row.body)) for row in rows}
    for one in heard:
        assert one.answer is not None
        assert kept[one.key] == (one.answer.status, one.answer.body)


def ensure_serial(counter: Counter, operations: Sequence[Operation], purses: Sequence[AccountKey]) -> None:
    """In the order of their numbers nobody spends what is not there, and nobody overtakes the past."""
    by_id = {one.id: one for one in operations}
    rows = counter.house.rows("SELECT id FROM transfers WHERE debit_account <> :s ORDER BY number", s=SOURCE)
    story = [by_id[row.id] for row in rows]
    left = dict.fromkeys((key.id for key in purses), FUNDS)
    for one in story:
        left[one.debit.id] -= one.amount
        left[one.credit.id] += one.amount
        assert left[one.debit.id] >= 0
    assert standing(counter.house, purses) == left
    earliest_told = float("inf")
    for one in reversed(story):
        assert one.asked_at <= earliest_told, "told of before it was asked for, yet later in the story"
        earliest_told = min(earliest_told, one.told_at or float("inf"))
