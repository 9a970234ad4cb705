"""Events of orders: each send and its outcome, look-ups, executions."""

from __future__ import annotations

from hedge_service.core.market import BookSide
from hedge_service.logs.events.common import ANSWERED, ORDER, PARLAY, REASON, TICKER
from hedge_service.logs.events.declare import (
    Event,
    Level,
    contracts,
    decimal,
    dollars,
    event,
    integer,
    maybe,
    nullable,
    price,
    text,
    word,
)
from hedge_service.logs.events.service import LEFT

WARNING, ERROR = (Level.WARNING,), (Level.ERROR,)
INTENT = text("intent_id", "The intent")
OWNED = (
    nullable(text("parlay_id", "The parlay; null: the execution is not ours")),
    nullable(text("client_order_id", "Our order; null: the execution is not ours")),
)
ORDER_ID = text("order_id", "The exchange's id of the order")
COUNTS = (
    contracts("before", "What the order's figures said"),
    contracts("after", "What its executions say"),
)

EVENTS: tuple[Event, ...] = (
    event(
        "order.dry_run",
        "Dry run: this would be sent",
        *ORDER,
        text("method", "The HTTP method"),
        text("url", "Where it would go"),
        text("body", "The exact body"),
    ),
    event("order.sent", "The first byte of a copy goes out now", *ORDER),
    event(
        "order.accepted",
        "The exchange holds or held the order: filled whole, in part or not at all",
        *ORDER,
        *ANSWERED,
        *maybe(
            price("average_fill_price", "The average YES price of what is filled"),
            word("found_by", "That a look-up found it, not the reply", ("lookup",)),
        ),
    ),
    event("order.refused", "The exchange has certainly not placed it", *ORDER, *ANSWERED, levels=WARNING),
    event("order.unknown", "The outcome is not proved", *ORDER, *ANSWERED, levels=WARNING),
    event(
        "order.deferred",
        "Certainly not placed (429, clock, no byte written); sent again under the same id",
        *ORDER,
        *ANSWERED,
        levels=WARNING,
    ),
    event(
        "order.not_sent",
        "A planned attempt is given up",
        *ORDER,
        text("reason", "Why; see errors.md"),
        *maybe(text("detail", "The figures behind it")),
        levels=WARNING,
    ),
    event(
        "order.parked",
        "The window for a proof is over; look-ups go on, a person may decide",
        *ORDER,
        levels=ERROR,
    ),
    event(
        "order.cancel_sent",
        "A resting order's time is over; its cancel is sent",
        *ORDER,
        nullable(contracts("reduced_by", "How many were still open; null: it had ended")),
    ),
    event(
        "intent.waiting",
        "A step can't be taken now: halted, database or exchange away, a second lock",
        PARLAY,
        TICKER,
        REASON,
        levels=WARNING,
    ),
    event(
        "intent.moved_meanwhile",
        "The row moved under this process; it is read anew",
        INTENT,
        REASON,
        levels=(Level.INFO, Level.WARNING),
    ),
    event(
        "lookup.failed",
        "A look-up could not be completed; it is repeated",
        *ORDER,
        text("reason", "Why; see errors.md"),
        levels=WARNING,
    ),
    event(
        "resting.unreadable",
        "Resting orders can't be read now",
        integer("orders", "How many of ours rest"),
        text("reason", "Why; see errors.md"),
        levels=WARNING,
    ),
    event(
        "resting.unresolved",
        "One resting order can't be read now",
        *ORDER,
        text("reason", "Why; see errors.md"),
        levels=WARNING,
    ),
    event(
        "fill.booked",
        "An execution is in the ledger",
        *OWNED,
        ORDER_ID,
        text("trade_id", "The exchange's id of the execution"),
        TICKER,
        word("side", "`bid` bought YES, `ask` bought NO", BookSide),
        contracts("count", "How many"),
        price("price", "The YES price"),
        dollars("cost_dollars", "What they cost, the fee apart"),
        dollars("fee", "The exchange's fee"),
    ),
    event(
        "fills.completed",
        "An order's executions came after its outcome and changed its figures",
        *OWNED,
        *COUNTS,
    ),
    event(
        "fill.anomalous",
        "An execution came for an order that had ended without it",
        *OWNED,
        REASON,
        *COUNTS,
        levels=ERROR,
    ),
    event(
        "fill.reversed",
        "An execution booked on a person's word was taken back: the exchange showed the order's own",
        *OWNED,
        text("trade_id", "The id it was booked under"),
        *COUNTS,
        levels=WARNING,
    ),
    event(
        "fills.incomplete",
        "Executions of an order are missing; asked for again",
        *OWNED,
        ORDER_ID,
        contracts("fill_count", "How many the order says are filled"),
        decimal("again_in_s", "When they are asked for again", "s"),
        levels=WARNING,
    ),
    event(
        "fills.unreadable",
        "Executions can't be read now; asked for again",
        *maybe(ORDER_ID),
        text("reason", "Why; see errors.md"),
        levels=WARNING,
    ),
    event("fills.left", LEFT.format("booking executions"), REASON, levels=WARNING),
)
