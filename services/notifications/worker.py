"""The worker of notifications: relay, consumer and sender."""

from __future__ import annotations

import os

from services.notifications.config import outside
from services.notifications.deliveries.gateways import Contacts, MailServer, SmsGateway
from services.notifications.deliveries.sender import Sender
from services.notifications.messages.handlers import tell
from services.notifications.messages.model import OCCASIONS
from services.notifications.units.handlers import keep_names
from shared.inbox.consumer import Handler
from shared.process import run_loops
from shared.service import make_unit_of_work
from shared.settings import Settings
from shared.worker import consumer_loop, relay_loop, worker_bus

TOPICS = ("allocation.events.v1", "beneficiaries.events.v1")
HANDLERS: dict[str, Handler] = {
    "vn.fundtrail.units.loaded.v1": keep_names,
    **dict.fromkeys(OCCASIONS, tell),
}
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
        return run_loops(loops, settings.host, settings.health_port)
