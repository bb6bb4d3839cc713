"""The tables in the code are the tables in the database, to the last CHECK and grant."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData

from deploy.local.provisioning import Addresses
from shared.db.engine import make_engine
from shared.db.migrations import DEFAULT_GRANTS, config_for
from shared.journal.tables import PAYLOAD_COLUMNS

SERVICES = ("allocation", "beneficiaries", "notifications", "audit", "portal")
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, identity_generation
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    ORDER BY table_name, column_name
"""
CONSTRAINTS = """
    SELECT r.relname, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
    JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE n.nspname = 'public' AND r.relname <> 'alembic_version' AND c.contype <> 'n' ORDER BY 1, 2
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2
"""
SEQUENCES = "SELECT sequencename, cache_size FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
GRANTS = """
    SELECT table_name, privilege_type FROM information_schema.table_privileges
    WHERE table_schema = 'public' AND grantee = %s ORDER BY 1, 2
"""
COLUMN_GRANTS = """
    SELECT column_name FROM information_schema.column_privileges
    WHERE table_name = 'journal' AND privilege_type = 'INSERT' AND grantee = %s
"""


def rows(address: str, query: str, *values: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        return connection.execute(query, values or None).fetchall()


def metadata_of(service: str) -> MetaData:
    metadata: MetaData = importlib.import_module(f"services.{service}.schema").metadata
    return metadata


@pytest.mark.parametrize("service", SERVICES)
def test_one_migration_is_the_newest(service: str) -> None:
    assert len(ScriptDirectory.from_config(config_for(service)).get_heads()) == 1


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "query",
    [COLUMNS, CONSTRAINTS, INDEXES, SEQUENCES],
    ids=["columns", "constraints", "indexes", "sequences"],
)
def test_migrations_make_just_what_the_code_says(
    service: str,
    query: str,
    database: Callable[[str], Addresses],
    empty_database: Callable[[str], Addresses],
) -> None:
    made_by_code = empty_database(service).owner
    engine = make_engine(made_by_code, application="tests")
    metadata_of(service).create_all(engine)
    engine.dispose()
    assert rows(database(service).owner, query) == rows(made_by_code, query)


@pytest.mark.parametrize("service", SERVICES)
def test_the_service_may_do_what_each_table_says_and_nothing_more(
    service: str, database: Callable[[str], Addresses]
) -> None:
    found = rows(database(service).owner, GRANTS, f"{service}_service")
    granted: dict[str, set[str]] = {}
    for table, privilege in found:
        granted.setdefault(table, set()).add(privilege)
    for table in metadata_of(service).sorted_tables:
        said = {word.split("(")[0].strip() for word in table.info.get("grants", DEFAULT_GRANTS).split(", ")}
        if table.name == "journal":
            said = {"SELECT"}  # and INSERT by columns, below
        assert granted.get(table.name, set()) == said, table.name
    assert granted["alembic_version"] == {"SELECT"}


@pytest.mark.parametrize("service", SERVICES)
def test_the_service_writes_only_the_payload_of_the_journal(
    service: str, database: Callable[[str], Addresses]
) -> None:
    found = rows(database(service).owner, COLUMN_GRANTS, f"{service}_service")
    assert {row[0] for row in found} == set(PAYLOAD_COLUMNS)
    assert not {"xid", "seq", "recorded_at"} & set(PAYLOAD_COLUMNS)


@pytest.mark.parametrize("service", SERVICES)
def test_the_journal_takes_its_transaction_before_its_number(
    service: str, database: Callable[[str], Addresses]
) -> None:
    query = (
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'journal' "
        "ORDER BY ordinal_position LIMIT 2"
    )
    assert rows(database(service).owner, query) == [("xid",), ("seq",)]


@pytest.mark.parametrize("service", SERVICES)
def test_the_journal_is_compressed_by_the_quickest_way_that_the_server_knows(
    service: str, database: Callable[[str], Addresses]
) -> None:
    query = (
        "SELECT a.attcompression = CASE WHEN 'lz4' = ANY(s.enumvals) THEN 'l' ELSE '' END "
        "FROM pg_settings s, pg_attribute a WHERE s.name = 'default_toast_compression' "
        "AND a.attrelid = 'journal'::regclass AND a.attname = 'data'"
    )
    assert rows(database(service).owner, query) == [(True,)]


@pytest.mark.parametrize("service", SERVICES)
def test_the_numbers_of_the_journal_are_not_handed_out_in_advance(
    service: str, database: Callable[[str], Addresses]
) -> None:
    assert ("journal_seq_seq", 1) in rows(database(service).owner, SEQUENCES)


@pytest.mark.parametrize("service", SERVICES)
def test_every_constraint_has_a_name_that_can_be_foretold(service: str) -> None:
    for table in metadata_of(service).sorted_tables:
        for constraint in table.constraints:
            assert str(constraint.name).startswith(("pk_", "fk_", "uq_", "ck_")), (
                f"{table.name}: {constraint}"
            )


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"notifications"}))  # it refuses nothing
def test_every_refusal_belongs_to_a_constraint_that_exists(
    service: str, database: Callable[[str], Addresses]
) -> None:
    refusals = importlib.import_module(f"services.{service}.refusals").REFUSALS
    names = {row[1] for row in rows(database(service).owner, CONSTRAINTS)}
    indexes = {row[1] for row in rows(database(service).owner, INDEXES)}
    assert set(refusals) <= names | indexes


@pytest.mark.parametrize("service", SERVICES)
def test_money_is_a_whole_number_in_the_database(service: str) -> None:
    for table in metadata_of(service).sorted_tables:
        for column in table.columns:
            if column.name.endswith("_vnd"):
                assert str(column.type) == "BIGINT", f"{table.name}.{column.name}"
            assert str(column.type) not in {"FLOAT", "NUMERIC", "REAL"}, f"{table.name}.{column.name}"


@pytest.mark.parametrize("service", SERVICES)
def test_instants_know_their_zone(service: str) -> None:
    for table in metadata_of(service).sorted_tables:
        for column in table.columns:
            if column.name.endswith("_at"):
                assert getattr(column.type, "timezone", False), f"{table.name}.{column.name}"
