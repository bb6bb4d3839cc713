"""Records that a producer of kafka-python was handed, and what it owes for them.

The producer's thread sends while its user goes on; a record that fails ends it before a later one goes out.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.bus.port import Record
from shared.kernel.errors import Unavailable


@dataclass(eq=False, slots=True)
class KafkaConfirmation:
    """What the bus owes for the records of one call."""

    sending: Sending
    futures: Sequence[Any]  # of kafka-python, one a record
    count: int
    confirm: Callable[[KafkaConfirmation], None]
    durable: bool = False

    def wait(self) -> None:
        """The records, and all that the bus was handed before them, are acknowledged by every replica."""
        self.confirm(self)


class Sending:
    """One producer with what it was handed and has not confirmed yet, in that order."""

    def __init__(self, producer: Any) -> None:  # noqa: ANN401 - kafka-python has no types
        self.producer = producer
        self.first_failure: BaseException | None = None
        self._on_their_way: deque[KafkaConfirmation] = deque()
        self._stopped = threading.Event()

    def hand_over(
        self, records: Sequence[Record], confirm: Callable[[KafkaConfirmation], None]
    ) -> KafkaConfirmation:
        """The producer has the records behind all that it was handed before. Raises: KafkaError."""
        send, fail = self.producer.send, self._fail
        futures = [
            send(record.topic, record.value, record.key.encode(), list(record.headers)).add_errback(fail)
            for record in records
        ]
        handed = KafkaConfirmation(self, futures, len(records), confirm)
        self._on_their_way.append(handed)
        return handed

    def settle(self, handed: KafkaConfirmation, timeout_s: float) -> None:
        """Everything up to what was handed over is durable; what came behind it is still on its way.

        Raises: KafkaError; Unavailable where all of it was dropped already.
        """
        deadline = time.monotonic() + timeout_s
        if self._on_their_way and handed is self._on_their_way[-1]:
            self.producer.flush(timeout_s)  # nothing follows, so it need not linger
        while not handed.durable:
            if not self._on_their_way:
                raise Unavailable("The records were dropped with their producer; send them again.")
            _wait_for(self._on_their_way[0], deadline)
            self._on_their_way.popleft()

    def drop(self, timeout_s: float) -> None:
        """The producer's thread has ended, and what was on its way is given up."""
        self._on_their_way.clear()
        self._stop()
        self.producer._sender.join(timeout_s)  # noqa: SLF001

    def _stop(self) -> None:
        if not self._stopped.is_set():
            self._stopped.set()
            # kafka-python 3.0.12: close(timeout=0) waits for a flush, raises, and leaves the sender running
            self.producer._sender.force_close()  # noqa: SLF001

    def _fail(self, error: BaseException) -> None:
        """Called in the producer's thread, before it looks for the next batch.

        Else kafka-python 3.0.12 would go on under a new epoch with records that came behind the failed one.
        """
        if not self._stopped.is_set():
            self.first_failure = error
            self._stop()


def _wait_for(handed: KafkaConfirmation, deadline: float) -> None:
    for future in handed.futures:
        if not future.succeeded():
            future.get(max(deadline - time.monotonic(), 0))
    handed.durable = True
    handed.futures = ()
