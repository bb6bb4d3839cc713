"""Turning facts into messages; nobody is looked up and nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from services.notifications.messages.model import OCCASIONS
from services.notifications.messages.tables import messages
from services.notifications.units.handlers import names_of
from shared.inbox.handling import Caused, Together
from shared.journal.envelope import Envelope
from shared.kernel.ids import id_of


def _tell(caused: Sequence[Caused]) -> None:
    rows = [row for one in caused for row in _messages(one.item)]
    if not rows:
        return
    connection = caused[0].work.connection
    units = [UUID(row["unit_id"]) if row["unit_id"] else None for row in rows]
    names = names_of(connection, {unit for unit in units if unit})
    for row, unit in zip(rows, units, strict=True):
        row["facts"] |= {"unit_name": names.get(unit, "") if unit else ""}
    connection.execute(insert(messages), rows)


tell = Together(_tell)
"""One message for each occasion that a fact is."""


def _messages(item: Envelope) -> Iterator[dict[str, Any]]:
    facts: Mapping[str, Any] = {name: value for name, value in item.payload().items() if name != "items"}
    for occasion in OCCASIONS[item.type]:
        if occasion.when(facts):
            yield {
                "id": id_of("message", item.id, occasion.template, occasion.permission),
                "event_id": item.id,
                "template": occasion.template,
                "permission": occasion.permission,
                "unit_id": facts.get(occasion.unit_field) if occasion.unit_field else None,
                "facts": dict(facts),
                "channels": ",".join(occasion.channels),
                "state": "pending",
            }
