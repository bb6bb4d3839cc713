"""What only this service's features need: sealed documents, and the sealer of personal values."""

from __future__ import annotations

from shared.documents.keys import ensure_key
from shared.documents.store import DocumentStore
from shared.kernel.sealing import Sealer
from shared.settings import Settings

MASTER_KEY = "beneficiaries-master.key"
DOCUMENT_KEY = "beneficiaries-documents.key"


def documents(settings: Settings) -> DocumentStore:
    """The store of uploaded files."""
    key = ensure_key(settings.keys_dir / DOCUMENT_KEY)
    return DocumentStore(settings.state_dir / "documents" / "beneficiaries", key)


def sealer(settings: Settings) -> Sealer:
    """The sealer under this service's master key."""
    return Sealer(ensure_key(settings.keys_dir / MASTER_KEY))
