"""Journal rows as other services would send them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from services.audit.log import proofs
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.ids import id_of

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)

MakeEnvelope = Callable[..., Envelope]


@pytest.fixture
def envelope() -> MakeEnvelope:
    """`envelope("portal", 3, data={...}, type="...")`: a journal row; data with `items` is a bulk row."""

    def make(source: str = "allocation", position: int = 1, **changes: Any) -> Envelope:  # noqa: ANN401 - any field
        data: dict[str, Any] = changes.pop("data", {"number": position})
        epoch = changes.pop("epoch", 1)
        fields: dict[str, Any] = {
            "id": str(id_of("test", source, epoch, position)),
            "topic": "events",
            "type": "vn.fundtrail.tests.happened.v1",
            "key": "K1",
            "subjects": (),
            "occurred_at": NOON,
            "recorded_at": NOON,
            "actor": "officer-1",
            "backdated": False,
            "items_root": proofs.items_root(data["items"]).hex() if "items" in data else None,
        }
        return Envelope(
            source=source, epoch=epoch, position=position, data=canonical.encode(data), **(fields | changes)
        )

    return make
