"""`python -m tests.faults.crashing beneficiaries worker`: a service's process that kills itself on cue.

`CRASH_AT=point:occurrence` names where. The service's own entry runs, and the product knows nothing of this:
seams are wrapped here before it begins. `CRASH_REPORT` names a file that is told when the process is back at
work and when it dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import psycopg
from sqlalchemy import text

from shared.bus import kafka, kafka_subscription
from shared.db.unit_of_work import UnitOfWork, Work
from shared.entry import main as enter
from shared.inbox.consumer import Consumer
from shared.jobs.runner import Runner
from shared.journal.relay import Relay
from shared.kernel.acts import Act
from shared.process import Heartbeats

RELAY = ("page_half_sent", "page_sent_cursor_not_saved", "cursor_saved")
COMMITS = ("before_a_commit", "after_a_commit")
INBOX = ("effect_stored_not_acknowledged", "acknowledged")
COPY = "in_the_middle_of_a_copy"
POINTS = {
    ("allocation", "worker"): (*COMMITS, COPY, *RELAY, *INBOX, "in_the_middle_of_a_batch"),
    ("beneficiaries", "worker"): (*COMMITS, *RELAY, *INBOX, "in_the_middle_of_a_batch"),
    ("beneficiaries", "jobs"): (
        *COMMITS,
        COPY,
        "job_claimed",
        "chunk_done_checkpoint_not_saved",
        "between_two_chunks",
    ),
    ("audit", "worker"): (
        *COMMITS,
        COPY,
        *INBOX,
        "log_grown_sources_not_noted",
        "log_grown_checkpoint_not_published",
        "in_the_middle_of_the_checkpoint_file",
        "checkpoint_published_not_committed",
    ),
}
# How far into the work a crash may lie; what comes rarely is struck at its first or second time.
OCCURRENCE_MAX = {
    "before_a_commit": 4,
    "after_a_commit": 4,
    "between_two_chunks": 3,
    "chunk_done_checkpoint_not_saved": 3,
    "log_grown_sources_not_noted": 3,
}
OCCURRENCE_MAX_ELSE = 2
WROTE = text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")


class Fuse:
    """Kills this process when a point is reached for the last time that its cue allows."""

    def __init__(self, cue: str, report: str) -> None:
        self._point, _, occurrence = cue.partition(":")
        self._left = int(occurrence or 0)
        self._report = report
        self._lock = threading.Lock()
        self._waits_for = {"loops"}

    def reach(self, point: str) -> None:
        """The point is reached; nothing else of this process happens if it is the one."""
        if self.burns(point):
            self.die()

    def burns(self, point: str) -> bool:
        """Whether this is the moment."""
        if point != self._point:
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0

    def die(self) -> None:
        """As the kernel, a power cut or an operator would have it."""
        self.tell("struck")
        os.kill(os.getpid(), signal.SIGKILL)

    def expect(self, what: str) -> None:
        """Only with that is the process back at work."""
        with self._lock:
            self._waits_for.add(what)

    def has(self, what: str) -> None:
        """One thing that the process needs for its work is there."""
        with self._lock:
            before = bool(self._waits_for)
            self._waits_for.discard(what)
            back = before and not self._waits_for
        if back:
            self.tell("back")

    def tell(self, event: str) -> None:
        """Write down what happens, and when."""
        line = json.dumps({"event": event, "point": self._point, "at": time.monotonic(), "pid": os.getpid()})
        with open(self._report, "a", encoding="utf-8") as file:  # noqa: PTH123 - shorter than the path
            file.write(line + "\n")


def around(owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:  # noqa: ANN401
    """The attribute is what `wrap` makes of it."""
    setattr(owner, name, wrap(getattr(owner, name)))


def before(fuse: Fuse, point: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A point that is reached just before a call."""

    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def struck(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            fuse.reach(point)
            return call(*given, **named)

        return struck

    return wrap


def after(fuse: Fuse, point: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A point that is reached just after a call."""

    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def struck(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            result = call(*given, **named)
            fuse.reach(point)
            return result

        return struck

    return wrap


def at_commits(fuse: Fuse) -> None:
    """Before and after every commit that keeps something."""
    begin = UnitOfWork.begin

    @contextlib.contextmanager
    def struck(self: UnitOfWork, act: Act, **options: bool) -> Iterator[Work]:
        with begin(self, act, **options) as work:
            yield work
            wrote = work.connection.scalar(WROTE)
            if wrote:
                fuse.reach("before_a_commit")
        if wrote:
            fuse.reach("after_a_commit")

    UnitOfWork.begin = struck  # type: ignore[method-assign]


def at_copies(fuse: Fuse) -> None:
    """When the rows of a COPY are on their way and nothing has ended it."""
    copy = psycopg.Cursor.copy

    @contextlib.contextmanager
    def struck(self: psycopg.Cursor[Any], *given: Any, **named: Any) -> Iterator[psycopg.Copy]:  # noqa: ANN401
        with copy(self, *given, **named) as writing:
            yield writing
            fuse.reach(COPY)

    psycopg.Cursor.copy = struck  # type: ignore[method-assign]


def at_the_relay(fuse: Fuse) -> None:
    """While a page is sent, once it is sent, and once the cursor stands behind it."""
    hand_over = kafka.KafkaBus.hand_over

    def struck(self: kafka.KafkaBus, records: Any) -> Any:  # noqa: ANN401
        if fuse.burns("page_half_sent"):
            hand_over(self, records[: (len(records) + 1) // 2]).wait()
            fuse.die()
        return hand_over(self, records)

    kafka.KafkaBus.hand_over = struck  # type: ignore[method-assign]
    around(Relay, "_save", before(fuse, "page_sent_cursor_not_saved"))
    around(Relay, "_save", after(fuse, "cursor_saved"))


def at_the_inbox(fuse: Fuse) -> None:
    """Between a message's effect and its acknowledgement, and around both."""
    acknowledge = kafka_subscription.KafkaSubscription.acknowledge

    def struck(self: kafka_subscription.KafkaSubscription) -> None:
        polled = bool(self._polled)
        if polled:
            fuse.reach("effect_stored_not_acknowledged")
        acknowledge(self)
        if polled:
            fuse.reach("acknowledged")

    kafka_subscription.KafkaSubscription.acknowledge = struck  # type: ignore[method-assign]
    around(Consumer, "_handle", after(fuse, "in_the_middle_of_a_batch"))


def at_jobs(fuse: Fuse) -> None:
    """Between claiming a job, doing its chunk, and saving how far it is."""
    around(Runner, "_claim", after(fuse, "job_claimed"))
    around(Runner, "_save", before(fuse, "chunk_done_checkpoint_not_saved"))
    around(Runner, "_chunk", after(fuse, "between_two_chunks"))


def at_the_log(fuse: Fuse) -> None:
    """Between the log's growth, its signature, its publication, and what the database remembers of them."""
    store, keys = import_module("services.audit.log.store"), import_module("services.audit.log.keys")
    around(store, "save_growth", after(fuse, "log_grown_sources_not_noted"))
    around(keys, "publish_checkpoint", before(fuse, "log_grown_checkpoint_not_published"))
    around(keys, "publish_checkpoint", after(fuse, "checkpoint_published_not_committed"))
    write = keys._write

    def struck(file: Any, content: str, mode: int) -> None:  # noqa: ANN401
        if fuse.burns("in_the_middle_of_the_checkpoint_file"):
            file.with_suffix(file.suffix + ".new").write_text(content[: len(content) // 2])
            fuse.die()
        write(file, content, mode)

    setattr(keys, "_write", struck)  # noqa: B010


def tell_when_back(fuse: Fuse) -> None:
    """The process is back when every loop has gone round and its consumer has been given partitions."""
    beater, poll = Heartbeats.beater, kafka_subscription.KafkaSubscription.poll

    def beating(self: Heartbeats, name: str) -> Callable[[], None]:
        beat = beater(self, name)

        def told() -> None:
            beat()
            if self.ready():
                fuse.has("loops")

        if name in {"consumer", "intake"}:
            fuse.expect("partitions")
        return told

    def polling(self: kafka_subscription.KafkaSubscription, *given: Any) -> Any:  # noqa: ANN401
        found = poll(self, *given)
        if self._consumer.assignment():
            fuse.has("partitions")
        return found

    Heartbeats.beater = beating  # type: ignore[method-assign]
    kafka_subscription.KafkaSubscription.poll = polling  # type: ignore[method-assign]


def main() -> int:
    """The exit status of the service's own entry, where it lives so long."""
    service, role = sys.argv[1:]
    fuse = Fuse(os.environ.get("CRASH_AT", ""), os.environ["CRASH_REPORT"])
    for prepare in (at_commits, at_copies, at_the_relay, at_the_inbox, at_jobs, tell_when_back):
        prepare(fuse)
    if service == "audit":
        at_the_log(fuse)
    sys.argv = [service, role]
    return enter(service, import_module(f"services.{service}.__main__").ROLES)


if __name__ == "__main__":
    sys.exit(main())
