"""Facts of markets that decide where a parlay on them counts, as the exchange told when they were quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, bindparam, func, select, update

from hedge_service.clock import instant, millis
from hedge_service.core.exposure import Claim, LegClaim, MarketFacts
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import market_facts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import BindParameter
    from sqlalchemy.engine import Connection

    from hedge_service.core.parlay import Quote

_NAMES: BindParameter[list[str]] = bindparam("names", expanding=True)
_OF_TICKERS = Prepared(select(market_facts).where(market_facts.c.ticker.in_(_NAMES)))
_OF_EVENTS = Prepared(select(market_facts).where(market_facts.c.event_ticker.in_(_NAMES)))


def known(tx: Connection, tickers: Iterable[str]) -> dict[str, MarketFacts]:
    """Give the facts of these markets, by ticker, where there are any."""
    rows = _OF_TICKERS.all(tx, {"names": sorted(set(tickers))})
    return {row.ticker: _facts(row) for row in rows}


def of_events(tx: Connection, event_tickers: Iterable[str]) -> dict[str, MarketFacts]:
    """Give the facts of all markets of these events, by ticker."""
    rows = _OF_EVENTS.all(tx, {"names": sorted(set(event_tickers))})
    return {row.ticker: _facts(row) for row in rows}


def learn(tx: Connection, facts: Iterable[MarketFacts]) -> None:
    """Keep facts of markets; what is not told now stays as it was known."""
    told = {each.ticker: each for each in facts}
    before = known(tx, told)
    for ticker, each in told.items():
        new = _changes(each, before.get(ticker))
        if ticker not in before:
            insert_if_absent(tx, market_facts, {"ticker": ticker, **new})
        elif new:
            tx.execute(update(market_facts).where(market_facts.c.ticker == ticker).values(**new))
    _spread(tx, told.values())


def claim_of(tx: Connection, quote: Quote) -> Claim:
    """Give what a quote may cost; the event of a market without facts is the one that its bet names."""
    facts = known(tx, (leg.bet.ticker for leg in quote.legs))
    legs = tuple(
        LegClaim(
            ticker=leg.bet.ticker,
            event_ticker=facts[leg.bet.ticker].event_ticker
            if leg.bet.ticker in facts
            else leg.bet.event_ticker,
            side=leg.bet.side,
        )
        for leg in quote.legs
    )
    ends = [each.expires_at for each in facts.values() if each.expires_at is not None]
    return Claim(payout=quote.payout, legs=legs, ends_on=max(ends).date() if ends else None)


def _changes(told: MarketFacts, before: MarketFacts | None) -> dict[str, Any]:
    new: dict[str, Any] = {}
    if before is None or before.event_ticker != told.event_ticker:
        new["event_ticker"] = told.event_ticker
    if told.exclusive is not None and (before is None or before.exclusive is not told.exclusive):
        new["mutually_exclusive"] = told.exclusive
    expires_at = None if told.expires_at is None else instant(millis(told.expires_at))
    if expires_at is not None and (before is None or before.expires_at != expires_at):
        new["expires_ms"] = millis(expires_at)
    return new


def _spread(tx: Connection, facts: Iterable[MarketFacts]) -> None:
    """Let every market of an event say the same of it."""
    said: dict[str, bool] = {
        each.event_ticker: each.exclusive for each in facts if each.exclusive is not None
    }
    for event, exclusive in said.items():
        differs = (
            market_facts.c.event_ticker == event,
            func.coalesce(market_facts.c.mutually_exclusive, not exclusive) != exclusive,
        )
        tx.execute(update(market_facts).where(*differs).values(mutually_exclusive=exclusive))


def _facts(row: Row[Any]) -> MarketFacts:
    return MarketFacts(
        ticker=row.ticker,
        event_ticker=row.event_ticker,
        exclusive=row.mutually_exclusive,
        expires_at=_instant(row.expires_ms),
    )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else instant(ms)
