"""makers"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "decisions",
        sa.Column("makers", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_decisions_no_maker_approved"),
        "decisions",
        "approved_by IS NULL OR approved_by <> ALL (makers)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_decisions_no_maker_approved"), "decisions", type_="check")
    op.drop_column("decisions", "makers")
