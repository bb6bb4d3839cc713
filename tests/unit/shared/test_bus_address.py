from __future__ import annotations

import pytest

from shared.bus.kafka import KafkaBus
from shared.bus.open import open_bus
from shared.bus.postgres import PostgresBus


def test_the_address_names_the_adapter_and_nothing_connects_yet() -> None:
    for url, kind in (
        ("kafka://nowhere:1,elsewhere:2", KafkaBus),
        ("postgresql+psycopg://u:p@nowhere:1/bus", PostgresBus),
    ):
        bus = open_bus(url, "tests")
        assert isinstance(bus, kind)
        bus.close()


@pytest.mark.parametrize("url", ["redis://x", "http://x", "postgres://u:p@x/y"])
def test_any_other_address_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="A bus address begins with") as caught:
        open_bus(f"{url}?password=secret", "tests")
    assert "secret" not in str(caught.value)
