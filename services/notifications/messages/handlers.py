"""Turning facts into messages; nobody is looked up and nothing is sent here."""

from __future__ import annotations

from sqlalchemy import insert

from services.notifications.messages.model import OCCASIONS
from services.notifications.messages.tables import messages
from services.notifications.units.handlers import name_of
from shared.db.unit_of_work import Work
from shared.journal.envelope import Envelope
from shared.kernel.ids import id_of


def tell(work: Work, item: Envelope) -> None:
    """One message for each occasion that the fact is."""
    facts = {name: value for name, value in item.payload().items() if name != "items"}
    for occasion in OCCASIONS[item.type]:
        if occasion.when(facts):
            unit_id = facts.get(occasion.unit_field) if occasion.unit_field else None
            work.connection.execute(
                insert(messages).values(
                    id=id_of("message", item.id, occasion.template, occasion.permission),
                    event_id=item.id,
                    template=occasion.template,
                    permission=occasion.permission,
                    unit_id=unit_id,
                    facts=facts | {"unit_name": name_of(work.connection, unit_id)},
                    channels=",".join(occasion.channels),
                    state="pending",
                )
            )
