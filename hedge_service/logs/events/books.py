"""Events of markets' results and of our books against the exchange's."""

from __future__ import annotations

from hedge_service.core.market import Side
from hedge_service.core.reconcile_views import Kind as Difference
from hedge_service.core.reconcile_views import Result
from hedge_service.logs.events.common import ERROR, REASON, TICKER
from hedge_service.logs.events.declare import (
    Event,
    Level,
    boolean,
    contracts,
    dollars,
    event,
    integer,
    maybe,
    nullable,
    record,
    records,
    text,
    texts,
    word,
)
from hedge_service.logs.events.service import LEFT

WARNING, ERROR_LEVEL = (Level.WARNING,), (Level.ERROR,)
SETTLED = (
    contracts("yes_contracts", "YES contracts held"),
    contracts("no_contracts", "NO contracts held"),
    dollars("revenue_dollars", "What they paid"),
    dollars("fees_dollars", "Fees on them"),
)

EVENTS: tuple[Event, ...] = (
    event(
        "market.settled",
        "A market's final result is stored, and what was held is booked",
        TICKER,
        text("result", "The exchange's word for the result"),
        dollars("value_dollars", "What one YES contract pays, 0 to 1"),
        integer("legs", "How many of our legs it decides"),
        nullable(dollars("cost_dollars", "What was paid for what is held; null: nothing is")),
        nullable(dollars("revenue_dollars", "What it pays; null: nothing is held")),
        *maybe(
            word("side", "The outcome held", Side),
            contracts("contracts", "How many are held"),
        ),
    ),
    *(
        event(name, meaning, TICKER, REASON, levels=WARNING)
        for name, meaning in (
            ("market.unclear", "A leg's market has a result that can't be booked as told; told once"),
            ("market.unreadable", "A leg's market can't be read; told once"),
            ("market.missing", "The exchange knows no such market; told once"),
        )
    ),
    event("settlement.unreadable", "Results can't be read now", *ERROR, levels=WARNING),
    event("settlement.left", LEFT.format("settling"), REASON, levels=WARNING),
    event(
        "settlement.differed",
        "The exchange's settlement row is not what was booked",
        TICKER,
        texts("differences", "What differs"),
        record("ours", "What was booked", *SETTLED),
        nullable(record("exchange", "What the exchange says; null: it has no row", *SETTLED)),
        levels=ERROR_LEVEL,
    ),
    event(
        "books.opened",
        "What the account held before the first order is booked",
        dollars("cash_dollars", "The cash"),
        integer("positions", "Markets in which something was held"),
    ),
    event(
        "books.not_opened",
        "Not now: somebody traded meanwhile, or the lease was lost",
        REASON,
        levels=WARNING,
    ),
    event(
        "reconciliation.finished",
        "Our books were compared with the exchange's",
        word("result", "What came of it: `differs` is seen once, `mismatch` twice in a row", Result),
        boolean("complete", "Whether archives were read, too"),
        integer("orders", "The exchange's orders compared"),
        integer("orders_of_others", "Those that are not this service's"),
        integer("fills", "Its executions"),
        integer("positions", "Its positions"),
        integer("settlements", "Its settlement rows"),
        integer("differences", "How many items differ"),
        integer("duration_ms", "How long it took", "ms"),
    ),
    event(
        "reconciliation.mismatched",
        "The books differ, seen twice in a row; sending is halted unless it was",
        integer("count", "How many items"),
        records(
            "differences",
            "The first of them",
            word("kind", "In what; see errors.md", Difference),
            text("subject", "The order, execution or market"),
            text("ours", "What we have"),
            text("theirs", "What the exchange has"),
        ),
        levels=ERROR_LEVEL,
    ),
    event(
        "reconciliation.failed",
        "A page of the exchange could not be read; repeated within 10 s",
        *ERROR,
        levels=WARNING,
    ),
    event("reconciliation.left", LEFT.format("comparing"), REASON, levels=WARNING),
)
