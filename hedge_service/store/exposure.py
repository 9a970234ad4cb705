"""Claims of open parlays and open checkouts, around one new parlay or all of them.

Around one, only the markets of its events and its day are read. Parlays are added up in the database; open
checkouts, of which there are few, are read leg by leg.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from hedge_service.clock import millis
from hedge_service.core.exposure import Cap, Claim, EventClaims, Exposure, LegClaim
from hedge_service.core.market import Side
from hedge_service.core.money import Money
from hedge_service.core.parlay import CheckoutState
from hedge_service.store import exposure_sums as sums
from hedge_service.store import market_facts
from hedge_service.store.rows import from_json
from hedge_service.store.schema import checkouts, quote_legs, quotes
from hedge_service.store.schema import market_facts as facts_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.exposure import MarketClaims, MarketFacts
    from hedge_service.store.exposure_sums import Days

_OPEN = (CheckoutState.PENDING.value, CheckoutState.OPEN.value)
# Statements are made once: they are needed in the transaction of every quote.
_CHECKOUTS = (
    select(checkouts.c.quote_id, quotes.c.payout_micros, quote_legs.c.ticker, quote_legs.c.bet)
    .join(quotes, quotes.c.id == checkouts.c.quote_id)
    .join(quote_legs, quote_legs.c.quote_id == checkouts.c.quote_id)
    .where(checkouts.c.state.in_(_OPEN), checkouts.c.session_expires_ms > bindparam("now"))
)
_OFFERED = _CHECKOUTS.with_only_columns(quote_legs.c.ticker).distinct()
_ON_MARKETS = _CHECKOUTS.where(quote_legs.c.ticker.in_(sums.TICKERS)).order_by(checkouts.c.quote_id)
_ENDS_MS = func.max(facts_table.c.expires_ms)
_ENDING = (
    _CHECKOUTS.outerjoin(facts_table, facts_table.c.ticker == quote_legs.c.ticker)
    .with_only_columns(quotes.c.payout_micros.label("micros"), _ENDS_MS.label("ends_ms"))
    .group_by(checkouts.c.quote_id, quotes.c.payout_micros)
)
_ENDING_ON = select(func.sum(_ENDING.having(*sums.on_day(_ENDS_MS)).subquery().c.micros))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which claims to read: those around one more parlay, `claim`.

    `reserved_at`: checkouts that may still be paid then count too; None leaves them out. `exact`: of events
    or days, look at each parlay; without it their figures are upper bounds, which are cheap.
    """

    claim: Claim
    reserved_at: datetime | None
    exact: frozenset[Cap] = frozenset()


def around(tx: Connection, scope: Scope) -> Exposure:
    """Read the claims that one more parlay adds to; those of markets are always exact."""
    claim = scope.claim
    facts = market_facts.of_events(tx, (leg.event_ticker for leg in claim.legs))
    event_of = {ticker: each.event_ticker for ticker, each in facts.items()}
    event_of |= {leg.ticker: leg.event_ticker for leg in claim.legs}
    bounds = _bounds(tx, event_of)
    held = Exposure(
        events=_exactly(tx, bounds, facts.values()) if Cap.EVENT in scope.exact else bounds,
        days={}
        if claim.ends_on is None
        else {claim.ends_on: sums.day(tx, claim.ends_on, exact=Cap.DAY in scope.exact)},
    )
    if scope.reserved_at is None:
        return held
    return _reserving(tx, held, event_of, scope.reserved_at, claim.ends_on)


def everything(tx: Connection, now: datetime) -> Exposure:
    """Read all claims exactly, open checkouts included."""
    tickers = sums.open_tickers(tx) | set(tx.execute(_OFFERED, {"now": millis(now)}).scalars())
    known = market_facts.known(tx, tickers).values()
    facts = market_facts.of_events(tx, (each.event_ticker for each in known))
    # A market without facts is counted as an event of its own.
    event_of = {ticker: ticker for ticker in tickers}
    event_of |= {ticker: each.event_ticker for ticker, each in facts.items()}
    held = Exposure(events=_exactly(tx, _bounds(tx, event_of), facts.values()), days=sums.days(tx))
    return _reserving(tx, held, event_of, now, None)


def _bounds(tx: Connection, event_of: Mapping[str, str]) -> dict[str, EventClaims]:
    """Count every leg as a parlay of its own, and no markets as exclusive."""
    markets: dict[str, dict[str, MarketClaims]] = {event: {} for event in event_of.values()}
    for ticker, market in sums.markets(tx, event_of).items():
        markets[event_of[ticker]][ticker] = market
    return {
        event: EventClaims(
            event_ticker=event,
            markets=found,
            payouts=sum((market.yes + market.no for market in found.values()), Money.ZERO),
        )
        for event, found in markets.items()
    }


def _exactly(
    tx: Connection, bounds: Mapping[str, EventClaims], facts: Iterable[MarketFacts]
) -> dict[str, EventClaims]:
    exclusive = {each.event_ticker: each.exclusive for each in facts if each.exclusive is not None}
    return {event: sums.exactly(tx, bound, exclusive=exclusive.get(event)) for event, bound in bounds.items()}


def _reserving(
    tx: Connection, held: Exposure, event_of: Mapping[str, str], now: datetime, day: date | None
) -> Exposure:
    """Add what open checkouts may still sell."""
    days = dict(held.days)
    for ends_on, payout in _reserved_days(tx, now, day).items():
        days[ends_on] = days.get(ends_on, Money.ZERO) + payout
    events = dict(held.events)
    for claim in _reserved(tx, event_of, now):
        for event in {leg.event_ticker for leg in claim.legs}:
            events[event] = events[event].adding(claim)
    return Exposure(events=events, days=days)


def _reserved(tx: Connection, event_of: Mapping[str, str], now: datetime) -> Iterable[Claim]:
    rows = tx.execute(_ON_MARKETS, {"now": millis(now), "tickers": sorted(event_of)})
    for _, legs in groupby(rows, key=lambda row: row.quote_id):
        yield _claim(tuple(legs), event_of)


def _claim(rows: Sequence[Any], event_of: Mapping[str, str]) -> Claim:
    legs = (
        LegClaim(ticker=row.ticker, event_ticker=event_of[row.ticker], side=Side(from_json(row.bet)["side"]))
        for row in rows
    )
    return Claim(payout=Money(rows[0].payout_micros), legs=tuple(legs))


def _reserved_days(tx: Connection, now: datetime, day: date | None) -> Days:
    if day is None:
        return sums.by_day(tx, _ENDING.subquery(), {"now": millis(now)})
    total = tx.execute(_ENDING_ON, {"now": millis(now), **sums.span(day)}).scalar()
    return {} if total is None else {day: Money(int(total))}
