"""The worker of notifications: relay, consumer and sender."""

from __future__ import annotations

import os

from services.notifications.config import outside
from services.notifications.deliveries.gateways import Contacts, MailServer, SmsGateway
from services.notifications.deliveries.sender import Sender
from services.notifications.listening import HANDLERS, TOPICS
from shared.process import run_loops
from shared.service import make_unit_of_work
from shared.settings import Settings
from shared.worker import consumer_loop, relay_loop, sign_of, worker_bus

ACCOUNT_FILE = "notifications-account.json"


def run(settings: Settings) -> int:
    """The exit status once the worker was told to stop, or crashed."""
    places = outside(os.environ)
    unit_of_work = make_unit_of_work("notifications", "worker", settings)
    with worker_bus("notifications", settings) as bus:
        sender = Sender(
            unit_of_work,
            Contacts(places.portal_url, settings.state_dir / ACCOUNT_FILE),
            MailServer(places.smtp_host, places.smtp_port),
            SmsGateway(places.sms_url),
        )
        loops = {
            "relay": relay_loop("notifications", unit_of_work, bus),
            "consumer": consumer_loop("notifications", unit_of_work, bus, TOPICS, HANDLERS),
            "sender": sender.run,
        }
        sign = sign_of("worker", unit_of_work, settings)
        return run_loops(loops, settings.host, settings.health_port, sign)
