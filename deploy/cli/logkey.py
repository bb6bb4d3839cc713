"""`fundtrail logkey begin|end|list`: let one key of the audit log follow another.

Between begin and end every checkpoint carries both signatures, so that nobody is left without a key to trust.
The worker takes both up by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from deploy.cli.operating import OperatorError, opened, operator_act
from deploy.local.state import home_of
from services.audit.log import keys, rotation, store
from services.audit.log.keyring import LogKey
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.errors import Rejected, Unavailable

SERVICE = "audit"


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `logkey begin`, `logkey end` and `logkey list` to the command."""
    logkey = commands.add_parser("logkey", help="let one key of the audit log follow another")
    actions = logkey.add_subparsers(dest="action", required=True)
    begin = actions.add_parser("begin", help="a new key signs every checkpoint beside the present one")
    end = actions.add_parser("end", help="the older of two keys signs no more")
    for one in (begin, end):
        one.add_argument("--reason", required=True, help="why; it stands in the journal")
    actions.add_parser("list", help="every key of the log, one a line, as the verifier takes them")
    logkey.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the parsed arguments ask; 0 where it was done."""
    try:
        with opened(SERVICE) as unit_of_work:
            sys.stdout.write(_do(unit_of_work, home_of(os.environ).keys(SERVICE), arguments))
    except (Rejected, Unavailable) as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    except OperatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def begin(unit_of_work: UnitOfWork, folder: Path, reason: str) -> LogKey:
    """The new key; the folder holds it and publishes it beside the others."""
    with unit_of_work.begin(operator_act(unit_of_work, reason)) as work:
        begun = rotation.begin_key(work, folder)
    keys.tidy(folder, ring(unit_of_work))
    return begun


def end(unit_of_work: UnitOfWork, folder: Path, reason: str) -> LogKey:
    """The key that was ended; the folder publishes it with its last size, and no longer holds it."""
    with unit_of_work.begin(operator_act(unit_of_work, reason)) as work:
        ended = rotation.end_key(work)
    keys.tidy(folder, ring(unit_of_work))
    return ended


def ring(unit_of_work: UnitOfWork) -> list[LogKey]:
    """Every key of the log, in the order in which they were begun."""
    with unit_of_work.reading() as connection:
        return store.ring(connection)


def _do(unit_of_work: UnitOfWork, folder: Path, arguments: argparse.Namespace) -> str:
    if arguments.action == "begin":
        begun = begin(unit_of_work, folder, arguments.reason)
        return (
            f"Key {begun.key.key_id.hex()} signs beside the present one: {begun.key}\n"
            f"Hand {folder / 'log.vkey'} to the inspectors and copy the keys to their custodians; then end "
            "the older key.\n"
        )
    if arguments.action == "end":
        ended = end(unit_of_work, folder, arguments.reason)
        return (
            f"Key {ended.key.key_id.hex()} signs nothing beyond {ended.ended_size} entries. Hand "
            f"{folder / 'log.vkey'} to the inspectors; what the older key signed stays verifiable.\n"
        )
    return "".join(f"{one.line()}\n" for one in ring(unit_of_work))
