"""Tables. The sum of the migrations equals this package (tested).

Money is integer micros (1/1,000,000 dollar), counts integer centis (1/100 contract), times integer
milliseconds since 1970 (UTC), probabilities decimal text.
"""

from __future__ import annotations

from hedge_service.store.schema.base import metadata
from hedge_service.store.schema.books import fills, ledger_postings, ledger_sets, market_results, positions
from hedge_service.store.schema.operating import acknowledgements, audit, marks, reconciliations
from hedge_service.store.schema.orders import attempts, halts, intents, leases, order_events, rolls
from hedge_service.store.schema.selling import (
    bets,
    checkouts,
    identity,
    market_facts,
    model_calls,
    quote_legs,
    quotes,
)
from hedge_service.store.schema.sold import (
    disputes,
    inbox,
    parlay_legs,
    parlays,
    payments,
    payouts,
    refunds,
    stripe_refunds,
    summaries,
)

__all__ = [
    "acknowledgements",
    "attempts",
    "audit",
    "bets",
    "checkouts",
    "disputes",
    "fills",
    "halts",
    "identity",
    "inbox",
    "intents",
    "leases",
    "ledger_postings",
    "ledger_sets",
    "market_facts",
    "market_results",
    "marks",
    "metadata",
    "model_calls",
    "order_events",
    "parlay_legs",
    "parlays",
    "payments",
    "payouts",
    "positions",
    "quote_legs",
    "quotes",
    "reconciliations",
    "refunds",
    "rolls",
    "stripe_refunds",
    "summaries",
]
