"""What open parlays can cost at worst, by market, event and day, net of the contracts held.

A figure is cash: payouts due less what held contracts pay, never below zero. Stakes are not counted: they
have paid for hedges and fees. Every figure assumes that whatever it does not look at goes against the house.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money
from hedge_service.core.settlement import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime


class Cap(StrEnum):
    """Which cap of exposure; the value is the code of what it refuses."""

    MARKET = "market_exposure_cap"
    EVENT = "event_exposure_cap"
    DAY = "day_exposure_cap"

    @property
    def limit(self) -> str:
        """Give the name of the setting."""
        return f"max_{self.value.removesuffix('_cap')}_dollars"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """What of a market decides where a parlay on it counts.

    `exclusive`: at most one market of its event ends in YES, None when nobody has asked. `expires_at`: when
    it is expected to expire, its close where the exchange does not say.
    """

    ticker: str
    event_ticker: str
    exclusive: bool | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegClaim:
    """One outcome that a parlay needs."""

    ticker: str
    event_ticker: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one parlay may cost: its payout, if every leg hits.

    `ends_on`: the UTC day on which its last leg is expected to expire, None when that is not known.
    """

    payout: Money
    legs: tuple[LegClaim, ...]
    ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketClaims:
    """The payouts that need each outcome of a market, and the contracts held of each.

    `no_alone`: of `no`, the payouts of parlays that need no YES of the same event.
    """

    ticker: str
    yes: Money = Money.ZERO
    no: Money = Money.ZERO
    no_alone: Money = Money.ZERO
    held_yes: Count = Count.ZERO
    held_no: Count = Count.ZERO

    def net(self, side: Side) -> Money:
        """Give what this outcome costs: the payouts that need it less its contracts, at $1 each."""
        due, held = (self.yes, self.held_yes) if side is Side.YES else (self.no, self.held_no)
        return max(due - WHOLE.times(held), Money.ZERO)

    @property
    def exposure(self) -> Money:
        """Give the larger net: parlays on YES and parlays on NO of one market never win together."""
        return max(self.net(Side.YES), self.net(Side.NO))

    def adding(self, side: Side, payout: Money, *, alone: bool) -> MarketClaims:
        """Add a payout that needs this outcome; `alone`: its parlay needs no YES of the event."""
        if side is Side.YES:
            return replace(self, yes=self.yes + payout)
        lonely = payout if alone else Money.ZERO
        return replace(self, no=self.no + payout, no_alone=self.no_alone + lonely)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClaims:
    """The claims on the markets of one event.

    `payouts`: of all parlays with a leg in it, each counted once. `no_alone`: of those that need no YES.
    """

    event_ticker: str
    exclusive: bool | None = None
    markets: Mapping[str, MarketClaims] = field(default_factory=dict)
    payouts: Money = Money.ZERO
    no_alone: Money = Money.ZERO

    @property
    def exposure(self) -> Money:
        """Give the most that the event can cost.

        Markets that exclude each other: the worst of the outcomes "this one is YES, all others NO" and "none
        is YES", exactly, with every contract that pays in it. Otherwise an upper bound: the sum of the
        markets' exposures, since any of them may end badly together, but no more than every parlay paid once.
        """
        if self.exclusive:
            return max(chain(self._outcomes(), (Money.ZERO,)))
        total = sum((market.exposure for market in self.markets.values()), Money.ZERO)
        return min(total, self.payouts)

    def adding(self, claim: Claim) -> EventClaims:
        """Add one more parlay, if it has a leg here."""
        legs = [leg for leg in claim.legs if leg.event_ticker == self.event_ticker]
        if not legs:
            return self
        alone = all(leg.side is Side.NO for leg in legs)
        markets = dict(self.markets)
        for leg in legs:
            before = markets.get(leg.ticker, MarketClaims(ticker=leg.ticker))
            markets[leg.ticker] = before.adding(leg.side, claim.payout, alone=alone)
        lonely = claim.payout if alone else Money.ZERO
        return replace(
            self, markets=markets, payouts=self.payouts + claim.payout, no_alone=self.no_alone + lonely
        )

    def _outcomes(self) -> Iterator[Money]:
        """Give what each outcome of exclusive markets costs; one pass, however many parlays there are."""
        held_no = sum((WHOLE.times(market.held_no) for market in self.markets.values()), Money.ZERO)
        nobody = self.no_alone - held_no
        yield nobody
        for market in self.markets.values():
            won = market.yes - WHOLE.times(market.held_yes)
            yield nobody + won - market.no_alone + WHOLE.times(market.held_no)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Open claims by event, and the net payouts of each day's parlays (None: the day is not known)."""

    events: Mapping[str, EventClaims] = field(default_factory=dict)
    days: Mapping[date | None, Money] = field(default_factory=dict)

    def adding(self, claim: Claim) -> Exposure:
        """Add one more parlay, without contracts of its own."""
        events, days = dict(self.events), dict(self.days)
        for ticker in _events(claim):
            events[ticker] = events.get(ticker, EventClaims(event_ticker=ticker)).adding(claim)
        days[claim.ends_on] = days.get(claim.ends_on, Money.ZERO) + claim.payout
        return Exposure(events=events, days=days)

    def market(self, leg: LegClaim) -> Money:
        """Give the exposure of a leg's market."""
        event = self.events.get(leg.event_ticker)
        market = None if event is None else event.markets.get(leg.ticker)
        return Money.ZERO if market is None else market.exposure

    def event(self, ticker: str) -> Money:
        """Give the exposure of an event."""
        found = self.events.get(ticker)
        return Money.ZERO if found is None else found.exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureCaps:
    """The configured caps."""

    market: Money
    event: Money
    day: Money

    def of(self, cap: Cap) -> Money:
        """Give the most that a cap allows."""
        return {Cap.MARKET: self.market, Cap.EVENT: self.event, Cap.DAY: self.day}[cap]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one cap holds before and after one more parlay; `name`: the market, event or day."""

    cap: Cap
    name: str
    before: Money
    after: Money


def uses(held: Exposure, claim: Claim) -> tuple[Use, ...]:
    """Give every figure that one more parlay touches: its markets, its events, its day."""
    after = held.adding(claim)
    markets = (
        Use(cap=Cap.MARKET, name=leg.ticker, before=held.market(leg), after=after.market(leg))
        for leg in claim.legs
    )
    events = (
        Use(cap=Cap.EVENT, name=ticker, before=held.event(ticker), after=after.event(ticker))
        for ticker in _events(claim)
    )
    return *markets, *events, *_day(held, after, claim.ends_on)


def passed(found: Iterable[Use], caps: ExposureCaps) -> Use | None:
    """Give the first cap that one more parlay passes, or None.

    A figure that is past its cap already (contracts were sold, the cap was lowered) stands in the way only
    of what adds to it: a parlay on the smaller side of a market is still taken.
    """
    return next((use for use in found if use.after > caps.of(use.cap) and use.after > use.before), None)


def near(found: Iterable[Use], caps: ExposureCaps) -> frozenset[Cap]:
    """Give the caps that some upper bound is past: figures under the others need no closer look."""
    return frozenset(use.cap for use in found if use.after > caps.of(use.cap))


def _day(held: Exposure, after: Exposure, day: date | None) -> Iterator[Use]:
    if day is not None:
        before = held.days.get(day, Money.ZERO)
        yield Use(cap=Cap.DAY, name=day.isoformat(), before=before, after=after.days[day])


def _events(claim: Claim) -> tuple[str, ...]:
    return tuple(dict.fromkeys(leg.event_ticker for leg in claim.legs))
