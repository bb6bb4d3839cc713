"""More requests than the API can answer, up to five times as many: what it acknowledges is done, once."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter as Count
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from services.allocation.ledger.model import Role
from shared.kernel.ids import id_of
from tests.integration.models.answers import TRANSFERS, Answer, Unanswered
from tests.integration.models.branch import Branch
from tests.integration.models.counter import Counter
from tests.integration.models.money import fill, move, purse, request, standing

PURSES, TIMES, HANDS, CROWD = 8, 5, 16, 200
PATIENCE_S = 5.0
TO_MEASURE = 100
SPENT = purse(0, Role.SPENT)
TRY_LATER = {429, 503}


@dataclass
class Crowd:
    """Clients who ask for one đồng each, and what each of them was told."""

    served: Branch
    told: dict[int, Answer] = field(default_factory=dict)
    unheard: list[int] = field(default_factory=list)

    def ask(self, number: int) -> None:
        try:
            self.told[number] = self.served.send(TRANSFERS, body_of(number), key_of(number))
        except Unanswered:
            self.unheard.append(number)

    def capacity(self) -> float:
        """Answers a second when a few ask as fast as they are answered."""
        half = TO_MEASURE // 2
        with ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(self.ask, range(half)))  # its processes are warm afterwards
            began = time.monotonic()
            list(pool.map(self.ask, range(half, TO_MEASURE)))
        return (TO_MEASURE - half) / (time.monotonic() - began)

    def press(self, rate: float, seconds: float) -> int:
        """How many asked, at an even rate that waits for no answer as long as one of the crowd is free."""
        numbers = itertools.count(TO_MEASURE)
        began, lock = time.monotonic(), threading.Lock()

        def hand() -> None:
            while True:
                with lock:
                    number = next(numbers)
                due = (number - TO_MEASURE) / rate
                if due > seconds:
                    return
                threading.Event().wait(max(began + due - time.monotonic(), 0))
                if time.monotonic() - began > seconds:
                    return  # nobody was free to ask in time
                self.ask(number)

        with ThreadPoolExecutor(CROWD) as pool:
            for one in [pool.submit(hand) for _ in range(CROWD)]:
                one.result()
        return len(self.told) + len(self.unheard) - TO_MEASURE


def body_of(number: int) -> dict[str, object]:
    return request(move(purse(number % PURSES), SPENT, 1, id_=id_of("crowd", number)))


def key_of(number: int) -> str:
    return f"crowd-{number}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", [0.2, pytest.param(60, marks=pytest.mark.full)])
def test_too_many_requests_lose_nothing_that_was_acknowledged(
    counter: Counter, served: Branch, seconds: float
) -> None:
    fill(counter.house, PURSES)
    crowd = Crowd(served)
    capacity = crowd.capacity()
    served.patience_s = PATIENCE_S
    asked = crowd.press(TIMES * capacity, seconds)
    statuses = Count(answer.status for answer in crowd.told.values())
    print(  # noqa: T201 - the figures of a run
        f"capacity {capacity:.0f}/s; {asked} asked in {seconds} s; answered {dict(statuses)}, "
        f"unheard {len(crowd.unheard)}; {(len(crowd.told) - TO_MEASURE) / seconds:.0f} answers/s"
    )
    assert set(statuses) <= {200, *TRY_LATER}
    refused = [answer for answer in crowd.told.values() if answer.status in TRY_LATER]
    assert all(int(answer.retry_after or 0) > 0 for answer in refused)
    done = {number for number, answer in crowd.told.items() if answer.status == 200}
    assert all(crowd.told[number].verdicts == [("accepted", False)] for number in done)
    stored = {
        row.id
        for row in counter.house.rows("SELECT id FROM transfers WHERE credit_account = :id", id=SPENT.id)
    }
    assert {id_of("crowd", number) for number in done} <= stored
    for number in sorted(set(crowd.told) - done) + crowd.unheard:
        answer = served.insist(TRANSFERS, body_of(number), key_of(number))
        assert answer.verdicts == [("accepted", False)]
    assert standing(counter.house, [SPENT]) == {SPENT.id: TO_MEASURE + asked}
