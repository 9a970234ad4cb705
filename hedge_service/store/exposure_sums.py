"""Sums over open parlays, made by the database from indexes: memory does not grow with their number."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, func, select

from hedge_service.clock import EPOCH
from hedge_service.core.exposure import MarketClaims
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money
from hedge_service.core.settlement import WHOLE, ParlayState
from hedge_service.store.prepared import Prepared
from hedge_service.store.schema import fills, parlay_legs, parlays, positions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import BindParameter, ColumnElement, Select, Subquery
    from sqlalchemy.engine import Connection

    from hedge_service.core.exposure import EventClaims

    Days = dict[date | None, Money]

DAY_MS = 86_400_000
MICROS_PER_CENTI = WHOLE.times(Count(1)).micros
TICKERS: BindParameter[list[str]] = bindparam("tickers", expanding=True)


def on_day(ends_ms: ColumnElement[int]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Give the conditions that keep the day of `span`."""
    return ends_ms >= bindparam("day_start"), ends_ms < bindparam("day_end")


def span(day: date) -> dict[str, int]:
    """Give the parameters of `on_day`."""
    start = (day - EPOCH.date()).days * DAY_MS
    return {"day_start": start, "day_end": start + DAY_MS}


def _covered(within: Sequence[ColumnElement[bool]]) -> Subquery:
    """Give what each parlay's own contracts pay if it wins, no more than its payout."""
    bought = case((fills.c.side == Side.YES.value, fills.c.count_centis), else_=-fills.c.count_centis)
    # A parlay holds one side of a market; what it sells of that is booked as buying the other.
    held = func.abs(func.sum(bought)).label("held")
    legs = (
        select(parlays.c.id, parlays.c.ends_ms, parlays.c.payout_micros, held)
        .join(fills, fills.c.parlay_id == parlays.c.id)
        .where(*within, fills.c.reversed_ms.is_(None))
        .group_by(parlays.c.id, fills.c.ticker)
        .subquery()
    )
    ends, payout = func.max(legs.c.ends_ms), func.max(legs.c.payout_micros)
    pays = func.sum(legs.c.held) * MICROS_PER_CENTI
    columns = (ends.label("ends_ms"), payout.label("payout"), pays.label("pays"))
    each = select(*columns).group_by(legs.c.id).subquery()
    least = case((each.c.pays < each.c.payout, each.c.pays), else_=each.c.payout)
    return select(each.c.ends_ms, least.label("micros")).subquery()


# Statements are made once: they are needed in the transaction of every quote.
_CLAIM = parlay_legs.c.claim_micros
_UNSETTLED = (parlay_legs.c.settled_ms.is_(None), _CLAIM.is_not(None))
_OPEN_TICKERS = select(parlay_legs.c.ticker).where(*_UNSETTLED).distinct()
_ON_MARKETS = (parlay_legs.c.ticker.in_(TICKERS), *_UNSETTLED)
_DUE = Prepared(
    select(parlay_legs.c.ticker, parlay_legs.c.side, func.sum(_CLAIM).label("micros"))
    .where(*_ON_MARKETS)
    .group_by(parlay_legs.c.ticker, parlay_legs.c.side)
)
_HELD = Prepared(select(positions).where(positions.c.ticker.in_(TICKERS)))
_PER_PARLAY = (
    select(
        parlay_legs.c.parlay_id,
        func.max(case((parlay_legs.c.side == Side.YES.value, 1), else_=0)).label("needs_yes"),
        func.max(_CLAIM).label("claim"),
    )
    .where(*_ON_MARKETS)
    .group_by(parlay_legs.c.parlay_id)
    .subquery()
)
_BY_NEED = select(_PER_PARLAY.c.needs_yes, func.sum(_PER_PARLAY.c.claim)).group_by(_PER_PARLAY.c.needs_yes)
_ALONE = (
    select(parlay_legs.c.ticker, func.sum(_CLAIM))
    .join(_PER_PARLAY, _PER_PARLAY.c.parlay_id == parlay_legs.c.parlay_id)
    .where(*_ON_MARKETS, _PER_PARLAY.c.needs_yes == 0)
    .group_by(parlay_legs.c.ticker)
)
_IS_OPEN = parlays.c.state == ParlayState.OPEN.value
_THAT_DAY = (_IS_OPEN, *on_day(parlays.c.ends_ms))
_PAYOUTS = select(parlays.c.ends_ms, parlays.c.payout_micros.label("micros")).where(_IS_OPEN).subquery()
# A sum without a GROUP BY, which would sort what the index already holds together.
_DUE_THAT_DAY = select(func.sum(parlays.c.payout_micros)).where(*_THAT_DAY)
_COVERED_THAT_DAY = select(func.sum(_covered(_THAT_DAY).c.micros))


