"""What must be true after any fault, counted from tables, journals and the log by SQL of our own.

Lost is a payment without an outcome, or one whose outcome the ledger has not posted. Duplicated is whatever
took effect more than once. Beside that, everything that `fundtrail check` looks for must hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from deploy.oversight import comparisons, invariants, lag
from deploy.oversight.databases import Databases, opened
from services.allocation.listening import HANDLERS as OF_ALLOCATION
from services.audit.log import check as log_check
from services.beneficiaries.listening import HANDLERS as OF_BENEFICIARIES
from shared.kernel import canonical
from shared.testing.waiting import wait_until
from tests.bench.province import TELLING, Province
from tests.faults.clerk import Book

PATIENCE_S = 300.0

TOLD = """
    SELECT type, convert_from(data, 'UTF8')::jsonb AS data FROM journal
    WHERE type IN ('vn.fundtrail.payments.settled.v1', 'vn.fundtrail.payments.returned.v1')
"""
# Every payment of every closed list, how many outcomes it has, and how many facts of the journal tell of it.
PAYMENTS = f"""
    WITH told AS (
        SELECT (item ->> 'payment_id')::uuid AS id, count(*) AS times
        FROM ({TOLD}) AS facts, jsonb_array_elements(data -> 'items') AS item GROUP BY 1
    ), answered AS (SELECT payment_id AS id, count(*) AS times FROM outcomes GROUP BY 1)
    SELECT count(*) AS payments,
           count(*) FILTER (WHERE a.id IS NULL OR told.id IS NULL) AS lost,
           count(*) FILTER (WHERE a.times > 1 OR told.times > 1) AS duplicated
    FROM payments p LEFT JOIN answered a ON a.id = p.id LEFT JOIN told ON told.id = p.id
"""
CHUNKS = f"""
    SELECT data ->> 'list_id' AS list_id, data ->> 'statement_id' AS statement_id,
           (data ->> 'chunk')::int AS chunk, split_part(type, '.', 4) AS kind,
           sum(jsonb_array_length(data -> 'items')) AS payments,
           sum((SELECT sum((item ->> 'amount_vnd')::bigint) FROM jsonb_array_elements(data -> 'items') item)
           ) AS amount_vnd
    FROM ({TOLD}) AS facts GROUP BY 1, 2, 3, 4
"""
POSTS = """
    SELECT p.list_id::text AS list_id, p.statement_id::text AS statement_id, p.chunk, p.kind,
           count(*) AS times, sum(t.amount_vnd) AS amount_vnd
    FROM list_posts p JOIN transfers t ON t.id = p.transfer_id GROUP BY 1, 2, 3, 4
"""
SENT = "SELECT id::text FROM journal WHERE topic = 'events' AND type = ANY(:types)"
RECEIVED = "SELECT event_id, count(*) FROM inbox WHERE consumer = :consumer GROUP BY 1"
SUMS = """
    SELECT (SELECT sum(total_vnd) FROM lists) AS approved,
           (SELECT sum(amount_vnd) FROM outcomes WHERE kind = 'settled') AS settled,
           (SELECT sum(amount_vnd) FROM outcomes WHERE kind = 'returned') AS returned,
           (SELECT count(*) FROM lists WHERE state <> 'closed') AS open
"""
BALANCES = """
    SELECT role, sum(credits_posted - debits_posted) AS vnd FROM accounts
    WHERE role IN ('provider', 'spent', 'returned') GROUP BY role
