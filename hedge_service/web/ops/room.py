"""Room that is left: tokens in the buckets of this process, and exposure below its caps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.flow.exposure import caps_of
from hedge_service.store import exposure as open_claims
from hedge_service.web.ops.bodies import moment
from hedge_service.web.ops.fields import USUAL_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hedge_service.clients.limiter import PacedBucket
    from hedge_service.core.exposure import Exposure, ExposureCaps
    from hedge_service.core.money import Money
    from hedge_service.web.ops.keys import Desk

    Given = Mapping[str, Any]
    Body = dict[str, Any]


async def buckets(desk: Desk, _given: Given) -> Body:
    """Tell how many tokens are left for the exchange, and how many callers wait for them."""
    limiter = desk.exchange.limiter
    return {
        "tier": limiter.limits.tier,
        "buckets": [
            _bucket(name, bucket)
            for name, bucket in (
                ("write", limiter.write),
                ("read", limiter.read),
                ("balance", limiter.balance),
            )
        ],
    }


def _bucket(name: str, bucket: PacedBucket) -> Body:
    state = bucket.state
    return {
        "name": name,
        "tokens_left": max(int(state.available), 0),
        "capacity": state.limit.capacity,
        "refill_per_s": state.limit.refill_rate,
        "waiting": bucket.waiting,
    }


async def exposure(desk: Desk, given: Given) -> Body:
    """Tell what open parlays and open checkouts may cost, by market, event and day, the largest first."""
    now, caps = desk.clock.now(), caps_of(desk.config.limits)
    held = await desk.database.read(lambda tx: open_claims.everything(tx, now))
    most = USUAL_ROWS if given["limit"] is None else given["limit"]
    return {"as_of": moment(now)} | _exposed(held, caps, most)


def _exposed(held: Exposure, caps: ExposureCaps, most: int) -> Body:
    markets = {
        market.ticker: market.exposure for event in held.events.values() for market in event.markets.values()
    }
    events = {event.event_ticker: event.exposure for event in held.events.values()}
    days = {"unknown" if day is None else day.isoformat(): due for day, due in held.days.items()}
    return {
        "markets": _claims(markets.items(), caps.market, most),
        "events": _claims(events.items(), caps.event, most),
        "days": _claims(days.items(), caps.day, most),
    }


def _claims(found: Iterable[tuple[str, Money]], cap: Money, most: int) -> Body:
    largest = sorted(found, key=lambda one: (-one[1].micros, one[0]))
    return {
        "cap_dollars": str(cap),
        "items": [{"name": name, "dollars": str(due)} for name, due in largest[:most]],
        "left_out": max(len(largest) - most, 0),
    }
