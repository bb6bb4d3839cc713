"""A register of a size that no province has, made by the database itself: nobody in it is a real person.

What every person gets is one published rate of Decree 55/2023; two in a hundred have late news.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import Connection, text

from services.beneficiaries.rates.handlers import load_rates
from services.beneficiaries.rates.published import published_rates
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act

DISTRICTS = 18
CLOSED = ("2024-05", "2024-06", "2024-07")
KNOWN_ON = date(2024, 7, 20)
NOON = datetime(2024, 7, 20, 5, tzinfo=UTC)

UNITS = """
    INSERT INTO units (id, code, name, level, valid_from)
    SELECT md5('unit' || n)::uuid, 'H' || n, 'Huyện minh họa ' || n, 2, DATE '2020-01-01'
    FROM generate_series(0, :districts - 1) n
"""
PERSONS = """
    INSERT INTO persons (id, number, full_name, name_key, birth_year, provider, bank_code, account_number,
                         commune_id)
    SELECT md5('person' || n)::uuid, 'QN' || n, 'Người minh họa số ' || n, 'nguoi minh hoa so ' || n,
           1940 + n % 60, CASE WHEN n % 5 < 3 THEN 'POST-QNA' ELSE 'BANK-QNA' END,
           CASE WHEN n % 5 >= 3 THEN '203' END, CASE WHEN n % 5 >= 3 THEN (10000000000 + n)::text END,
           md5('commune' || n % 241)::uuid
    FROM generate_series(1, :people) n
"""
RESIDENCES = """
    INSERT INTO person_residences (person_id, commune_id, district_id, from_period, known_on)
    SELECT md5('person' || n)::uuid, md5('commune' || n % 241)::uuid, md5('unit' || n % :districts)::uuid,
           '2020-01', DATE '2020-01-01'
    FROM generate_series(1, :people) n
"""
ENTITLEMENTS = """
    WITH kinds AS (
        SELECT code, injury_percent, row_number() OVER (ORDER BY code, injury_percent) - 1 AS place,
               count(*) OVER () AS many
        FROM rates WHERE decree LIKE '55/2023%'
    )
    INSERT INTO person_entitlements (person_id, entitlement_id, code, injury_percent, from_period, ended,
                                     known_on)
    SELECT md5('person' || n)::uuid, md5('entitlement' || n)::uuid, code, injury_percent, '2020-01', false,
           DATE '2020-01-01'
    FROM generate_series(1, :people) n JOIN kinds ON place = n % many
"""
OPENINGS = """
    INSERT INTO openings (id, period, state, document, row_count, total_vnd, prepared_by, approved_by)
    VALUES (md5(:period)::uuid, :period, 'closed', :period, :people, 0, 'bench', 'bench-2')
"""
OBLIGATIONS = """
    INSERT INTO obligations (id, person_id, entitlement_id, kind, due_period, in_period, rate_id, decree,
                             due_vnd, paid_vnd, amount_vnd, opening_id)
    SELECT gen_random_uuid(), e.person_id, e.entitlement_id, 'opening', :period, :period, r.id, r.decree,
           r.amount_vnd, 0, r.amount_vnd, md5(:period)::uuid
    FROM person_entitlements e
    JOIN rates r ON r.code = e.code AND r.injury_percent IS NOT DISTINCT FROM e.injury_percent
                 AND r.decree LIKE '55/2023%'
    ORDER BY e.number
"""
LATE_NEWS = (
    """
    INSERT INTO person_deaths (person_id, died_on, known_on)
    SELECT md5('person' || n)::uuid, DATE '2024-05-15', DATE '2024-07-10'
    FROM generate_series(1, :people) n WHERE n % 150 = 0
    """,
    """
    INSERT INTO person_residences (person_id, commune_id, district_id, from_period, known_on)
    SELECT md5('person' || n)::uuid, md5('commune' || (n + 1) % 241)::uuid,
           md5('unit' || (n + 1) % :districts)::uuid, '2024-06', DATE '2024-07-10'
    FROM generate_series(1, :people) n WHERE n % 150 = 1
    """,
    """
    INSERT INTO person_entitlements (person_id, entitlement_id, code, injury_percent, from_period, ended,
                                     known_on)
    SELECT e.person_id, e.entitlement_id, e.code, e.injury_percent, '2024-06', true, DATE '2024-07-10'
    FROM person_entitlements e JOIN generate_series(1, :people) n ON e.person_id = md5('person' || n)::uuid
    WHERE n % 150 = 2
    """,
)


def fill_register(unit_of_work: UnitOfWork, owner: Connection, people: int) -> None:
    """Units, rates, persons, facts, and three months that were closed before. Bounds: 1 to 10,000,000."""
    with unit_of_work.begin(Act.system("bench", NOON)) as work:
        load_rates(work, published_rates())
    bound = {"people": people, "districts": DISTRICTS}
    for statement in (UNITS, PERSONS, RESIDENCES, ENTITLEMENTS):
        owner.execute(text(statement), bound)
    for period in CLOSED:
        owner.execute(text(OPENINGS), {"period": period, "people": people})
        owner.execute(text(OBLIGATIONS), {"period": period})
    for statement in LATE_NEWS:
        owner.execute(text(statement), bound)
    owner.commit()
    owner.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
