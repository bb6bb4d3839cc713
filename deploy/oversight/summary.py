"""The figures of an instance, counted from what is stored; those of the run itself come from its own file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from deploy.oversight.databases import SERVICES, Databases

BALANCE = "coalesce(sum(credits_posted - debits_posted), 0)"
PAID = (
    "payments p JOIN lists l ON l.id = p.list_id "
    "WHERE l.state IN ('drawn', 'instructed', 'closing', 'closed')"
)
SETTLED_LESS_LATE_RETURNS = (
    "SELECT (SELECT coalesce(sum(amount_vnd), 0) FROM outcomes WHERE kind = 'settled')"
    " - (SELECT coalesce(sum(amount_vnd), 0) FROM late_returns)"
)

# Key -> (database, query). Every query returns one number.
COUNTED: Mapping[str, tuple[str, str]] = {
    "units": ("allocation", "SELECT count(*) FROM units"),
    "decisions_issued": ("allocation", "SELECT count(*) FROM decisions WHERE state = 'issued'"),
    "persons": ("beneficiaries", "SELECT count(*) FROM persons"),
    "lists": ("beneficiaries", "SELECT count(*) FROM lists"),
    "payments": ("beneficiaries", "SELECT count(*) FROM payments"),
    "settled": ("beneficiaries", "SELECT count(*) FROM outcomes WHERE kind = 'settled'"),
    "returned": ("beneficiaries", "SELECT count(*) FROM outcomes WHERE kind = 'returned'"),
    "unknown": (
        "beneficiaries",
        f"SELECT count(*) FROM {PAID} AND NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.payment_id = p.id)",
    ),
    "instructed_vnd": (
        "beneficiaries",
        f"SELECT coalesce(sum(p.amount_vnd), 0) FROM {PAID}",
    ),
    "settled_vnd": ("beneficiaries", SETTLED_LESS_LATE_RETURNS),
    "ledger_spent_vnd": (
        "allocation",
        f"SELECT {BALANCE} FROM accounts WHERE role = 'spent'",
    ),
    "provider_balance_vnd": (
        "allocation",
        f"SELECT {BALANCE} FROM accounts WHERE role IN ('provider', 'returned')",
    ),
    "open_holds_vnd": (
        "allocation",
        "SELECT coalesce(sum(amount_vnd - posted_vnd - voided_vnd), 0) FROM holds",
    ),
    "arrears_vnd": (
        "beneficiaries",
        "SELECT coalesce(sum(amount_vnd), 0) FROM obligations WHERE kind = 'arrears'",
    ),
    "recoveries_vnd": (
        "beneficiaries",
        "SELECT coalesce(-sum(amount_vnd), 0) FROM obligations WHERE kind = 'recovery'",
    ),
    "audit_leaves": ("audit", "SELECT size FROM log_state"),
    "checkpoint_size": ("audit", "SELECT coalesce(max(size), 0) FROM log_checkpoints"),
    "notifications_delivered": (
        "notifications",
        "SELECT count(*) FROM deliveries WHERE state IN ('sent', 'delivered')",
    ),
}

REFUSALS = (
    "SELECT count(*) FROM journal WHERE type IN "
    "('vn.fundtrail.access.attempt_refused.v1', 'vn.fundtrail.funds.refused.v1')"
)
JOURNAL_ROWS = "SELECT count(*) FROM journal"
EVENTS_PUBLISHED = (
    "SELECT count(*) FROM journal j, journal_cursor c WHERE j.topic = 'events' AND j.seq <= c.seq"
)

KEYS = (
    "bus",
    "units",
    "decisions_issued",
    "refusals",
    "persons",
    "lists",
    "payments",
    "settled",
    "returned",
    "unknown",
    "instructed_vnd",
    "settled_vnd",
    "ledger_spent_vnd",
    "provider_balance_vnd",
    "open_holds_vnd",
    "arrears_vnd",
    "recoveries_vnd",
    "journal_rows",
    "events_published",
    "audit_leaves",
    "checkpoint_size",
    "proofs_verified",
    "alterations_detected",
    "notifications_delivered",
    "invariants_broken",
    "seconds",
)


def summary(
    databases: Databases, run: Mapping[str, Any], invariants_broken: int, seconds: int | None
) -> dict[str, Any]:
    """All keys in their order; what a run has not found out is None, never 0. Units: *_vnd in đồng."""
    found: dict[str, Any] = {
        key: _number(databases[service], query) for key, (service, query) in COUNTED.items()
    }
    found["refusals"] = _over_all(databases, REFUSALS)
    found["journal_rows"] = _over_all(databases, JOURNAL_ROWS)
    found["events_published"] = _over_all(databases, EVENTS_PUBLISHED)
    found["bus"] = run.get("bus", {}).get("kind")
    found["proofs_verified"] = run.get("proofs_verified")
    found["alterations_detected"] = run.get("alterations_detected")
    found["seconds"] = seconds
    found["invariants_broken"] = invariants_broken
    return {key: found[key] for key in KEYS}


def _over_all(databases: Databases, query: str) -> int:
    return sum(_number(databases[service], query) for service in SERVICES)


def _number(connection: Connection, query: str) -> int:
    return int(connection.scalar(text(query)) or 0)
