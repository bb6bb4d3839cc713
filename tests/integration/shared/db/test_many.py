"""Many ids are asked for by one array."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, Uuid, insert, select

from deploy.local.provisioning import Addresses
from shared.db.engine import make_engine
from shared.db.many import array_of_ids, array_of_numbers, one_of, one_of_named
from shared.kernel.ids import id_of

things = Table("things", MetaData(), Column("id", Uuid, primary_key=True))
IDS = [id_of("thing", number) for number in range(3_000)]


@pytest.fixture
def connection(empty_database: Callable[[str], Addresses]) -> Iterator[Connection]:
    engine = make_engine(empty_database("bus").owner, application="tests")
    with engine.begin() as connection:
        things.create(connection)
        connection.execute(insert(things), [{"id": one} for one in IDS])
        yield connection
    engine.dispose()


@pytest.mark.parametrize("count", [0, 1, 2, 2_500])
def test_those_and_no_others_are_found(connection: Connection, count: int) -> None:
    wanted = [*IDS[:count], id_of("thing", "unknown")]
    assert set(connection.scalars(select(things.c.id).where(one_of(things.c.id, wanted)))) == set(IDS[:count])


def test_none_of_none_are_found(connection: Connection) -> None:
    assert connection.scalars(select(things.c.id).where(one_of(things.c.id, []))).all() == []


def test_an_id_asked_for_twice_is_found_once(connection: Connection) -> None:
    assert connection.scalars(select(things.c.id).where(one_of(things.c.id, IDS[:1] * 2))).all() == IDS[:1]


def test_a_statement_made_once_is_asked_again_and_again(connection: Connection) -> None:
    statement = select(things.c.id).where(one_of_named(things.c.id, "ids"))
    for some in (IDS[:3], IDS[7:9], []):
        assert set(connection.scalars(statement, {"ids": array_of_ids(some)})) == set(some)


def test_arrays_are_written_as_postgresql_reads_them() -> None:
    assert array_of_ids([]) == array_of_numbers([]) == "{}"
    assert array_of_numbers([1, -2, 2**53]) == "{1,-2,9007199254740992}"
