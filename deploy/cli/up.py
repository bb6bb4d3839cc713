"""`fundtrail up`: start everything on this machine, and keep it up or run a command against it."""

from __future__ import annotations

import argparse
import os

from deploy.local.commands import split_commands
from deploy.local.launcher import up
from deploy.local.state import home_of


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command with its arguments."""
    parser = subparsers.add_parser(
        "up",
        help="start everything on this machine",
        usage="fundtrail up [--once] [-- COMMAND ... [-- COMMAND ...]]",
        description="Starts database, bus and all processes. Commands after -- run one after the other once "
        "everything is ready. State: FUNDTRAIL_HOME, else .fundtrail here.",
    )
    parser.add_argument("--once", action="store_true", help="stop everything after the commands")
    parser.add_argument("commands", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The exit status of the commands, or of the start."""
    return up(home_of(os.environ), dict(os.environ), split_commands(args.commands), once=args.once)
