"""The people of a province: month after month of lists, and an accountant who moves money all the while.

Each act is insisted on until it is acknowledged; what was acknowledged is written down, so that afterwards
it can be asked for.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.exc import OperationalError

from services.allocation.ledger import handlers as ledger
from services.allocation.ledger.model import Kind, Transfer
from shared.kernel.errors import Conflict, Unavailable
from shared.kernel.ids import new_id
from shared.kernel.money import Money
from shared.kernel.periods import Period
from tests.bench import province as acts
from tests.bench.population import KNOWN_ON
from tests.bench.province import Province
from tests.bench.site import engine_of

LOOK_EVERY_S = 0.1
PATIENCE_S = 900.0
SMALL_VND = 1_000


@dataclass
class Book:
    """What the servers have acknowledged."""

    acts: list[tuple[str, str, str]] = field(default_factory=list)  # service, type, key of its journal row
    transfers: list[UUID] = field(default_factory=list)
    moves: list[tuple[float, float]] = field(default_factory=list)  # when, and how long it took; seconds
    lost_answers: int = 0  # acts that were done although nobody was told


class Stopped(Exception):
    """The campaign is over before its time."""


class Clerk(threading.Thread):
    """Takes months through, one after the other, as long as `more` wants them."""

    def __init__(self, province: Province, more: Callable[[int], bool], pause_s: float = 0.0) -> None:
        super().__init__(daemon=True)
        self._pause_s = pause_s  # between two acts
        self._province = province
        self._more = more
        self._period = ""
        self.book = Book()
        self.done: list[str] = []
        self.working = threading.Event()
        self.stopping = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Every month until none is wanted; what goes wrong is kept for who waits."""
        try:
            owner_url = self._province.databases["beneficiaries"].owner
            for period in self._province.periods:
                if not self._more(len(self.done)):
                    break
                self._month(period, owner_url)
        except Stopped:
            return
        except BaseException as error:  # noqa: BLE001 - told to the main thread, which raises it
            self.failure = error

    def unfinished(self) -> bool:
        """Whether the month has lists that are not closed, or rows that are not signed."""
        if not self.working.is_set():
            return False
        try:
            return not (self._province.all_lists_are("closed", self._period) and acts.signed(self._province))
        except Unavailable:
            return True

    def _month(self, period: str, owner_url: str) -> None:
        content = self._computed(period, owner_url)
        self._period = period
        accountant = Accountant(self._province, self.book, self.stopping)
        accountant.start()
        self.working.set()
        try:
            self._pass_through(period, content)
        finally:
            accountant.end.set()
            accountant.join()
        self._wait("signed", lambda: acts.signed(self._province))
        self.working.clear()
        self.done.append(period)

    def _computed(self, period: str, owner_url: str) -> bytes:
        """The provider's answer to a month's lists, which are computed however often that takes."""
        while not self.stopping.is_set():
            with (
                contextlib.suppress(OperationalError),
                engine_of(owner_url, "faults") as owner,
                owner.connect() as connection,
            ):
                acts.compute(self._province, connection, period)
                return acts.answer_to(connection, period)
            self.stopping.wait(LOOK_EVERY_S)
        raise Stopped

    def _pass_through(self, period: str, content: bytes) -> None:
        province = self._province
        lists: list[UUID] = []
        self._insist("", "", "", lambda: lists.extend(acts.ids(province, period)))
        for one in lists:
            self._insist("beneficiaries", "lists.submitted", one, lambda one=one: acts.submit(province, one))
            self._insist("beneficiaries", "lists.approved", one, lambda one=one: acts.approve(province, one))
        self._wait("held", lambda: province.all_lists_are("held", period))
        self._confirm(province)
        self._wait("instructed", lambda: province.all_lists_are("instructed", period))
        self._insist("", "", "", lambda: acts.upload(province, content))
        waiting = "SELECT count(*) FROM statements WHERE state <> 'told'"
        self._wait("told", lambda: province.count("beneficiaries", waiting) == 0)
        self._close(province, period, lists)

    def _confirm(self, province: Province) -> None:
        requests: list[UUID] = []
        self._wait("requests", lambda: bool(requests.extend(acts.requested(province)) or requests))
        for one in requests:
            self._insist("", "", "", lambda one=one: acts.confirm(province, one))

    def _close(self, province: Province, period: str, lists: Sequence[UUID]) -> None:
        """A list whose closing the ledger refused, because posts were still under way, is closed again."""
        open_again = f"SELECT count(*) FROM lists WHERE state = 'instructed' AND period = '{period}'"

        def settled() -> bool:
            closed = province.all_lists_are("closed", period)
            return closed or province.count("beneficiaries", open_again) > 0

        for one in lists:
            self._insist("", "", "", lambda one=one: acts.close(province, one))
        while True:
            self._wait(
                "closed",
                lambda: (
                    province.all_lists_are("closed", period)
                    or province.count("beneficiaries", open_again) > 0
                ),
            )
            if province.all_lists_are("closed", period):
                return
            for one in lists:
                self._insist("", "", "", lambda one=one: acts.close(province, one))

    def _insist(self, service: str, fact: str, key: object, act: Callable[[], None]) -> None:
        """The act is done, by this attempt or by one whose answer was lost."""
        unsure = False
        self.stopping.wait(self._pause_s)
        while not self.stopping.is_set():
            try:
                act()
            except Unavailable:
                unsure = True
                self.stopping.wait(LOOK_EVERY_S)
            except Conflict:
                if not unsure and service:
                    raise
                self.book.lost_answers += unsure
                return
            else:
                if service:
                    self.book.acts.append((service, f"vn.fundtrail.{fact}.v1", str(key)))
                return
        raise Stopped

    def _wait(self, what: str, done: Callable[[], bool]) -> None:
        for _ in range(int(PATIENCE_S / LOOK_EVERY_S)):
            if self.stopping.is_set():
                raise Stopped
            try:
                if done():
                    return
            except Unavailable:
                pass
            self.stopping.wait(LOOK_EVERY_S)
        raise AssertionError(f"{what} did not come true within {PATIENCE_S:.0f} s")


class Accountant(threading.Thread):
    """Moves a little money again and again; an id is tried until the ledger has answered for it."""

    def __init__(
        self, province: Province, book: Book, stopping: threading.Event, every_s: float = 0.1
    ) -> None:
        super().__init__(daemon=True)
        self._province = province
        self._book = book
        self._stopping = stopping
        self._every_s = every_s
        self.end = threading.Event()

    def run(self) -> None:
        """Until told to end."""
        source, allotment = acts.source_account().id, acts.allotment_of(acts.first_unit()).id
        while not (self.end.is_set() or self._stopping.is_set()):
            amount = Money(SMALL_VND)
            self._move(Transfer(new_id(), source, allotment, amount, Kind.DIRECT, KNOWN_ON, Period(2024, 7)))
            self.end.wait(self._every_s)

    def _move(self, transfer: Transfer) -> None:
        unit_of_work = self._province.work_of("allocation")
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                with unit_of_work.begin(self._province.act("accountant")) as work:
                    ledger.transfer(work, [transfer])
            except Unavailable:
                self._stopping.wait(LOOK_EVERY_S)
            else:
                self._book.transfers.append(transfer.id)
                self._book.moves.append((began, time.monotonic() - began))
                return
