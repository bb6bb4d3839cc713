"""`fundtrail verify PROOF --key KEY`: the offline verifier under the common command.

The verifier itself is one file without any of our own code behind it; this only hands the arguments over.
"""

from __future__ import annotations

import argparse

from services.audit.verifier import fundtrail_verify


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command with its arguments."""
    parser = subparsers.add_parser("verify", help="verify a proof file offline, with the log's public key")
    parser.add_argument("proof", metavar="PROOF", help="the proof file")
    parser.add_argument(
        "--key",
        metavar="KEY",
        required=True,
        action="append",
        help="a verifier key of the log, or a file of them; once for each key that is trusted",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The exit status: 0 proven, 1 not proven, 2 unreadable."""
    return fundtrail_verify.main([args.proof, *(part for key in args.key for part in ("--key", key))])
