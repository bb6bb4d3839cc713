"""A service whose database was restored starts, so that somebody can look; it loads and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from deploy.local.provisioning import Addresses
from services.beneficiaries import start
from shared.db.engine import make_engine
from shared.settings import Settings


@pytest.fixture
def addresses(database: Callable[..., Addresses], monkeypatch: pytest.MonkeyPatch) -> Addresses:
    found = database("beneficiaries")
    monkeypatch.setenv("FUNDTRAIL_OWNER_DATABASE_URL", found.owner)
    return found


def settings(addresses: Addresses, folder: Path) -> Settings:
    return Settings.from_environment(
        {
            "FUNDTRAIL_SERVICE_DATABASE_URL": addresses.service,
            "FUNDTRAIL_BUS_URL": "kafka://127.0.0.1:1",
            "FUNDTRAIL_ISSUER": "https://issuer.test",
            "FUNDTRAIL_JWKS_URL": "https://issuer.test/jwks.json",
            "FUNDTRAIL_STATE_DIR": str(folder),
        }
    )


@pytest.mark.parametrize("halted", [None, "restored to an earlier state"], ids=["running", "halted"])
def test_a_halted_service_starts_and_loads_nothing(
    addresses: Addresses, tmp_path: Path, halted: str | None
) -> None:
    engine = make_engine(addresses.owner, application="tests")
    with engine.begin() as connection:
        connection.execute(text("UPDATE journal_cursor SET halted = :why"), {"why": halted})
    assert start.migrate(settings(addresses, tmp_path)) == 0
    with engine.connect() as connection:
        loaded = connection.scalar(text("SELECT count(*) FROM rates"))
        assert bool(loaded) is (halted is None)
        assert connection.scalar(text("SELECT halted FROM journal_cursor")) == halted
    engine.dispose()
