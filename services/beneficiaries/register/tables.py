"""Persons, the facts known of them, requests for change, and register files that wait for approval.

Facts are bitemporal: each row has the month from which it holds and the day on which it was known; rows are
added, never changed. Personal values stand in `persons` alone; erasing a person blanks that row. Rows of a
file that is not decided yet stand in `registration_rows`, and leave it as they enter or as it is rejected.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.beneficiaries.metadata import metadata
from shared.db.types import instant

persons = Table(
    "persons",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("full_name", Text, nullable=False),
    Column("name_key", Text, nullable=False, index=True),
    Column("birth_year", Integer, nullable=False),
    Column("identity_number", Text),
    Column("provider", Text, nullable=False),
    Column("bank_code", Text),
    Column("account_number", Text),
    Column("commune_id", Uuid, nullable=False),
    Column("sealed_key", LargeBinary),
    Column("registered_at", instant(), nullable=False, server_default=func.now()),
    CheckConstraint("birth_year BETWEEN 1880 AND 2100", name="birth_year"),
    CheckConstraint("(bank_code IS NULL) = (account_number IS NULL)", name="account"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

person_entitlements = Table(
    "person_entitlements",
    metadata,
    Column("number", BigInteger, Identity(always=True, cache=1), primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("entitlement_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("injury_percent", Integer),
    Column("from_period", Text, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("known_on", Date, nullable=False),
    Column("change_id", Uuid),
)

person_residences = Table(
    "person_residences",
    metadata,
    Column("number", BigInteger, Identity(always=True, cache=1), primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("commune_id", Uuid, nullable=False),
    Column("district_id", Uuid, nullable=False),
    Column("from_period", Text, nullable=False),
    Column("known_on", Date, nullable=False),
    Column("change_id", Uuid),
)

person_deaths = Table(
    "person_deaths",
    metadata,
    Column("person_id", Uuid, ForeignKey("persons.id"), primary_key=True),
    Column("died_on", Date, nullable=False),
    Column("known_on", Date, nullable=False),
    Column("change_id", Uuid),
)

changes = Table(
    "changes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("persons.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_on", Date, nullable=False),
    Column("decided_by", Text),
    Column("decided_on", Date),
    Column("version", Integer, nullable=False),
    CheckConstraint("kind IN ('death', 'move', 'reassessment', 'receiving')", name="kind"),
    CheckConstraint("state IN ('requested', 'approved', 'rejected')", name="state"),
    CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="other_person"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

registrations = Table(
    "registrations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("document_sha256", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("accepted_count", Integer, nullable=False),
    Column("refused_count", Integer, nullable=False),
    Column("entitlement_count", Integer, nullable=False),
    Column("entered_count", Integer),
    Column("prepared_by", Text, nullable=False),
    Column("prepared_on", Date, nullable=False),
    Column("decided_by", Text),
    Column("decided_on", Date),
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('reading', 'prepared', 'approved', 'entered', 'rejected')", name="state"),
    CheckConstraint("row_count = accepted_count + refused_count", name="counts"),
    CheckConstraint("(entered_count IS NOT NULL) = (state = 'entered')", name="entered"),
    CheckConstraint(
        "(decided_by IS NOT NULL) = (state IN ('approved', 'entered', 'rejected'))", name="decided"
    ),
    CheckConstraint("(decided_by IS NULL) = (decided_on IS NULL)", name="decided_on"),
    CheckConstraint("decided_by IS NULL OR decided_by <> prepared_by", name="other_person"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)

registration_rows = Table(
    "registration_rows",
    metadata,
    Column("registration_id", Uuid, ForeignKey("registrations.id"), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("person_id", Uuid, nullable=False),
    Column("number", Text, nullable=False),
    Column("full_name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("birth_year", Integer, nullable=False),
    Column("identity_number", Text),
    Column("provider", Text, nullable=False),
    Column("bank_code", Text),
    Column("account_number", Text),
    Column("commune_id", Uuid, nullable=False),
    Column("district_id", Uuid, nullable=False),
    Column("from_period", Text, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("entitlements", JSONB, nullable=False),
    Column("item", Text, nullable=False),
    UniqueConstraint("registration_id", "number"),
    info={"grants": "SELECT, INSERT, DELETE"},
)
