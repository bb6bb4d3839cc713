"""accounts of a unit"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_accounts_unit", "accounts", ["fiscal_year", "unit_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_accounts_unit", table_name="accounts")
