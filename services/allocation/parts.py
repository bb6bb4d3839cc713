"""What only this service's features need: the store of uploaded annexes."""

from __future__ import annotations

from shared.documents.keys import ensure_key
from shared.documents.store import DocumentStore
from shared.settings import Settings

DOCUMENT_KEY = "allocation-documents.key"


def documents(settings: Settings) -> DocumentStore:
    """The store of uploaded annexes."""
    key = ensure_key(settings.keys_dir / DOCUMENT_KEY)
    return DocumentStore(settings.state_dir / "documents" / "allocation", key)
