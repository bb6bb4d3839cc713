"""What commands of an operator share: the way into a service's database, and who is at the keyboard."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Iterator

from deploy.local.state import home_of, read_json
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.clock import SystemClock


class OperatorError(Exception):
    """The command cannot begin; the message says what to do."""


@contextlib.contextmanager
def opened(service: str, role: str = "service") -> Iterator[UnitOfWork]:
    """The unit of work of one service of the instance in the state folder, with the rights of a role.

    Raises: OperatorError where no instance was ever started there.
    """
    home = home_of(os.environ)
    addresses = read_json(home.addresses).get(service) or {}
    if role not in addresses:
        raise OperatorError(
            f"{home.root} knows no database of {service}. Start the instance once, or set FUNDTRAIL_HOME."
        )
    engine = make_engine(addresses[role], application="fundtrail-operator", pool_size=1)
    try:
        yield UnitOfWork(engine, SystemClock())
    finally:
        engine.dispose()


def operator_act(unit_of_work: UnitOfWork, reason: str) -> Act:
    """The act of the person at the keyboard, as the operating system knows them."""
    return Act(actor=f"operator:{getpass.getuser()}", occurred_at=unit_of_work.clock.now(), reason=reason)
