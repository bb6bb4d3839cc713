"""What waits for a person: one tile for each kind of work, asked of the service that knows."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN = 5
COUNTED_MAX = 100
# Where all of one kind of work stands, for kinds that have such a page.
PAGES = {
    "decision": "/decisions",
    "correction": "/decisions",
    "registration": "/months/registers",
    "change": "/months/changes",
    "unanswered": "/months/unanswered",
    "discrepancy": "/months/discrepancies",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One kind of work: `name` is that of its text, `line` the macro that shows one item."""

    name: str
    permission: str
    service: str
    path: str
    line: str
    state: str = ""

    @property
    def all_at(self) -> str:
        """The page with all of it, where there is one."""
        page = PAGES.get(self.line, "")
        return f"{page}?state={self.state}" if page and self.state else page


TILES = (
    Tile("to_correct", "decisions.draft", "allocation", "/v1/decisions", "correction", "sent_back"),
    Tile("to_approve", "decisions.approve", "allocation", "/v1/decisions", "decision", "submitted"),
    Tile("to_issue", "decisions.issue", "allocation", "/v1/decisions", "decision", "approved"),
    Tile("registers", "persons.approve", "beneficiaries", "/v1/registrations", "registration", "prepared"),
    Tile("changes", "changes.approve", "beneficiaries", "/v1/changes", "change", "requested"),
    Tile("lists_to_submit", "lists.submit", "beneficiaries", "/v1/lists", "list", "computed"),
    Tile("lists_to_approve", "lists.approve", "beneficiaries", "/v1/lists", "list", "submitted"),
    Tile("lists_refused", "lists.submit", "beneficiaries", "/v1/lists", "list", "refused"),
    Tile("withdrawals", "withdrawals.answer", "allocation", "/v1/withdrawals", "withdrawal", "requested"),
    Tile("unanswered", "results.upload", "beneficiaries", "/v1/unanswered", "unanswered"),
    Tile("discrepancies", "results.upload", "beneficiaries", "/v1/discrepancies", "discrepancy"),
    Tile("jobs_failed", "jobs.read", "beneficiaries", "/v1/jobs", "job", "failed"),
    Tile("messages", "signed_in", "notifications", "/v1/messages", "message"),
)
