"""Clients who ask for one đồng each, and what each of them was told."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import Counter as Count
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from services.allocation.ledger.model import Role
from shared.kernel.ids import id_of
from tests.integration.allocation.house import House
from tests.integration.models.answers import TRANSFERS, Answer, Unanswered
from tests.integration.models.branch import Branch
from tests.integration.models.money import move, purse, request, standing

PURSES = 8
AGAIN = 200  # of those who were not served ask once more
SPENT = purse(0, Role.SPENT)


@dataclass
class Crowd:
    """Whoever asks a branch; nobody asks twice."""

    served: Branch
    told: dict[int, Answer] = field(default_factory=dict)
    unheard: list[int] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def ask(self) -> None:
        number = next(self.numbers)
        try:
            self.told[number] = self.served.send(TRANSFERS, body_of(number), key_of(number))
        except Unanswered:
            self.unheard.append(number)

    def statuses(self) -> Count[int]:
        """How often which answer was given."""
        return Count(answer.status for answer in list(self.told.values()))

    def at_once(self, hands: int, count: int) -> float:
        """Answers a second when so many hands ask as fast as they are answered."""
        began = time.monotonic()
        with ThreadPoolExecutor(hands) as pool:
            for one in [pool.submit(self.ask) for _ in range(count)]:
                one.result()
        return count / (time.monotonic() - began)

    @contextlib.contextmanager
    def asking(self, hands: int) -> Iterator[None]:
        """So many hands ask all the while; who is told to come later waits a little before the next one."""
        stop = threading.Event()

        def hand() -> None:
            while not stop.is_set():
                before = self.statuses()[200]
                self.ask()
                stop.wait(0.0 if self.statuses()[200] > before else 0.05)

        with ThreadPoolExecutor(hands) as pool:
            for_all = [pool.submit(hand) for _ in range(hands)]
            try:
                yield
            finally:
                stop.set()
            for one in for_all:
                one.result()

    def press(self, hands: int, rate: float, seconds: float) -> int:
        """How many asked, at an even rate that waits for no answer as long as one of the crowd is free."""
        turns, lock, began = itertools.count(), threading.Lock(), time.monotonic()
        before = len(self.told) + len(self.unheard)

        def hand() -> None:
            while True:
                with lock:
                    due = next(turns) / rate
                if due > seconds:
                    return
                threading.Event().wait(max(began + due - time.monotonic(), 0))
                if time.monotonic() - began > seconds:
                    return  # nobody was free to ask in time
                self.ask()

        with ThreadPoolExecutor(hands) as pool:
            for one in [pool.submit(hand) for _ in range(hands)]:
                one.result()
        return len(self.told) + len(self.unheard) - before

    def ensure_told_the_truth(self, house: House) -> None:
        """What was acknowledged is stored, what was turned away is not, the rest is found by its key."""
        done = {number for number, answer in self.told.items() if answer.status == 200}
        away = {number for number, answer in self.told.items() if answer.status == 429}
        assert all(self.told[number].verdicts == [("accepted", False)] for number in done)
        others = set(self.told) - done
        assert all(int(self.told[number].retry_after or 0) > 0 for number in others)
        found = stored(house)
        assert {id_of("crowd", number) for number in done} <= found
        assert not found & {id_of("crowd", number) for number in away}
        unsure = [n for n in [*others, *self.unheard] if id_of("crowd", n) in found]
        for number in [*unsure, *sorted(others)[:: len(others) // AGAIN + 1], *self.unheard[:AGAIN]]:
            answer = self.served.insist(TRANSFERS, body_of(number), key_of(number))
            assert answer.verdicts == [("accepted", False)]
        assert standing(house, [SPENT])[SPENT.id] == len(stored(house))


def body_of(number: int) -> dict[str, object]:
    return request(move(purse(number % PURSES), SPENT, 1, id_=id_of("crowd", number)))


def key_of(number: int) -> str:
    return f"crowd-{number}"


def stored(house: House) -> set[UUID]:
    """Whatever was spent."""
    return {row.id for row in house.rows("SELECT id FROM transfers WHERE credit_account = :id", id=SPENT.id)}
