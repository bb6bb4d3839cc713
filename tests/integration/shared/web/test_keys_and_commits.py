from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.shared.web.conftest import Caller

GOOD = {"name": "a", "amount_vnd": 1}


def test_the_key_is_kept_with_its_act_or_not_at_all(officer: Caller) -> None:
    desk = officer.desk
    desk.change("INSERT INTO effects (key, value) VALUES ('a', 1)")
    desk.change(
        "ALTER TABLE effects ADD CONSTRAINT uq_effects_key UNIQUE (key) DEFERRABLE INITIALLY DEFERRED"
    )
    failed = officer.make(GOOD, "k-1")  # its reply was made when the commit refused it
    assert failed.status_code >= 400
    desk.change("DELETE FROM effects")
    again = officer.make(GOOD, "k-1")
    assert (again.status_code, again.headers.get("Idempotency-Hit")) == (201, None)
    assert desk.one("SELECT count(*) FROM effects") == 1
