"""A bus at the edge of a test: it gives a consumer what topics hold, as often and in the order we like."""

from __future__ import annotations

import random
from collections.abc import Sequence

from shared.bus.port import POLL_RECORDS_MAX, Bus, Delivered

WINDOW = 1_000
QUIET_S = 2.0


def everything_on(bus: Bus, group: str, topics: Sequence[str]) -> list[Delivered]:
    """Every record of the topics, as a group that never read before gets them."""
    bus.ensure_topics(topics)
    subscription = bus.subscribe(group, topics)
    records: list[Delivered] = []
    try:
        while not records or (found := subscription.poll(QUIET_S)):
            records += found if records else subscription.poll(QUIET_S)
    finally:
        subscription.close()
    return records


def in_windows(records: Sequence[Delivered], seed: int) -> list[Delivered]:
    """The records, shuffled within each thousand."""
    dice, shuffled = random.Random(seed), []
    for start in range(0, len(records), WINDOW):
        window = list(records[start : start + WINDOW])
        dice.shuffle(window)
        shuffled += window
    return shuffled


class Edge:
    """A bus whose subscriptions hand out given records once; of topics it knows what the real one says."""

    def __init__(self, real: Bus, records: Sequence[Delivered]) -> None:
        self._real = real
        self._records = records

    def ensure_topics(self, topics: Sequence[str], partitions: int = 0) -> None:
        """They exist: the records came from them."""

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """As the real bus says."""
        return self._real.topic_ids(topics)

    def subscribe(self, _: str, topics: Sequence[str]) -> Given:
        """The records of the topics."""
        return Given([one for one in self._records if one.topic in topics])


class Given:
    """A subscription to records that are known beforehand."""

    def __init__(self, records: list[Delivered]) -> None:
        self._records = records
        self.acknowledged = 0
        self._given = 0

    @property
    def exhausted(self) -> bool:
        """Whether every record was handed out and acknowledged."""
        return self.acknowledged == len(self._records)

    def poll(self, _: float, records_max: int = POLL_RECORDS_MAX) -> list[Delivered]:
        """The next of them."""
        found = self._records[self._given : self._given + records_max]
        self._given += len(found)
        return found

    def acknowledge(self) -> None:
        """What was handed out has had its effect."""
        self.acknowledged = self._given

    def seek_to_beginning(self) -> None:
        """From the first record again."""
        self._given = self.acknowledged = 0

    def close(self) -> None:
        """Nothing is held."""
