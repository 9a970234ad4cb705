"""Indexes of the few rows that wait, for what loops look for again and again in tables that only grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MAY_CHANGE = "outcome IS NULL OR outcome = 'unknown' OR figures_changed IS TRUE"


def upgrade() -> None:
    # In the order in which events are handled: sorted by their next try, a busy inbox was read whole.
    op.drop_index("ix_inbox_open", table_name="inbox")
    _index("ix_inbox_open", "inbox", "id", "handled_ms IS NULL")
    _index("ix_parlays_to_summarize", "parlays", "id", MAY_CHANGE)
    _index("ix_summaries_untold", "summaries", "made_ms", "emitted_ms IS NULL")


def _index(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
