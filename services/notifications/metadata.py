"""All tables of this service: its own and those of the kernel."""

from __future__ import annotations

from shared.db import naming
from shared.inbox import tables as inbox
from shared.journal import tables as journal
from shared.signs import tables as signs
from shared.web import replies

metadata = naming.adopt(naming.metadata(), journal.metadata, inbox.metadata, replies.metadata, signs.metadata)
