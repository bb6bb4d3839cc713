"""signs of life"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "process_signs",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slowest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("role", "member", name=op.f("pk_process_signs")),
        info={"grants": "SELECT, INSERT, UPDATE, DELETE"},
    )


def downgrade() -> None:
    op.drop_table("process_signs")
