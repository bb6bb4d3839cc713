"""`fundtrail quarantine list|show|retry|drop SERVICE ...`: messages that a service could not take."""

from __future__ import annotations

import argparse
import base64
import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Row

from deploy.cli.operating import OperatorError, opened, operator_act
from deploy.local.provisioning import SERVICES
from shared.db.unit_of_work import UnitOfWork
from shared.inbox import operations
from shared.inbox.consumer import Handler
from shared.kernel.errors import Rejected, Unavailable

CONSUMERS = tuple(service for service in SERVICES if service != "audit")  # audit's intake puts nothing aside

Action = Callable[[UnitOfWork, argparse.Namespace], str]


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `quarantine` and its four actions to the command."""
    quarantine = commands.add_parser("quarantine", help="messages that a service could not take")
    actions = quarantine.add_subparsers(dest="action", required=True)
    for name, (action, summary, numbered, reasoned) in ACTIONS.items():
        parser = actions.add_parser(name, help=summary)
        parser.add_argument("service", choices=CONSUMERS)
        if numbered:
            parser.add_argument("number", type=int, help="the number that `quarantine list` shows")
        if reasoned:
            parser.add_argument("--reason", required=True, help="why; it stands in the journal")
        parser.set_defaults(run=run, do=action)


def run(arguments: argparse.Namespace) -> int:
    """Do what the parsed arguments ask; 0 where it was done, 1 where it was refused."""
    try:
        with opened(arguments.service) as unit_of_work:
            sys.stdout.write(arguments.do(unit_of_work, arguments))
    except (Rejected, Unavailable, OperatorError) as error:
        sys.stderr.write(f"{getattr(error, 'message', error)}\n")
        return 1
    return 0


def handlers_of(service: str) -> Mapping[str, Handler]:
    """The handlers that a service's worker takes messages with."""
    handlers: Mapping[str, Handler] = importlib.import_module(f"services.{service}.listening").HANDLERS
    return handlers


def _list(unit_of_work: UnitOfWork, arguments: argparse.Namespace) -> str:
    with unit_of_work.reading() as connection:
        rows = operations.list_open(connection, arguments.service)
    return "".join(map(_line, rows)) or "Nothing is in quarantine.\n"


def _show(unit_of_work: UnitOfWork, arguments: argparse.Namespace) -> str:
    with unit_of_work.reading() as connection:
        row = operations.show(connection, arguments.service, arguments.number)
    headers = "".join(
        f"  {name}: {base64.b64decode(value).decode(errors='replace')}\n" for name, value in row.headers
    )
    value = bytes(row.value).decode(errors="replace")
    return f"{_line(row)}key {row.key}, since {row.quarantined_at}\n{headers}{value}\n"


def _retry(unit_of_work: UnitOfWork, arguments: argparse.Namespace) -> str:
    act = operator_act(unit_of_work, arguments.reason)
    handlers = handlers_of(arguments.service)
    done = operations.retry(unit_of_work, arguments.service, handlers, arguments.number, act)
    text = f"{done.count} taken.\n"
    return text if done.refused is None else f"{text}Stopped at {done.refused}: {done.code}: {done.message}\n"


def _drop(unit_of_work: UnitOfWork, arguments: argparse.Namespace) -> str:
    act = operator_act(unit_of_work, arguments.reason)
    operations.drop(unit_of_work, arguments.service, arguments.number, act)
    return f"Message {arguments.number} will never take effect.\n"


def _line(row: Row[Any]) -> str:
    return f"{row.number}\t{row.state}\t{row.topic}\t{row.event_id}\t{row.code}: {row.message}\n"


ACTIONS: Mapping[str, tuple[Action, str, bool, bool]] = {
    "list": (_list, "the messages nobody has dealt with", False, False),
    "show": (_show, "one message as it was received", True, False),
    "retry": (_retry, "take a message and those that wait behind it", True, True),
    "drop": (_drop, "a message shall never take effect", True, True),
}
