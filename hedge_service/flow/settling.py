"""One final result put into effect: legs, position and the parlays it decides, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core import ledger as books
from hedge_service.core.settlement import LegStanding, ParlayState, Verdict, judge
from hedge_service.store import journal, ledger, parlays, positions, refunds, results

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.ledger import Position
    from hedge_service.core.money import Money
    from hedge_service.core.settlement import VoidRule
    from hedge_service.store.parlays import Parlay
    from hedge_service.store.results import MarketResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A parlay that has just ended; `ticker` is the market of the leg that decided, None when all did."""

    parlay: Parlay
    verdict: Verdict
    ticker: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What settling one market did: no legs and nothing held when it was settled before."""

    result: MarketResult
    legs: int
    held: Position | None
    revenue: Money | None
    decided: tuple[Decided, ...]


def settle(tx: Connection, asked: MarketResult, rule: VoidRule, now: datetime) -> Settled:
    """Keep a result, settle its legs, pay its position out, decide its parlays; the first result stands."""
    results.put(tx, asked)
    kept = results.get(tx, asked.ticker)
    result = asked if kept is None else kept
    legs = results.settle_legs(tx, result, now)
    held = positions.held(tx, result.ticker)
    revenue = None if held is None else _pay_out(tx, result, held, now)
    ids = results.undecided(tx, result.ticker)
    decided = tuple(each for parlay_id in ids for each in decide(tx, parlay_id, rule, now))
    return Settled(result=result, legs=legs, held=held, revenue=revenue, decided=decided)


def decide(tx: Connection, parlay_id: str, rule: VoidRule, now: datetime) -> tuple[Decided, ...]:
    """End an open parlay if its legs decide it, and book that; nothing when they don't, or it has ended."""
    parlay, end = parlays.get(tx, parlay_id), verdict(tx, parlay_id, rule)
    if parlay is None or end.state is ParlayState.OPEN:
        return ()
    if not results.decide(tx, parlay_id, end.state):
        return ()
    # A hedge bought from now on would hedge nothing.
    journal.expire_hedges(tx, parlay_id, now)
    _book(tx, parlay, end, now)
    legs = parlays.legs(tx, parlay_id)
    ticker = next((leg.bet.ticker for leg in legs if leg.leg == end.leg), None)
    return (Decided(parlay=parlay, verdict=end, ticker=ticker),)


def verdict(tx: Connection, parlay_id: str, rule: VoidRule) -> Verdict:
    """Say what a parlay's legs make of it now."""
    legs = parlays.legs(tx, parlay_id)
    return judge([LegStanding(leg.leg, leg.paid) for leg in legs], rule)


def _pay_out(tx: Connection, result: MarketResult, held: Position, now: datetime) -> Money:
    value = result.ending.paid(held.side)
    entry = books.market_settled(ticker=result.ticker, held=held, value=value)
    if not ledger.post(tx, entry, now):
        raise RuntimeError(f"the ledger holds {entry.cause}, and a position is held still")
    positions.put(tx, result.ticker, None)
    return books.settlement_revenue(held.count, value)


def _book(tx: Connection, parlay: Parlay, end: Verdict, now: datetime) -> None:
    if end.state is ParlayState.WON:
        won = books.parlay_won(parlay_id=parlay.id, stake=parlay.stake, payout=parlay.payout)
        ledger.post(tx, won, now)
    elif end.state is ParlayState.LOST:
        ledger.post(tx, books.parlay_lost(parlay_id=parlay.id, stake=parlay.stake), now)
    else:
        # Booked when Stripe has given the money back: until then the stake stays owed.
        refunds.due(tx, parlay.session_id, parlay_id=parlay.id, reason=end.reason.value, at=now)
