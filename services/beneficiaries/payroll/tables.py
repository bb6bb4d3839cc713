"""One run of the payroll per month."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Integer, Table, Text, Uuid

from services.beneficiaries.metadata import metadata

payroll_runs = Table(
    "payroll_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("period", Text, nullable=False, unique=True),
    Column("known_on", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("prepared_by", Text, nullable=False),
    Column("list_count", Integer),
    Column("payment_count", BigInteger),
    Column("total_vnd", BigInteger),
    Column("arrears_vnd", BigInteger),
    Column("recoveries_vnd", BigInteger),
    Column("carried_vnd", BigInteger),
    CheckConstraint("state IN ('running', 'computed')", name="state"),
    info={"grants": "SELECT, INSERT, UPDATE"},
)
