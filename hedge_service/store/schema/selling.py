"""Before the payment: what is saved, priced and offered, and whose database this is."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from hedge_service.store.schema.base import RowId, metadata

identity = Table(
    "identity",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

bets = Table(
    "bets",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("market_id", Text, nullable=False),
    Column("market_title", Text, nullable=False),
    Column("market_url", Text, nullable=False),
    Column("image_url", Text),
    Column("option_id", Text, nullable=False),
    Column("option_label", Text, nullable=False),
    Column("prob", Text, nullable=False),
    Column("ticker", Text, nullable=False),
    Column("event_ticker", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    UniqueConstraint("user_id", "ticker", "side"),
    Index(None, "market_title", "option_label"),
    # Ids are never given twice, so that clearing "just its bets" can't hit a later bet.
    sqlite_autoincrement=True,
)

quotes = Table(
    "quotes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("stake_micros", BigInteger, nullable=False),
    Column("payout_micros", BigInteger, nullable=False),
    Column("probability", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("advice", Text, nullable=False),
    CheckConstraint("stake_micros > 0 AND payout_micros > 0", name="positive"),
)

quote_legs = Table(
    "quote_legs",
    metadata,
    Column("quote_id", Text, ForeignKey("quotes.id"), primary_key=True),
    Column("leg", Integer, primary_key=True),
    Column("ticker", Text, nullable=False),
    Column("bet", Text, nullable=False),
    Column("ask_micros", BigInteger, nullable=False),
    Column("amount_micros", BigInteger, nullable=False),
    Column("contracts_centis", BigInteger, nullable=False),
    Column("skip", Text),
)

# What of a market decides where a parlay on it counts, as the exchange told when it was last quoted.
market_facts = Table(
    "market_facts",
    metadata,
    Column("ticker", Text, primary_key=True),
    Column("event_ticker", Text, nullable=False),
    # At most one market of the event ends in YES; empty while nobody has asked.
    Column("mutually_exclusive", Boolean),
    Column("expires_ms", BigInteger),
    Index(None, "event_ticker"),
)

model_calls = Table(
    "model_calls",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Index(None, "at_ms"),
)

checkouts = Table(
    "checkouts",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("quote_id", Text, ForeignKey("quotes.id"), nullable=False, unique=True),
    Column("user_id", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("window_ends_ms", BigInteger, nullable=False),
    Column("session_expires_ms", BigInteger, nullable=False),
    Column("session_id", Text, unique=True),
    Column("url", Text),
    Index(None, "state", "session_expires_ms"),
)
