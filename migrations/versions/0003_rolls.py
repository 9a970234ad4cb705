"""The rolls of rolling hedges, one for each number of legs that have hit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rolls",
        sa.Column("parlay_id", sa.Text(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["parlay_id"], ["parlays.id"], name=op.f("fk_rolls_parlay_id_parlays")),
        sa.PrimaryKeyConstraint("parlay_id", "hits", name=op.f("pk_rolls")),
    )
