"""Every constraint has a name that can be foretold, so that its violation becomes a clear error."""

from __future__ import annotations

from sqlalchemy import MetaData

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata() -> MetaData:
    """An empty collection of tables that names constraints by the house convention."""
    return MetaData(naming_convention=CONVENTION)


def adopt(own: MetaData, *others: MetaData) -> MetaData:
    """The first collection, now holding copies of the tables of the others too."""
    for other in others:
        for table in other.sorted_tables:
            table.to_metadata(own)
    return own
