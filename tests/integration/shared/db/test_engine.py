"""A connection that was lost at rest is replaced before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from shared.db import engine as engine_module
from shared.db.engine import make_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.local.provisioning import Addresses


@pytest.fixture
def engine(empty_database: Callable[[str], Addresses]) -> Iterator[Engine]:
    engine = make_engine(empty_database("bus").service, application="tests", pool_size=1)
    yield engine
    engine.dispose()


def session_of(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)


def end(engine: Engine, session: int) -> None:
    """End a session that is at rest in the pool, from a connection that is thrown away."""
    other = make_engine(engine.url.render_as_string(hide_password=False), application="tests")
    with other.connect() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": session})
    other.dispose()


def test_a_connection_lost_at_rest_is_made_anew(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "TRIED_AFTER_S", 0)
    before = session_of(engine)
    assert session_of(engine) == before
    end(engine, before)
    assert session_of(engine) != before


def test_one_used_a_moment_ago_is_not_tried_and_its_loss_is_told_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "TRIED_AFTER_S", 3600)
    before = session_of(engine)
    end(engine, before)
    with pytest.raises(OperationalError):
        session_of(engine)
    assert session_of(engine) != before


def test_a_server_that_is_away_is_told_as_such(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "TRIED_AFTER_S", 0)
    before = session_of(engine)
    end(engine, before)
    engine.dialect.connect = _no_server  # type: ignore[method-assign]
    with pytest.raises(OperationalError, match="nobody listens"):
        session_of(engine)


def _no_server(*_: object, **__: object) -> object:
    import psycopg  # noqa: PLC0415 - the driver's own error

    raise psycopg.OperationalError("nobody listens")
