"""What the portal listens to, and what it does with each kind of message."""

from __future__ import annotations

from collections.abc import Mapping

from services.portal.units.handlers import keep_units
from shared.inbox.consumer import Handler

TOPICS = ("allocation.events.v1",)
HANDLERS: Mapping[str, Handler] = {"vn.fundtrail.units.loaded.v1": keep_units}
