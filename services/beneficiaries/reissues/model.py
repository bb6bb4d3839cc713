"""Which payments that came back may be paid again: a returned one, once, to somebody who lives.

A payment that nobody answered stays where it is: its money is with the provider, and paying it again would
pay it twice if the answer is only late. So it is asked for, never reissued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.beneficiaries.providers.model import Channel
from services.beneficiaries.reconciliation.model import Standing


@dataclass(frozen=True, slots=True)
class Candidate:
    """A payment that somebody wants to pay again. Units: amount_vnd in đồng."""

    payment_id: UUID
    person_id: UUID
    amount_vnd: int
    standing: Standing
    disputed: bool
    reissued: bool
    dead: bool
    has_account: bool


OBSTACLES: Mapping[str, str] = {
    "payment_foreign": "This payment is not in the list; ask for it under its own list.",
    "payment_repeated": "This payment is named twice; name it once.",
    "payment_unanswered": "Nobody has answered for this payment: ask the provider, it may still be paid.",
    "payment_settled": "This payment was paid out; there is nothing to pay again.",
    "payment_reissued": "This payment is paid again already, by the payment named in the list's outcomes.",
    "payment_disputed": "The provider says that it came back and that it was paid; explain that row first.",
    "person_dead": "The person has died; what is left goes to the heirs by their own dossier.",
    "account_missing": "The person has no account to be paid through a bank; record one, or choose the post.",
}


def obstacle(candidate: Candidate, channel: Channel) -> str | None:
    """The code of the first reason why a payment may not be paid again through a channel, or None."""
    against = {
        "payment_unanswered": candidate.standing is Standing.UNKNOWN,
        "payment_settled": candidate.standing is Standing.SETTLED,
        "payment_reissued": candidate.reissued,
        "payment_disputed": candidate.disputed,
        "person_dead": candidate.dead,
        "account_missing": channel is Channel.BANK and not candidate.has_account,
    }
    return next((code for code, holds in against.items() if holds), None)
