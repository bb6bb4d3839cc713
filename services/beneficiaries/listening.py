"""What beneficiaries listens to, and what it does with each kind of message."""

from __future__ import annotations

from collections.abc import Mapping

from services.beneficiaries.lists import handlers as lists
from services.beneficiaries.units.handlers import keep_units
from shared.inbox.consumer import Handler

TOPICS = ("allocation.events.v1",)
HANDLERS: Mapping[str, Handler] = {
    "vn.fundtrail.units.loaded.v1": keep_units,
    "vn.fundtrail.funds.held.v1": lists.funds_held,
    "vn.fundtrail.funds.refused.v1": lists.funds_refused,
    "vn.fundtrail.funds.drawn.v1": lists.funds_drawn,
    "vn.fundtrail.funds.voided.v1": lists.funds_voided,
    "vn.fundtrail.funds.withdrawal_too_late.v1": lists.withdrawal_too_late,
    "vn.fundtrail.funds.list_closed.v1": lists.list_closed,
    "vn.fundtrail.funds.close_refused.v1": lists.close_refused,
}
