"""The exposure caps where something is sold: a quote, a checkout, a payment. In the caller's transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hedge_service.core.exposure import Cap, ExposureCaps, MarketFacts, near, passed, uses
from hedge_service.errors import Conflict
from hedge_service.store import market_facts
from hedge_service.store.exposure import Scope, around

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.config import Limits
    from hedge_service.core.exposure import Claim, Use
    from hedge_service.core.market import Market
    from hedge_service.core.parlay import Quote

WORDS = {
    Cap.MARKET: "Too much depends on one market",
    Cap.EVENT: "Too much depends on one event",
    Cap.DAY: "Too much would have to be paid on one day",
}


class CapPassed(Conflict):
    """A parlay would pass a cap of exposure; the figures are for the log alone."""

    def __init__(self, use: Use, most: str) -> None:
        super().__init__(
            "This parlay is not taken for now",
            f"{WORDS[use.cap]}: {use.name} ({use.cap.limit}). Try a smaller stake, other bets, or later.",
            code=use.cap.value,
            limit=use.cap.limit,
            name=use.name,
            used_dollars=str(use.before),
            asked_dollars=str(use.after),
            cap_dollars=most,
        )
        self.use = use


def caps_of(limits: Limits) -> ExposureCaps:
    """Give the configured caps."""
    return ExposureCaps(
        market=limits.max_market_exposure_dollars,
        event=limits.max_event_exposure_dollars,
        day=limits.max_day_exposure_dollars,
    )


def facts_of(markets: Iterable[Market], exclusive: Mapping[str, bool]) -> tuple[MarketFacts, ...]:
    """Take from markets what decides where a parlay counts; `exclusive`: of the events that were read."""
    return tuple(
        MarketFacts(
            ticker=market.ticker,
            event_ticker=market.event_ticker,
            exclusive=exclusive.get(market.event_ticker),
            expires_at=market.close_time
            if market.expected_expiration_time is None
            else market.expected_expiration_time,
        )
        for market in markets
    )


def unclear(facts: Iterable[MarketFacts], refusal: CapPassed) -> tuple[str, ...]:
    """Name the event that refuses while it is not known whether its markets exclude each other."""
    unsaid = {each.event_ticker for each in facts if each.exclusive is None}
    return (refusal.use.name,) if refusal.use.cap is Cap.EVENT and refusal.use.name in unsaid else ()


def cleared(facts: Iterable[MarketFacts], exclusive: Mapping[str, bool]) -> tuple[MarketFacts, ...]:
    """Add what was asked since."""
    return tuple(replace(each, exclusive=exclusive.get(each.event_ticker, each.exclusive)) for each in facts)


def check_exposure(tx: Connection, quote: Quote, limits: Limits, now: datetime) -> None:
    """Refuse a quote that would pass a cap, all open checkouts counted as sold. Raises CapPassed."""
    caps = caps_of(limits)
    use = _passed(tx, market_facts.claim_of(tx, quote), caps, reserved_at=now)
    if use is not None:
        raise CapPassed(use, str(caps.of(use.cap)))


def passed_when_paid(tx: Connection, quote: Quote, limits: Limits) -> Cap | None:
    """Say which cap a paid quote would pass, beside the parlays accepted so far."""
    use = _passed(tx, market_facts.claim_of(tx, quote), caps_of(limits), reserved_at=None)
    return None if use is None else use.cap


def _passed(tx: Connection, claim: Claim, caps: ExposureCaps, *, reserved_at: datetime | None) -> Use | None:
    """Look at each parlay only where a cheap upper bound does not already fit."""
    scope = Scope(claim=claim, reserved_at=reserved_at)
    found = uses(around(tx, scope), claim)
    closer = near(found, caps)
    if closer - {Cap.MARKET}:
        found = uses(around(tx, replace(scope, exact=closer)), claim)
    return passed(found, caps)
