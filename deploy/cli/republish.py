"""`fundtrail republish SERVICE`: a service's relay sends its journal again; repeats do no harm."""

from __future__ import annotations

import argparse
import sys

from deploy.cli.operating import OperatorError, opened, operator_act
from deploy.local.provisioning import SERVICES
from shared.journal.republishing import rewind
from shared.kernel.errors import Unavailable


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("republish", help="send a journal to the bus again")
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument(
        "--from", dest="position", type=int, default=1, help="the first position to send again"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status: 0 once the relay was taken back."""
    try:
        with opened(arguments.service, "owner") as unit_of_work:
            act = operator_act(unit_of_work, "republish")
            with unit_of_work.begin(act) as work:
                rewind(work.connection, arguments.position)
    except (Unavailable, OperatorError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{arguments.service} sends again from about position {arguments.position}.\n")
    return 0
