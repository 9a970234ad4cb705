"""From the payment on: events taken in, payments, parlays, and money that goes back."""

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

inbox = Table(
    "inbox",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("handled_ms", BigInteger),
    Column("result", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_ms", BigInteger, nullable=False, server_default="0"),
    # The process that handles it, and until when no other one does.
    Column("claimed_by", Text),
    Column("claimed_until_ms", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("source", "external_id"),
    waiting_rows("ix_inbox_open", "id", where="handled_ms IS NULL"),
    sqlite_autoincrement=True,
)

payments = Table(
    "payments",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("quote_id", Text),
    Column("event_id", Text, nullable=False),
    Column("payment_intent", Text),
    Column("amount_cents", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("paid_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    # What Stripe kept, once it says so.
    Column("fee_cents", BigInteger),
    Index(None, "state"),
    Index(None, "payment_intent"),
    waiting_rows("ix_payments_fee_unknown", "recorded_ms", where="fee_cents IS NULL"),
)

MAY_CHANGE = "outcome IS NULL OR outcome = 'unknown' OR figures_changed IS TRUE"
"""Which parlays' summaries are not the last word yet, beside those with open intents."""

parlays = Table(
    "parlays",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session_id", Text, nullable=False, unique=True),
    Column("quote_id", Text, ForeignKey("quotes.id"), nullable=False, unique=True),
    Column("user_id", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("stake_micros", BigInteger, nullable=False),
    Column("payout_micros", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("accepted_ms", BigInteger, nullable=False),
    Column("outcome", Text),
    Column("revision", Integer, nullable=False, server_default="0"),
    # A fill came or was made exact after the last summary.
    Column("figures_changed", Boolean, nullable=False, server_default=false()),
    Column("claimed_ms", BigInteger),
    # What was decided about contracts that could not be bought, once nothing more is tried.
    Column("unhedged", Text),
    # When its last leg was expected to expire, as it was sold.
    Column("ends_ms", BigInteger),
    Index(None, "user_id"),
    Index(None, "state"),
    # Covering: exposure is added up in the transaction of every quote.
    Index(None, "state", "ends_ms", "payout_micros"),
    waiting_rows("ix_parlays_to_summarize", "id", where=MAY_CHANGE),
)

parlay_legs = Table(
    "parlay_legs",
    metadata,
    Column("parlay_id", Text, ForeignKey("parlays.id"), primary_key=True),
    Column("leg", Integer, primary_key=True),
    Column("ticker", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("bet", Text, nullable=False),
    Column("ask_micros", BigInteger, nullable=False),
    Column("amount_micros", BigInteger, nullable=False),
    Column("skip", Text),
    Column("market_status", Text),
    Column("value_micros", BigInteger),
    Column("checked_ms", BigInteger),
    Column("settled_ms", BigInteger),
    # The payout of its parlay while that is open; empty once it has ended.
    Column("claim_micros", BigInteger),
    # Covering, as that of parlays by their end.
    Index("ix_parlay_legs_claims", "ticker", "settled_ms", "side", "parlay_id", "claim_micros"),
)

summaries = Table(
    "summaries",
    metadata,
    Column("parlay_id", Text, ForeignKey("parlays.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("figures", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    # Set after the log line is out: a line may be repeated after a crash, never lost.
    Column("emitted_ms", BigInteger),
    waiting_rows("ix_summaries_untold", "made_ms", where="emitted_ms IS NULL"),
)

# Winnings paid to users outside this service; the reference is the operator's own.
payouts = Table(
    "payouts",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("amount_micros", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    CheckConstraint("amount_micros > 0", name="positive"),
    Index(None, "user_id"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("payment_intent", Text),
    Column("parlay_id", Text),
    Column("amount_cents", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    # Why Stripe refused, in its own code.
    Column("failure", Text),
    Column("refund_id", Text),
    Column("due_ms", BigInteger, nullable=False),
    Column("done_ms", BigInteger),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_ms", BigInteger, nullable=False, server_default="0"),
    Index(None, "state"),
)

disputes = Table(
    "disputes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payment_intent", Text, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("fees", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    Index(None, "payment_intent"),
)

# Every refund that Stripe has told of, whoever made it; known before the payment, if it comes first.
stripe_refunds = Table(
    "stripe_refunds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payment_intent", Text, nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index(None, "payment_intent"),
)
