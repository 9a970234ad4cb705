"""How the hedge of one parlay stands, in figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from hedge_service.core.journal import filled
from hedge_service.core.money import Count, Money
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import HedgeOutcome, Mode
from hedge_service.core.unhedged import hedges, planned, unhedged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedge_service.core.journal import Attempt, Intent

ACCEPTED = frozenset({AttemptState.RESTING, AttemptState.FILLED, AttemptState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of `hedge.summarized`; money in dollars, counts in contracts."""

    outcome: HedgeOutcome
    mode: Mode
    orders_total: int
    orders_dry_run: int
    orders_accepted: int
    orders_refused: int
    orders_unknown: int
    orders_skipped: int
    contracts_planned: Count
    contracts_filled: Count
    contracts_unhedged: Count
    cost_dollars: Money
    fees_dollars: Money
    unhedged_dollars: Money

    def fields(self) -> dict[str, Any]:
        """Give the figures as log fields: money and counts as strings, orders as integers."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value if isinstance(value, int) else str(value) for name, value in values}


def summarize(
    mode: Mode, intents: Sequence[tuple[Intent, tuple[Attempt, ...]]], *, legs_skipped: int
) -> Summary:
    """Add up a parlay's intents with their attempts; `legs_skipped` legs have no intent.

    What sells the hedge of a void parlay again is no part of it.
    """
    intents = hedges(intents)
    attempts = tuple(attempt for _, of_intent in intents for attempt in of_intent)
    states = Counter(attempt.state for attempt in attempts)
    wanted, rest = planned(intents), unhedged(intents)
    bought = filled(attempts)
    return Summary(
        outcome=_outcome(mode, attempts, wanted, bought),
        mode=mode,
        orders_total=len(attempts),
        orders_dry_run=states[AttemptState.DRY_RUN],
        orders_accepted=sum(states[state] for state in ACCEPTED),
        orders_refused=states[AttemptState.REFUSED],
        orders_unknown=sum(count for state, count in states.items() if state.in_doubt),
        orders_skipped=legs_skipped,
        contracts_planned=wanted,
        contracts_filled=bought,
        contracts_unhedged=rest.contracts,
        cost_dollars=Money(sum(attempt.cost.micros for attempt in attempts)),
        fees_dollars=Money(sum(attempt.fees.micros for attempt in attempts)),
        unhedged_dollars=rest.dollars,
    )


def _outcome(mode: Mode, attempts: Sequence[Attempt], planned: Count, bought: Count) -> HedgeOutcome:
    if mode is Mode.DRY_RUN:
        return HedgeOutcome.DRY_RUN
    if any(attempt.state.in_doubt for attempt in attempts):
        return HedgeOutcome.UNKNOWN
    if not planned:
        return HedgeOutcome.SKIPPED
    if bought == planned:
        return HedgeOutcome.EXECUTED
    return HedgeOutcome.PARTIAL if bought else HedgeOutcome.FAILED
