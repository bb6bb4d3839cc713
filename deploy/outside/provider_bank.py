"""The bank, simulated: reads an order as pain.001.001.09 and answers with a statement as camt.053.001.08.

A transfer that was paid is a debit entry; one that came back is a credit entry with its return reason; about
a silent one the statement says nothing. The order is read three times rather than kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from deploy.outside.iso20022 import Entry, Statement, Transfer, read_order, write_statement
from deploy.outside.outcomes import REASONS_OF_BANK, Result, outcome_of
from deploy.outside.provider import Unreadable, run_provider

STATEMENT_ID_MAX = 35


def answer(source: Path, target: Path, seed: str) -> None:
    """The statement for an order.

    Raises: Unreadable where the order is no pain.001.001.09, is cut off, or mixes currencies.
    """
    try:
        write_statement(target, _statement(source, seed), _entries(source, seed))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"{source.name} is no order that can be carried out: {error}") from error


def _entries(source: Path, seed: str) -> Iterator[Entry]:
    for transfer in read_order(source):
        outcome = outcome_of(seed, transfer.end_to_end_id, REASONS_OF_BANK)
        if outcome.result is not Result.SILENT:
            yield Entry(transfer, outcome.reason)


def _statement(source: Path, seed: str) -> Statement:
    """The account held what was paid out, and after the day holds what came back."""
    first = _one_currency(source)
    paid = returned = 0
    for entry in _entries(source, seed):
        if entry.reason:
            returned += int(entry.transfer.amount)
        else:
            paid += int(entry.transfer.amount)
    return Statement(source.stem[-STATEMENT_ID_MAX:], first.currency, first.execute_on, paid, returned)


def _one_currency(source: Path) -> Transfer:
    first: Transfer | None = None
    for transfer in read_order(source):
        first = first or transfer
        if transfer.currency != first.currency:
            raise ValueError(
                f"transfer {transfer.end_to_end_id} is in {transfer.currency}, others in {first.currency}"
            )
    if first is None:
        raise ValueError("it holds no transfer")
    return first


if __name__ == "__main__":
    run_provider(__doc__, ".xml", answer)
