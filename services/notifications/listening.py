"""What notifications listens to, and what it does with each kind of message."""

from __future__ import annotations

from collections.abc import Mapping

from services.notifications.messages.handlers import tell
from services.notifications.messages.model import OCCASIONS
from services.notifications.units.handlers import keep_names
from shared.inbox.consumer import Handler

TOPICS = ("allocation.events.v1", "beneficiaries.events.v1")
HANDLERS: Mapping[str, Handler] = {
    "vn.fundtrail.units.loaded.v1": keep_names,
    **dict.fromkeys(OCCASIONS, tell),
}
