"""The sending loop: lease, call out, store the result. A handler writes or calls out, never both at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Row

from services.notifications.deliveries import store
from services.notifications.deliveries.gateways import Contacts, MailServer, SmsGateway
from services.notifications.deliveries.model import State
from services.notifications.templates.model import render
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.errors import Unavailable

POLL_S = 0.2
RETRY_S = 1.0
BATCH_MAX = 50

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
        while not stop.is_set():
            beat()
            try:
                busy = self.address() + self.send()
            except Unavailable as error:
                log.warning("sender_waits", cause=error.message)
                stop.wait(RETRY_S)
            else:
                if not busy:
                    stop.wait(POLL_S)

    def address(self) -> int:
        """The number of messages whose recipients were looked for."""
        with self._unit_of_work.begin(self._act()) as work:
            leased = store.lease_messages(work.connection, work.now, BATCH_MAX)
        for message in leased:
            self._address(message)
        return len(leased)

    def send(self) -> int:
        """The number of deliveries that were tried."""
        with self._unit_of_work.begin(self._act()) as work:
            leased = store.lease_deliveries(work.connection, work.now, BATCH_MAX)
        for delivery in leased:
            self._send(delivery)
        return len(leased)

    def _address(self, message: Row[Any]) -> None:
        try:
            found = self._contacts.holders(message.permission, message.unit_id)
        except Unavailable as error:
            log.warning("recipients_unknown", message=str(message.id), cause=error.message)
            with self._unit_of_work.begin(self._act()) as work:
                store.put_off(work.connection, message, work.now)
            return
        with self._unit_of_work.begin(self._act()) as work:
            store.address(work.connection, message, found)

    def _send(self, delivery: Row[Any]) -> None:
        try:
            self._call_out(delivery)
        except Unavailable as error:
            with self._unit_of_work.begin(self._act()) as work:
                store.fail(work.connection, delivery, work.now, error.message)
            return
        with self._unit_of_work.begin(self._act()) as work:
            store.advance(work.connection, delivery.id, State.SENT)

    def _call_out(self, delivery: Row[Any]) -> None:
        holders = self._contacts.holders(delivery.permission, delivery.unit_id)
        contact = next((one for one in holders if one["user_id"] == delivery.user_id), None)
        if contact is None:
            raise Unavailable("This person does not hold the permission any more.")
        text = render(delivery.template, delivery.language, delivery.facts)
        if delivery.channel == "email":
            self._mail.send(str(delivery.id), contact["email"], text)
        else:
            self._sms.send(str(delivery.id), contact["phone"], text)

    def _act(self) -> Act:
        return Act.system("notifications", self._unit_of_work.clock.now())
