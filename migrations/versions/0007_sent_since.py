"""Attempts by state and by when they were sent: a send must not read all that ever ended."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_attempts_state", "attempts")
    op.create_index("ix_attempts_state_sent", "attempts", ["state", "last_sent_ms"], unique=False)
