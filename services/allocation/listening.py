"""What allocation listens to, and what it does with each kind of message."""

from __future__ import annotations

from collections.abc import Mapping

from services.allocation.funding import answers
from services.allocation.funding import handlers as funding
from shared.inbox.consumer import Handler

TOPICS = ("beneficiaries.events.v1",)
HANDLERS: Mapping[str, Handler] = {
    "vn.fundtrail.lists.approved.v1": funding.hold_funds,
    "vn.fundtrail.lists.withdrawal_requested.v1": funding.withdraw_list,
    answers.SETTLED: answers.post_answers,
    answers.RETURNED: answers.post_answers,
    "vn.fundtrail.payments.returned_late.v1": answers.post_returned_late,
    "vn.fundtrail.lists.closed.v1": funding.close_list,
}
