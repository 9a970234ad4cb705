"""What exposure is counted from: facts of markets, claims of open parlays, and when these should end."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "market_facts",
        sa.Column("ticker", sa.Text(), nullable=False),
        sa.Column("event_ticker", sa.Text(), nullable=False),
        sa.Column("mutually_exclusive", sa.Boolean(), nullable=True),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ticker", name=op.f("pk_market_facts")),
    )
    op.create_index(op.f("ix_market_facts_event_ticker"), "market_facts", ["event_ticker"], unique=False)
    op.add_column("parlays", sa.Column("ends_ms", sa.BigInteger(), nullable=True))
    op.add_column("parlay_legs", sa.Column("claim_micros", sa.BigInteger(), nullable=True))
    _index()
    _claim()
    _name_events()


def _index() -> None:
    op.create_index(
        op.f("ix_parlays_state_ends_ms_payout_micros"),
        "parlays",
        ["state", "ends_ms", "payout_micros"],
        unique=False,
    )
    op.drop_index(op.f("ix_parlay_legs_ticker"), "parlay_legs")
    op.create_index(
        "ix_parlay_legs_claims",
        "parlay_legs",
        ["ticker", "settled_ms", "side", "parlay_id", "claim_micros"],
        unique=False,
    )
    op.drop_index(op.f("ix_fills_parlay_id"), "fills")
    op.create_index("ix_fills_held", "fills", ["parlay_id", "ticker", "side", "count_centis"], unique=False)
    op.create_index(
        op.f("ix_checkouts_state_session_expires_ms"),
        "checkouts",
        ["state", "session_expires_ms"],
        unique=False,
    )


def _claim() -> None:
    payout = "SELECT payout_micros FROM parlays WHERE id = parlay_legs.parlay_id AND state = 'open'"
    op.execute(sa.text(f"UPDATE parlay_legs SET claim_micros = ({payout})"))  # noqa: S608 - a fixed text


def _name_events() -> None:
    """Take the events of legs that are still open from the copies of their bets."""
    sold = sa.text("SELECT ticker, bet FROM parlay_legs WHERE claim_micros IS NOT NULL")
    offered = sa.text(
        "SELECT quote_legs.ticker, quote_legs.bet FROM quote_legs"
        " JOIN checkouts ON checkouts.quote_id = quote_legs.quote_id"
        " WHERE checkouts.state IN ('pending', 'open')"
    )
    connection = op.get_bind()
    events = {row.ticker: row.bet for query in (sold, offered) for row in connection.execute(query)}
    insert = sa.text("INSERT INTO market_facts (ticker, event_ticker) VALUES (:ticker, :event_ticker)")
    for ticker, bet in events.items():
        connection.execute(insert, {"ticker": ticker, "event_ticker": json.loads(bet)["event_ticker"]})