"""
REUSED = "SELECT coalesce(sum(amount_vnd), 0) FROM list_holds WHERE origin = 'returned'"
PENDING = "SELECT sum(debits_pending) + sum(credits_pending) FROM accounts"
ASIDE = "SELECT consumer, code, message FROM quarantine"
HEARD = (
    ("beneficiaries", "allocation", tuple(OF_ALLOCATION)),
    ("allocation", "beneficiaries", tuple(OF_BENEFICIARIES)),
)


@dataclass
class Verdict:
    """What the oracle found. Nothing of it may be but zero or empty."""

    payments: int = 0
    lost: int = 0
    duplicated: int = 0
    leaves: int = 0
    faults: list[str] = field(default_factory=list)

    def ensure_clean(self) -> None:
        """Nothing, where nothing is lost, doubled or contradicted."""
        assert not self.faults, "\n".join(self.faults[:20])
        assert (self.lost, self.duplicated) == (0, 0)

    def say(self, condition: object, what: str) -> None:
        """Note what does not hold."""
        if not condition:
            self.faults.append(what)


def judge(province: Province, book: Book, patience_s: float = PATIENCE_S) -> Verdict:
    """The verdict over everything, once nothing lags any more."""
    readers = {name: one.reader for name, one in province.databases.items()}
    lagging = lag.wait_until_nothing_lags(readers, patience_s)
    indexed = "SELECT count(*) FROM search_cursor i, log_state s WHERE i.indexed = s.size"
    wait_until(lambda: province.count("audit", indexed) == 1, patience_s, "an index of all")
    verdict = Verdict(faults=lagging)
    with opened(readers) as databases:
        _payments(databases, verdict)
        _posts(databases, verdict)
        for sender, receiver, types in HEARD:
            _inbox(databases, verdict, sender, receiver, types)
        _sums(databases, verdict)
        _leaves(databases, verdict)
        _acknowledged(databases, verdict, book)
        findings = [*invariants.broken(databases), *comparisons.differing(databases)]
    verdict.faults += [str(one) for one in findings]
    return verdict


def _rows(connection: Connection, query: str, **bound: object) -> list[Mapping[str, Any]]:
    return [dict(row) for row in connection.execute(text(query), bound).mappings()]


def _payments(databases: Databases, verdict: Verdict) -> None:
    (row,) = _rows(databases["beneficiaries"], PAYMENTS)
    verdict.payments = row["payments"]
    verdict.lost += row["lost"]
    verdict.duplicated += row["duplicated"]


def _posts(databases: Databases, verdict: Verdict) -> None:
    """Every chunk of answers stands in the ledger once, with its amount."""
    names = ("list_id", "statement_id", "chunk", "kind")
    told = {tuple(row[one] for one in names): row for row in _rows(databases["beneficiaries"], CHUNKS)}
    posted = {tuple(row[one] for one in names): row for row in _rows(databases["allocation"], POSTS)}
    for place, row in told.items():
        found = posted.pop(place, None)
        if found is None:
            verdict.lost += int(row["payments"])
        elif found["times"] > 1:
            verdict.duplicated += int(row["payments"])
        else:
            verdict.say(found["amount_vnd"] == row["amount_vnd"], f"{place} was posted with another amount")
    verdict.say(not posted, f"{len(posted)} posts have no answer that led to them")


def _inbox(
    databases: Databases, verdict: Verdict, sender: str, receiver: str, types: tuple[str, ...]
) -> None:
    """Every event that a service takes was taken by it, and once."""
    sent = databases[sender].scalars(text(SENT), {"types": list(types)}).all()
    query = databases[receiver].execute(text(RECEIVED), {"consumer": receiver})
    received = {str(row[0]): int(row[1]) for row in query}
    missing = [one for one in sent if one not in received]
    verdict.say(not missing, f"{receiver} never took {len(missing)} events of {sender}")
    verdict.duplicated += sum(times - 1 for times in received.values())
    aside = _rows(databases[receiver], ASIDE)
    verdict.say(not aside, f"quarantine of {receiver}: {aside[:3]}")


def _sums(databases: Databases, verdict: Verdict) -> None:
    """What was approved was paid or came back, and the ledger says the same."""
    (own,) = _rows(databases["beneficiaries"], SUMS)
    ledger = {row["role"]: row["vnd"] for row in _rows(databases["allocation"], BALANCES)}
    verdict.say(own["open"] == 0, f"{own['open']} lists are not closed")
    verdict.say(own["approved"] == own["settled"] + own["returned"], f"sums differ: {own}")
    verdict.say(ledger.get("provider") == 0, f"a provider still holds {ledger.get('provider')}")
    verdict.say(ledger.get("spent") == own["settled"], f"spent {ledger}, settled {own['settled']}")
    reused = databases["allocation"].scalar(text(REUSED))
    verdict.say(
        ledger.get("returned") == own["returned"] - reused,
        f"{ledger}, came back {own['returned']} - {reused}",
    )
    verdict.say(databases["allocation"].scalar(text(PENDING)) == 0, "holds are still pending")


def _leaves(databases: Databases, verdict: Verdict) -> None:
    """Every journal row is one leaf, under a checkpoint."""
    audit = databases["audit"]
    leaves = Counter(canonical.decode(leaf)["id"] for *_, leaf in log_check.placed_leaves(audit))
    verdict.leaves = leaves.total()
    verdict.duplicated += leaves.total() - len(leaves)
    rows = [str(one) for name in TELLING for one in databases[name].scalars(text("SELECT id FROM journal"))]
    missing = [one for one in rows if one not in leaves]
    verdict.say(not missing, f"{len(missing)} journal rows are in no leaf")
    size = audit.scalar(text("SELECT size FROM log_state"))
    newest = audit.scalar(text("SELECT max(size) FROM log_checkpoints"))
    verdict.say(size == newest == leaves.total(), f"{leaves.total()} leaves, size {size}, signed {newest}")


def _acknowledged(databases: Databases, verdict: Verdict, book: Book) -> None:
    """Every act that somebody was told is done is there, and once."""
    query = "SELECT count(*) FROM journal WHERE type = :type AND key = :key"
    for service, fact, key in book.acts:
        times = databases[service].scalar(text(query), {"type": fact, "key": key})
        verdict.say(times == 1, f"{fact} of {key} was acknowledged and stands {times} times")
    kept = databases["allocation"].scalars(
        text("SELECT id FROM transfers WHERE id = ANY(:ids)"), {"ids": book.transfers}
    )
    lost = len(book.transfers) - len(set(kept))
    verdict.say(lost == 0, f"{lost} transfers were acknowledged and are not there")
