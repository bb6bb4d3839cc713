"""`fundtrail epoch begin SERVICE --reason ...`: go on after a database was restored to an earlier state."""

from __future__ import annotations

import argparse
import sys

from deploy.cli.operating import OperatorError, opened, operator_act
from deploy.local.provisioning import SERVICES
from shared.db.unit_of_work import UnitOfWork
from shared.inbox import store
from shared.journal import positions
from shared.journal.events import EpochBegun
from shared.journal.positions import Epoch
from shared.journal.recording import Topic
from shared.kernel.acts import Act
from shared.kernel.errors import Unavailable


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `epoch begin` to the command."""
    epoch = commands.add_parser("epoch", help="go on after a restore")
    actions = epoch.add_subparsers(dest="action", required=True)
    begin = actions.add_parser("begin", help="begin a new epoch of a service's journal; writing may go on")
    begin.add_argument("service", choices=SERVICES)
    begin.add_argument("--reason", required=True, help="what happened; it stands in the journal")
    begin.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the parsed arguments ask; 0 where the epoch was begun."""
    try:
        with opened(arguments.service, "owner") as unit_of_work:
            epoch = begin_epoch(unit_of_work, operator_act(unit_of_work, arguments.reason))
    except (Unavailable, OperatorError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        f"Epoch {epoch.epoch} of {arguments.service} begins at position {epoch.first_position}.\n"
        "Restart its processes; its consumers read their topics from the beginning.\n"
    )
    return 0


def begin_epoch(unit_of_work: UnitOfWork, act: Act) -> Epoch:
    """The new epoch. Consumers of this database seek to the beginning: the restored inbox knows less than
    the bus believes, and what it knows takes effect only once.
    """
    with unit_of_work.begin(act, although_halted=True) as work:
        epoch = positions.begin_epoch(work.connection, act.reason or "")
        store.forget_topic_ids(work.connection)
        work.record(EpochBegun(epoch.epoch, epoch.first_position), Topic.TRAIL)
    return epoch
