"""A sender in a process of its own, which hangs in its first call until it is killed.

python dying_sender.py DATABASE_URL PORTAL_URL ACCOUNT_FILE GATEWAY_URL MOMENT
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from services.notifications.deliveries.gateways import Contacts, MailServer, SmsGateway
from services.notifications.deliveries.sender import Sender
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.clock import FixedClock


def main(database: str, portal: str, account: str, gateway: str, moment: str) -> None:
    """Address and send once."""
    clock = FixedClock(datetime.fromisoformat(moment).astimezone(UTC))
    sender = Sender(
        UnitOfWork(make_engine(database, application="tests-dying"), clock),
        Contacts(portal, Path(account)),
        MailServer("127.0.0.1", 1),
        SmsGateway(gateway),
    )
    sender.address()
    sender.send()


if __name__ == "__main__":
    main(*sys.argv[1:])
