"""Who handles an event of the inbox, and until when nobody else does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbox", sa.Column("claimed_by", sa.Text(), nullable=True))
    op.add_column("inbox", sa.Column("claimed_until_ms", sa.BigInteger(), server_default="0", nullable=False))
