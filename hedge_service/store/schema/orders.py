"""The journal of orders, and who may send them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from hedge_service.store.schema.base import RowId, metadata, waiting_rows

intents = Table(
    "intents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("parlay_id", Text, ForeignKey("parlays.id"), nullable=False),
    Column("leg", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("ticker", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("count_centis", BigInteger, nullable=False),
    Column("price_micros", BigInteger, nullable=False),
    Column("max_cost_micros", BigInteger, nullable=False),
    Column("time_in_force", Text, nullable=False),
    Column("reduce_only", Boolean, nullable=False, server_default=false()),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("end_reason", Text),
    # What still counts against the caps: max_cost while open, cost and fees once ended.
    Column("reserved_micros", BigInteger, nullable=False),
    UniqueConstraint("parlay_id", "leg", "purpose", "sequence"),
    CheckConstraint("count_centis > 0", name="count"),
    CheckConstraint("price_micros > 0 AND price_micros < 1000000", name="price"),
    waiting_rows("ix_intents_open", "created_ms", where="ended_ms IS NULL"),
    Index(None, "created_ms"),
)

# Each roll of a rolling hedge: once for each number of legs that have hit, with what was decided and why.
rolls = Table(
    "rolls",
    metadata,
    Column("parlay_id", Text, ForeignKey("parlays.id"), primary_key=True),
    Column("hits", Integer, primary_key=True),
    Column("details", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("client_order_id", Text, primary_key=True),
    Column("intent_id", Text, ForeignKey("intents.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("count_centis", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("sends", Integer, nullable=False, server_default="0"),
    # Some earlier copy is not proved unsent: a refusal of a later copy proves nothing.
    Column("in_doubt", Boolean, nullable=False, server_default=false()),
    Column("clock_retried", Boolean, nullable=False, server_default=false()),
    Column("epoch", BigInteger),
    Column("order_id", Text, unique=True),
    Column("fill_centis", BigInteger, nullable=False, server_default="0"),
    Column("cost_micros", BigInteger, nullable=False, server_default="0"),
    Column("fees_micros", BigInteger, nullable=False, server_default="0"),
    # What of the fill is in the ledger; cost and fees are exact once it is all of it.
    Column("booked_centis", BigInteger, nullable=False, server_default="0"),
    Column("code", Text),
    Column("planned_ms", BigInteger, nullable=False),
    Column("first_sent_ms", BigInteger),
    Column("last_sent_ms", BigInteger),
    Column("ended_ms", BigInteger),
    UniqueConstraint("intent_id", "number"),
    CheckConstraint("fill_centis >= 0 AND fill_centis <= count_centis", name="fill"),
    # What was sent since a balance was read, among all that ever ended.
    Index("ix_attempts_state_sent", "state", "last_sent_ms"),
    Index(None, "last_sent_ms"),
    waiting_rows("ix_attempts_unbooked", "planned_ms", where="booked_centis <> fill_centis"),
)

order_events = Table(
    "order_events",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("client_order_id", Text, ForeignKey("attempts.client_order_id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("old_state", Text),
    Column("new_state", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Index(None, "client_order_id"),
)

leases = Table(
    "leases",
    metadata,
    Column("account", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("reconciled_ms", BigInteger),
)

halts = Table(
    "halts",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("halted", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
)
