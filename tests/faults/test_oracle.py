"""The oracle is not blind: what a fault could leave behind is found when it is put there by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from tests.bench.province import Province
from tests.faults.campaign import carry_out, province_of
from tests.faults.ground import open_ground
from tests.faults.oracle import judge

pytestmark = [pytest.mark.kafka, pytest.mark.full, pytest.mark.timeout(300)]

PEOPLE = 500
SETTLED = "vn.fundtrail.payments.settled.v1"
COLUMNS = "topic, type, key, subjects, occurred_at, actor, backdated, data, items_root"


def alter(province: Province, service: str, statement: str) -> None:
    """Something done behind the system's back."""
    engine = create_engine(province.databases[service].owner)
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount == 1, statement
    engine.dispose()


def test_what_is_lost_doubled_or_forgotten_is_found() -> None:
    with open_ground() as ground, province_of(ground, PEOPLE, 1) as province:
        outcome = carry_out(province, {}, lambda done, _: done < 1)
        outcome.verdict.ensure_clean()
        book, of_a_chunk = outcome.clerk.book, PEOPLE // 18
        alter(
            province,
            "allocation",
            "DELETE FROM list_posts WHERE transfer_id = "
            "(SELECT transfer_id FROM list_posts WHERE kind = 'settled' LIMIT 1)",
        )
        found = judge(province, book, 1.0)
        assert of_a_chunk - 3 < found.lost <= of_a_chunk + 1, "an answer that the ledger has not posted"

        alter(
            province,
            "beneficiaries",
            "DELETE FROM outcomes WHERE payment_id = "
            "(SELECT payment_id FROM outcomes WHERE kind = 'settled' LIMIT 1)",
        )
        assert judge(province, book, 1.0).lost == found.lost + 1

        alter(
            province,
            "beneficiaries",
            f"INSERT INTO journal (id, {COLUMNS}) "
            f"SELECT gen_random_uuid(), {COLUMNS} FROM journal WHERE type = '{SETTLED}' LIMIT 1",
        )
        doubled = judge(province, book, 1.0)
        assert of_a_chunk - 3 < doubled.duplicated <= of_a_chunk + 1, "payments that were told twice"
        assert "1 journal rows are in no leaf" in doubled.faults

        alter(
            province, "beneficiaries", "DELETE FROM inbox WHERE event_id = (SELECT max(event_id) FROM inbox)"
        )
        book.acts.append(("beneficiaries", "vn.fundtrail.lists.approved.v1", "a list that is not there"))
        faults = "\n".join(judge(province, book, 1.0).faults)
        assert "beneficiaries never took 1 events of allocation" in faults
        assert "a list that is not there was acknowledged and stands 0 times" in faults
