"""When an execution booked on a person's word was reversed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fills", sa.Column("reversed_ms", sa.BigInteger(), nullable=True))
    op.drop_index("ix_fills_held", "fills")
    columns = ["parlay_id", "ticker", "side", "count_centis", "reversed_ms"]
    op.create_index("ix_fills_held", "fills", columns, unique=False)
