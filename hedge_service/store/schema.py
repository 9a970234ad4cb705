"""Tables. The sum of the migrations equals this file (tested).

Money is integer micros (1/1,000,000 dollar), counts integer centis (1/100 contract), times integer
milliseconds since 1970 (UTC), probabilities decimal text.
"""

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
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives row ids only to a column whose type reads INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")

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
    UniqueConstraint("source", "external_id"),
    Index(
        "ix_inbox_open",
        "next_try_ms",
        sqlite_where=text("handled_ms IS NULL"),
        postgresql_where=text("handled_ms IS NULL"),
    ),
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
    Index(
        "ix_payments_fee_unknown",
        "recorded_ms",
        sqlite_where=text("fee_cents IS NULL"),
        postgresql_where=text("fee_cents IS NULL"),
    ),
)

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
)

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
    Index(
        "ix_intents_open",
        "created_ms",
        sqlite_where=text("ended_ms IS NULL"),
        postgresql_where=text("ended_ms IS NULL"),
    ),
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
    Index(None, "state"),
    Index(None, "last_sent_ms"),
    Index(
        "ix_attempts_unbooked",
        "planned_ms",
        sqlite_where=text("booked_centis <> fill_centis"),
        postgresql_where=text("booked_centis <> fill_centis"),
    ),
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
    Index(None, "order_id"),
    Index(None, "client_order_id"),
    # Covering: what each parlay holds.
    Index("ix_fills_held", "parlay_id", "ticker", "side", "count_centis"),
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

# How far a search has got, by name.
marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("differences", Text, nullable=False),
)

# Differences that a person has accepted; the figure is what was accepted, empty where the id alone decides.
acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("figure", Text, nullable=False),
    UniqueConstraint("kind", "subject", "figure"),
)
