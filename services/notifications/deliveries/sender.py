"""The sending loop: take, call out, store the result. A handler writes or calls out, never both at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, text
from sqlalchemy.exc import OperationalError

from services.notifications.deliveries import store
from services.notifications.deliveries.gateways import Contacts, MailServer, SmsGateway
from services.notifications.deliveries.model import ATTEMPTS_MAX, State
from services.notifications.templates.model import render
from shared.db.engine import dedicated
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.errors import Unavailable
from shared.kernel.rest import Rest

REST_S, REST_MAX_S = 0.2, 1.0
RETRY_S = 1.0
BATCH_MAX = 50
CANDIDATES_MAX = 200

log = structlog.get_logger(__name__)


class Sender:
    """Finds recipients, then sends, until it is told to stop."""

    def __init__(
        self, unit_of_work: UnitOfWork, contacts: Contacts, mail: MailServer, sms: SmsGateway
    ) -> None:
        self._unit_of_work = unit_of_work
        self._contacts = contacts
        self._mail = mail
        self._sms = sms

    def run(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Send until `stop` is set."""
        rest = Rest(REST_S, REST_MAX_S)
        while not stop.is_set():
            beat()
            try:
                rest.after(stop, worked=self.address() + self.send() > 0)
            except (Unavailable, OperationalError) as error:
                log.warning("sender_waits", cause=str(error).splitlines()[0])
                stop.wait(RETRY_S)

    def address(self) -> int:
        """The number of messages whose recipients were looked for."""
        with self._unit_of_work.reading() as connection:
            due = store.due_messages(connection, self._now(), CANDIDATES_MAX)
        return self._each("message", due, self._address)

    def send(self) -> int:
        """The number of deliveries that were tried."""
        with self._unit_of_work.reading() as connection:
            due = store.due_deliveries(connection, self._now(), CANDIDATES_MAX)
        return self._each("delivery", due, self._send)

    def _each(self, kind: str, due: Sequence[UUID], work_on: Callable[[UUID], bool]) -> int:
        """The number of those that were worked on; each is in no other hand for as long as we live."""
        if not due:
            return 0
        with dedicated(self._unit_of_work.engine) as lock:
            done = 0
            for one in store.hold(lock, kind, due, BATCH_MAX):
                lock.execute(text("SELECT 1"))  # who lost his session holds nothing any more
                done += work_on(one)
            lock.execute(text("SELECT pg_advisory_unlock_all()"))  # a closed session lets go a little later
            return done

    def _address(self, message_id: UUID) -> bool:
        with self._unit_of_work.begin(self._act()) as work:
            message = store.take_message(work.connection, message_id, work.now)
        if message is None:
            return False
        try:
            found = self._contacts.holders(message.permission, message.unit_id)
        except Unavailable as error:
            log.warning("recipients_unknown", message=str(message.id), cause=error.message)
            with self._unit_of_work.begin(self._act()) as work:
                store.put_off(work.connection, message, work.now)
            return True
        with self._unit_of_work.begin(self._act()) as work:
            store.address(work.connection, message, found)
        return True

    def _send(self, delivery_id: UUID) -> bool:
        with self._unit_of_work.begin(self._act()) as work:
            delivery = store.take_delivery(work.connection, delivery_id, work.now)
        if delivery is None:
            return False
        try:
            self._call_out(delivery)
        except Unavailable as error:
            with self._unit_of_work.begin(self._act()) as work:
                store.fail(work.connection, delivery, work.now, error.message)
            return True
        with self._unit_of_work.begin(self._act()) as work:
            store.advance(work.connection, delivery.id, State.SENT)
        return True

    def _call_out(self, delivery: Row[Any]) -> None:
        if delivery.attempts > ATTEMPTS_MAX:
            raise Unavailable(f"Its sender ended {ATTEMPTS_MAX} times while it was sent; see the log.")
        holders = self._contacts.holders(delivery.permission, delivery.unit_id)
        contact = next((one for one in holders if one["user_id"] == delivery.user_id), None)
        if contact is None:
            raise Unavailable("This person does not hold the permission any more.")
        told = render(delivery.template, delivery.language, delivery.facts)
        if delivery.channel == "email":
            self._mail.send(str(delivery.id), contact["email"], told)
        else:
            self._sms.send(str(delivery.id), contact["phone"], told)

    def _act(self) -> Act:
        return Act.system("notifications", self._now())

    def _now(self) -> datetime:
        return self._unit_of_work.clock.now()
