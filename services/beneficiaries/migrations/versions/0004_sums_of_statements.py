"""sums of statements"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "statement_sums",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("payment_count", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('settled', 'returned', 'returned_late')", name=op.f("ck_statement_sums_kind")
        ),
        sa.CheckConstraint("(kind = 'settled') = (reason_code = '')", name=op.f("ck_statement_sums_reason")),
        sa.CheckConstraint("payment_count > 0 AND amount_vnd > 0", name=op.f("ck_statement_sums_said")),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_statement_sums_list_id")),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_statement_sums_statement_id")
        ),
        sa.PrimaryKeyConstraint(
            "statement_id", "list_id", "kind", "reason_code", name=op.f("pk_statement_sums")
        ),
    )
    op.create_index("ix_statement_sums_list", "statement_sums", ["list_id"], unique=False)
    op.execute(
        """
        INSERT INTO statement_sums (statement_id, list_id, kind, reason_code, payment_count, amount_vnd)
        SELECT statement_id, list_id, kind, coalesce(reason_code, ''), count(*), sum(amount_vnd)
        FROM outcomes GROUP BY statement_id, list_id, kind, reason_code
        UNION ALL
        SELECT statement_id, list_id, 'returned_late', reason_code, count(*), sum(amount_vnd)
        FROM late_returns GROUP BY statement_id, list_id, reason_code
        """
    )
    op.drop_index("ix_outcomes_statement", table_name="outcomes")
    op.drop_index("ix_late_returns_statement", table_name="late_returns")
    op.create_index(
        "ix_outcomes_returned",
        "outcomes",
        ["list_id", "payment_id"],
        unique=False,
        postgresql_where=sa.text("kind = 'returned'"),
    )
    op.create_index("ix_late_returns_list", "late_returns", ["list_id", "payment_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_late_returns_list", table_name="late_returns")
    op.drop_index("ix_outcomes_returned", table_name="outcomes")
    op.create_index(
        "ix_late_returns_statement", "late_returns", ["statement_id", "list_id", "payment_id"], unique=False
    )
    op.create_index(
        "ix_outcomes_statement", "outcomes", ["statement_id", "list_id", "payment_id"], unique=False
    )
    op.drop_table("statement_sums")
