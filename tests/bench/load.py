"""Requests from a process of its own: as fast as so many hands can, or evenly at a rate.

`python -m tests.bench.load FILE` reads what to do as JSON and prints how long each request took.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from shared.kernel.ids import new_id


def main() -> int:
    """The exit status: 1 where a request was not answered with 200."""
    order = json.loads(Path(sys.argv[1]).read_text())
    hands = [Hand(order, number) for number in range(order["hands"])]
    began = time.perf_counter()
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    spent = time.perf_counter() - began
    latencies = [one for hand in hands for one in hand.latencies_s]
    failures = [one for hand in hands for one in hand.failures]
    sys.stdout.write(json.dumps({"seconds": spent, "latencies_s": latencies, "failures": failures[:3]}))
    return 1 if failures else 0


class Hand(threading.Thread):
    """One connection that stays open and asks again and again."""

    def __init__(self, order: dict[str, Any], number: int) -> None:
        super().__init__()
        self._order = order
        self._number = number
        self.latencies_s: list[float] = []
        self.failures: list[str] = []

    def run(self) -> None:
        """Ask until the number of requests is reached."""
        order, hands = self._order, self._order["hands"]
        connection = http.client.HTTPConnection("127.0.0.1", order["port"], timeout=30)
        began = time.perf_counter()
        for turn in range(order["requests"] // hands):
            due = began
            if order["rate"]:
                due = began + (turn * hands + self._number) / order["rate"]
                time.sleep(max(due - time.perf_counter(), 0))
            else:
                due = time.perf_counter()
            self._ask(connection, turn)
            self.latencies_s.append(time.perf_counter() - due)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, turn: int) -> None:
        bodies = self._order["bodies"]
        one = dict(bodies[(turn * self._order["hands"] + self._number) % len(bodies)])
        one["id"] = str(new_id())
        headers = {**self._order["headers"], "Idempotency-Key": one["id"]}
        connection.request("POST", "/v1/transfers", json.dumps({"transfers": [one]}), headers)
        reply = connection.getresponse()
        content = reply.read()
        if reply.status != http.client.OK or b"accepted" not in content:
            self.failures.append(f"{reply.status} {content[:300]!r}")


if __name__ == "__main__":
    sys.exit(main())
