"""What must hold between databases: money on both sides of the saga, and every journal row in the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, text

from deploy.oversight.databases import SERVICES, Databases
from deploy.oversight.findings import Finding
from services.audit.log import check as log_check
from services.audit.log import queries as log
from services.audit.log.notes import VerifierKey
from services.audit.search import check as search_check
from shared.journal import positions
from shared.journal.positions import Cursor

PAGE_ROWS = 500

SUBLEDGER = text(
    """
    SELECT coalesce(sum(p.amount_vnd), 0) AS instructed,
           coalesce(sum(p.amount_vnd) FILTER (WHERE o.kind = 'settled'), 0) AS settled,
           coalesce(sum(p.amount_vnd) FILTER (WHERE o.kind = 'returned'), 0) AS returned,
           coalesce(sum(late.amount_vnd), 0) AS late
    FROM payments p JOIN lists l ON l.id = p.list_id LEFT JOIN outcomes o ON o.payment_id = p.id
    LEFT JOIN late_returns late ON late.payment_id = p.id
    WHERE l.state IN ('drawn', 'instructed', 'closing', 'closed')
    """
)
CONTROL = text(
    """
    SELECT coalesce(sum(credits_posted - debits_posted) FILTER (WHERE role = 'provider'), 0) AS provider,
           coalesce(sum(credits_posted - debits_posted) FILTER (WHERE role = 'returned'), 0) AS returned,
           coalesce(
               sum(credits_posted - debits_posted) FILTER (WHERE role IN ('spent', 'unmatched')), 0
           ) AS spent
    FROM accounts
    """
)
PAID_AGAIN = text(
    """
    SELECT coalesce(sum(h.amount_vnd), 0)
    FROM list_holds h JOIN list_funds f ON f.list_id = h.list_id AND f.submission = h.submission
    WHERE h.origin = 'returned' AND f.state IN ('drawn', 'closed')
    """
)


def differing(databases: Databases) -> Iterator[Finding]:
    """Every difference between databases. Compare when nothing lags: an event under way is not a fault."""
    yield from _money(databases)
    yield from _log(databases)
    leaves = _leaves(databases["audit"])
    for service in SERVICES:
        yield from _journal_against_log(service, databases[service], leaves[service])


def _money(databases: Databases) -> Iterator[Finding]:
    """What came back late counts as spent no more; where its year is closed, unmatched stands for it."""
    own = databases["beneficiaries"].execute(SUBLEDGER).one()
    control = databases["allocation"].execute(CONTROL).one()
    paid_again = int(databases["allocation"].scalar(PAID_AGAIN) or 0)
    expected = {
        "provider": own.instructed - own.settled - own.returned,
        "returned": own.returned + own.late - paid_again,
        "spent": own.settled - own.late,
    }
    for role, amount in expected.items():
        found = getattr(control, role)
        if found != amount:
            message = f"the ledger has {found}, the payments come to {amount}"
            yield Finding("allocation", "subledger_ties_to_control_accounts", f"accounts/{role}", message)


def _log(databases: Databases) -> Iterator[Finding]:
    connection = databases["audit"]
    key = VerifierKey.parse(log.vkey(connection))
    for found in (*log_check.check(connection, key), *search_check.check(connection)):
        yield Finding("audit", found.code, found.place, found.message)


def _journal_against_log(service: str, connection: Connection, leaves: dict[int, bytes]) -> Iterator[Finding]:
    """The journal's rows are the log's leaves, byte for byte, in the same order."""
    for position, leaf in _journal(service, connection):
        place = f"journal/{position}"
        logged = leaves.pop(position, None)
        if logged is None:
            yield Finding(service, "journal_is_in_the_log", place, "the log does not hold this row")
        elif logged != leaf:
            yield Finding(service, "journal_is_in_the_log", place, "the row is not what was logged")
    for position in sorted(leaves):
        yield Finding(service, "journal_is_in_the_log", f"journal/{position}", "the journal lost this row")


def _journal(service: str, connection: Connection) -> Iterator[tuple[int, bytes]]:
    cursor = Cursor(0, 0)
    while page := positions.page(connection, service, cursor, 2**62, PAGE_ROWS):
        yield from ((item.position, item.leaf()) for _, item in page)
        cursor = Cursor(page[-1][1].position, page[-1][0])


def _leaves(audit: Connection) -> dict[str, dict[int, bytes]]:
    """The leaf at each position of each journal; what a restore lost is an orphan and no part of it."""
    found: dict[str, dict[int, bytes]] = defaultdict(dict)
    ended = {(one.source, one.epoch): one.ended_at for one in log.sources(audit)}
    for _, lane, position, leaf in log_check.placed_leaves(audit):
        end = ended.get((lane.source, lane.epoch))
        if end is None or position <= end:
            found[lane.source][position] = leaf
    return found
