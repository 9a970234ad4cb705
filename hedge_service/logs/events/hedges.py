"""Events of hedges: the plan of a parlay, its summaries, what stays unhedged, sales and rolls."""

from __future__ import annotations

from hedge_service.core.hedging import SkipReason
from hedge_service.core.parlay import HedgeOutcome, Mode
from hedge_service.logs.events.common import ERROR, LEG, PARLAY, REASON, SESSION, STAKE, TICKER
from hedge_service.logs.events.declare import (
    Event,
    Level,
    contracts,
    dollars,
    event,
    integer,
    maybe,
    price,
    records,
    text,
    word,
)
from hedge_service.logs.events.service import LEFT

WARNING = (Level.WARNING,)
HITS = integer("hits", "How many legs have hit so far")

EVENTS: tuple[Event, ...] = (
    event(
        "strategy.chosen",
        "The plan of a parlay is stored",
        PARLAY,
        text("strategy", "Which strategy"),
        integer("orders", "How many orders are planned"),
        contracts("contracts", "How many contracts they are for"),
        dollars("max_cost_dollars", "The most they can cost, fees included"),
        records(
            "skips",
            "Legs without an order",
            LEG,
            TICKER,
            word("reason", "Why; see errors.md", SkipReason),
        ),
    ),
    event(
        "hedge.summarized",
        "Nothing of the parlay is on the wire and the figures are new; the highest revision is true",
        PARLAY,
        SESSION,
        STAKE,
        integer("revision", "Which summary of this parlay, from 1"),
        integer("duration_ms", "From the parlay's acceptance to this revision", "ms"),
        word("outcome", "How the hedge stands", HedgeOutcome),
        word("mode", "The mode in which the parlay was taken", Mode),
        integer("orders_total", "Attempts made"),
        integer("orders_dry_run", "Those told in dry run"),
        integer("orders_accepted", "Those that the exchange holds or held"),
        integer("orders_refused", "Those that it certainly did not place"),
        integer("orders_unknown", "Those whose outcome is not proved, parked ones included"),
        integer("orders_skipped", "Legs without an order"),
        contracts("contracts_planned", "What was to be bought"),
        contracts("contracts_filled", "What is bought"),
        contracts("contracts_unhedged", "What is not, once nothing more is tried"),
        dollars("cost_dollars", "What the hedge cost, fees apart"),
        dollars("fees_dollars", "The exchange's fees on it"),
        dollars("unhedged_dollars", "What the unhedged contracts would have paid"),
    ),
    event(
        "hedge.unhedged",
        "Nothing more is tried for a parlay, and it is decided what the rest means",
        PARLAY,
        contracts("contracts", "What is not bought"),
        dollars("dollars", "What it would have paid"),
        word("decision", "Whether the parlay stands or is void", ("carried", "refunded")),
    ),
    event(
        "unhedged.undecided",
        "That decision needs the exchange, which can't be asked now",
        *ERROR,
        levels=WARNING,
    ),
    event("summary.left", LEFT.format("telling summaries"), REASON, levels=WARNING),
    event("unhedged.left", LEFT.format("deciding about unhedged parlays"), REASON, levels=WARNING),
    event(
        "unwind.planned",
        "The hedge of a void parlay is to be sold",
        PARLAY,
        TICKER,
        LEG,
        contracts("contracts", "How many"),
        price("price", "The limit, as the YES price"),
        integer("sequence", "Which sale of this leg, from 1"),
    ),
    event("unwind.waiting", "A sale needs the exchange, which can't be asked now", *ERROR, levels=WARNING),
    event("unwind.left", LEFT.format("selling hedges"), REASON, levels=WARNING),
    event(
        "roll.planned",
        "A rolling hedge moves on to its next leg: an order is planned",
        PARLAY,
        LEG,
        word("direction", "Whether it buys the next leg or sells what is not needed", ("buy", "sell")),
        TICKER,
        contracts("contracts", "How many"),
        price("price", "The limit, as the YES price"),
        *maybe(
            HITS,
            price("ask", "What the next leg costs now"),
            contracts("target", "How many of the leg are wanted"),
            contracts("held", "How many are held already"),
            text("reason", "Why it is sold; see errors.md"),
        ),
    ),
    event(
        "roll.skipped",
        "A rolling hedge does not buy or sell now",
        PARLAY,
        text("reason", "Why; see errors.md"),
        *maybe(
            LEG,
            HITS,
            contracts("target", "How many of the leg are wanted"),
            contracts("held", "How many are held already"),
        ),
    ),
    event("roll.waiting", "A roll needs the exchange, which can't be asked now", *ERROR, levels=WARNING),
    event("roll.left", LEFT.format("rolling hedges"), REASON, levels=WARNING),
)