def open_tickers(tx: Connection) -> set[str]:
    """List the markets that legs of open parlays still wait for."""
    return set(tx.execute(_OPEN_TICKERS).scalars())


def markets(tx: Connection, tickers: Collection[str]) -> dict[str, MarketClaims]:
    """Add up what each outcome of each market is needed for, and what is held of it."""
    named = {"tickers": sorted(tickers)}
    due = {(ticker, side): Money(int(micros)) for ticker, side, micros in _DUE.all(tx, named)}
    held = {(row.ticker, row.side): Count(row.count_centis) for row in _HELD.all(tx, named)}
    return {
        ticker: MarketClaims(
            ticker=ticker,
            yes=due.get((ticker, Side.YES.value), Money.ZERO),
            no=due.get((ticker, Side.NO.value), Money.ZERO),
            held_yes=held.get((ticker, Side.YES.value), Count.ZERO),
            held_no=held.get((ticker, Side.NO.value), Count.ZERO),
        )
        for ticker in tickers
    }


def exactly(tx: Connection, event: EventClaims, *, exclusive: bool | None) -> EventClaims:
    """Look at each parlay of an event, where bounds count every leg as a parlay of its own."""
    named = {"tickers": sorted(event.markets)}
    by_need = {bool(needs_yes): Money(int(micros)) for needs_yes, micros in tx.execute(_BY_NEED, named)}
    alone = by_need.get(False, Money.ZERO)
    found = tx.execute(_ALONE, named) if alone and exclusive else ()
    each_alone = {ticker: Money(int(micros)) for ticker, micros in found}
    return replace(
        event,
        exclusive=exclusive,
        markets={
            ticker: replace(market, no_alone=each_alone.get(ticker, Money.ZERO))
            for ticker, market in event.markets.items()
        },
        payouts=alone + by_need.get(True, Money.ZERO),
        no_alone=alone,
    )


def day(tx: Connection, ends_on: date, *, exact: bool) -> Money:
    """Add up the payouts of open parlays whose last leg should expire on a day.

    Exactly: each less the contracts that its own fills bought and did not sell, never below zero.
    """
    due = _total(tx, _DUE_THAT_DAY, ends_on)
    return due - _total(tx, _COVERED_THAT_DAY, ends_on) if exact else due


def days(tx: Connection) -> Days:
    """Add up the payouts of all open parlays by that day, exactly."""
    covered = by_day(tx, _covered((_IS_OPEN,)))
    return {each: due - covered.get(each, Money.ZERO) for each, due in by_day(tx, _PAYOUTS).items()}


def by_day(tx: Connection, amounts: Subquery, parameters: Mapping[str, int] | None = None) -> Days:
    """Add `micros` up by the day of `ends_ms`."""
    number = (amounts.c.ends_ms // DAY_MS).label("day")
    found = tx.execute(select(number, func.sum(amounts.c.micros)).group_by(number), parameters)
    return {_date(days): Money(int(micros)) for days, micros in found}


def _total(tx: Connection, found: Select[int], ends_on: date) -> Money:
    micros = tx.execute(found, span(ends_on)).scalar()
    return Money.ZERO if micros is None else Money(int(micros))


def _date(days: int | None) -> date | None:
    return None if days is None else date.fromordinal(EPOCH.toordinal() + int(days))
