"""How a test asks the ledger's API, in this process or over a line, and what it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from services.allocation.ledger.model import AccountKey
from shared.kernel.ids import new_id

TRANSFERS = "/v1/transfers"


@dataclass(frozen=True)
class Answer:
    """What came back; two answers are equal when their status and their bytes are."""

    status: int
    body: bytes
    is_hit: bool = False
    retry_after: str | None = None

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        return json.loads(self.body)

    @property
    def verdicts(self) -> list[tuple[str, bool]]:
        """Verdict and whether it only repeats, of each transfer asked for."""
        return [(one["verdict"], one["exists"]) for one in self.json["outcomes"]]

    def same(self, other: Answer) -> bool:
        """Whether status and body are the same byte for byte."""
        return (self.status, self.body) == (other.status, other.body)


class Unanswered(Exception):
    """Nobody knows what became of the request."""


class Teller(Protocol):
    """Whoever takes requests."""

    def send(self, path: str, body: object, key: str | None, who: str = "teller") -> Answer:
        """The answer to a POST. Raises: Unanswered."""


def new_key() -> str:
    """A key that was never used."""
    return str(new_id())


def key_fields(key: AccountKey) -> dict[str, Any]:
    """An account as a request names it."""
    return {
        "fiscal_year": key.fiscal_year,
        "component": key.component,
        "source": key.source,
        "capital_kind": key.capital_kind.value,
        "unit_id": None if key.unit is None else str(key.unit),
        "role": key.role.value,
        "party": key.party,
    }
