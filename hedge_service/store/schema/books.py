"""What is held, how markets ended, and the ledger."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from hedge_service.store.schema.base import RowId, metadata

fills = Table(
    "fills",
    metadata,
    Column("trade_id", Text, primary_key=True),
    Column("client_order_id", Text, ForeignKey("attempts.client_order_id")),
    Column("order_id", Text, nullable=False),
    Column("parlay_id", Text, ForeignKey("parlays.id")),
    Column("ticker", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("count_centis", BigInteger, nullable=False),
    Column("price_micros", BigInteger, nullable=False),
    Column("cost_micros", BigInteger, nullable=False),
    Column("fee_micros", BigInteger, nullable=False),
    Column("filled_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    # When it was taken back: booked on a person's word, until the exchange showed its own.
    Column("reversed_ms", BigInteger),
    Index(None, "order_id"),
    Index(None, "client_order_id"),
    # Covering: what each parlay holds.
    Index("ix_fills_held", "parlay_id", "ticker", "side", "count_centis", "reversed_ms"),
    Index(None, "ticker"),
)

# What is held of each market, kept in the transaction of the fill or settlement that changed it.
positions = Table(
    "positions",
    metadata,
    Column("ticker", Text, primary_key=True),
    Column("side", Text, nullable=False),
    Column("count_centis", BigInteger, nullable=False),
    Column("cost_micros", BigInteger, nullable=False),
)

# Final results only, since the exchange forgets them.
market_results = Table(
    "market_results",
    metadata,
    Column("ticker", Text, primary_key=True),
    Column("result", Text, nullable=False),
    Column("value_micros", BigInteger, nullable=False),
    Column("settled_ms", BigInteger, nullable=False),
    # What the exchange says it paid (whole cents) and took in fees, once its list of settlements names it.
    Column("paid_micros", BigInteger),
    Column("paid_fees_micros", BigInteger),
    # When both sides' figures were compared; empty again after a late fill.
    Column("compared_ms", BigInteger),
)

ledger_sets = Table(
    "ledger_sets",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("cause", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("parlay_id", Text),
    Column("ticker", Text),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "parlay_id"),
    Index(None, "at_ms"),
)

ledger_postings = Table(
    "ledger_postings",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("set_id", BigInteger, ForeignKey("ledger_sets.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("micros", BigInteger, nullable=False),
    Index(None, "set_id"),
    Index(None, "account"),
)
