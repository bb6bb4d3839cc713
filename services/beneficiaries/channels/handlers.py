"""Writing the file of a list for its provider; that it left the house is a fact in the trail."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from services.beneficiaries.channels import pain001, post_list
from services.beneficiaries.channels.lines import pay_lines
from services.beneficiaries.lists import store
from services.beneficiaries.lists.events import ListExported
from services.beneficiaries.lists.model import State
from services.beneficiaries.providers.model import Channel
from services.beneficiaries.units.queries import names_of
from shared.db.unit_of_work import Work
from shared.journal.recording import Topic
from shared.kernel.errors import Conflict

EXPORTABLE = frozenset({State.INSTRUCTED, State.CLOSING, State.CLOSED})


@dataclass(frozen=True, slots=True)
class PayFile:
    """A file for a provider."""

    name: str
    media_type: str
    content: bytes


def export_list(work: Work, list_id: UUID) -> PayFile:
    """The list as its provider takes it.

    Raises: NotFound list_unknown; Conflict list_not_instructed before its money is in the provider's hands.
    """
    found = store.load(work.connection, list_id)
    if found.state not in EXPORTABLE:
        raise Conflict(
            "list_not_instructed", f"This list is {found.state}; its provider gets it once it is instructed."
        )
    name = names_of(work.connection).get(found.unit_id, "")
    lines = pay_lines(work.connection, list_id)
    stem = f"{found.period}_{found.provider}_{found.id}"
    if found.channel == Channel.BANK:
        content = pain001.write(found, name, lines, work.act.business_date, work.now)
        file = PayFile(f"{stem}.pain.001.xml", pain001.MEDIA_TYPE, content)
    else:
        file = PayFile(f"{stem}.xlsx", post_list.MEDIA_TYPE, post_list.write(found, name, lines))
    work.record(
        ListExported(
            str(found.id), str(found.unit_id), file.media_type, hashlib.sha256(file.content).hexdigest()
        ),
        Topic.TRAIL,
    )
    return file
