"""Selling a hedge that hedges nothing any more: never more than its own fills, less what is sold already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hedge_service.core import ids
from hedge_service.core.fees import FeeSchedule
from hedge_service.core.journal import Intent, filled
from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count
from hedge_service.core.orders import Purpose, TimeInForce

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from hedge_service.core.journal import Attempt
    from hedge_service.core.market import Market

    Worked = tuple[Intent, tuple[Attempt, ...]]

MOST_TRIES = 5
WAIT_BETWEEN = timedelta(seconds=60)
_STANDARD_FEES = FeeSchedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsold:
    """What is to be sold of one leg of a parlay, and which try comes next."""

    parlay_id: str
    leg: int
    ticker: str
    side: Side
    count: Count
    sequence: int


def unsold(intents: Sequence[Worked], *, now: datetime) -> tuple[Unsold, ...]:
    """List the legs of these intents that can be sold down now.

    A leg waits while anything of it is open or in doubt, and for a minute after its last try; after
    `MOST_TRIES` tries the rest is held to the market's end.
    """
    legs = sorted({intent.leg for intent, _ in intents})
    found = (_unsold_leg([each for each in intents if each[0].leg == leg], now) for leg in legs)
    return tuple(each for each in found if each is not None)


def _unsold_leg(intents: Sequence[Worked], now: datetime) -> Unsold | None:
    if any(moving(intent, attempts) for intent, attempts in intents):
        return None
    bought = [each for each in intents if each[0].purpose is not Purpose.UNWIND]
    sold = [each for each in intents if each[0].purpose is Purpose.UNWIND]
    left = held_of(intents)
    ended = [intent.ended_at for intent, _ in sold if intent.ended_at is not None]
    early = bool(ended) and now < max(ended) + WAIT_BETWEEN
    if not left or early or len(sold) >= MOST_TRIES:
        return None
    held = bought[0][0]
    return Unsold(
        parlay_id=held.parlay_id,
        leg=held.leg,
        ticker=held.ticker,
        side=held.side.outcome,
        count=left,
        sequence=next_sale(intents),
    )


def next_sale(intents: Sequence[Worked]) -> int:
    """Give the sequence of the next intent that sells of one leg."""
    sold = (intent.sequence for intent, _ in intents if intent.purpose is Purpose.UNWIND)
    return 1 + max(sold, default=0)


def held_of(intents: Sequence[Worked]) -> Count:
    """Give what these intents bought less what they sold again, as far as is known."""
    sold = [each for each in intents if each[0].purpose is Purpose.UNWIND]
    bought = [each for each in intents if each[0].purpose is not Purpose.UNWIND]
    return Count(max(_filled(bought).centis - _filled(sold).centis, 0))


def moving(intent: Intent, attempts: tuple[Attempt, ...]) -> bool:
    """Say whether anything of an intent is open or in doubt."""
    return intent.ended_at is None or any(not attempt.state.ended for attempt in attempts)


def _filled(intents: Sequence[Worked]) -> Count:
    return sum((filled(attempts) for _, attempts in intents), Count.ZERO)


def selling_intent(
    held: Unsold,
    market: Market,
    *,
    now: datetime,
    max_slippage: Decimal,
    ttl: timedelta,
    fees: FeeSchedule = _STANDARD_FEES,
) -> Intent | None:
    """Give the order that sells what is held, or None while nobody bids or the market is not open.

    The book is one: whoever asks $0.60 for NO bids $0.40 for YES, so selling at no less than the bid less
    `max_slippage` is buying the other side at no more than its ask plus as much. `reduce_only` is the second
    lock: the exchange never turns it into a new position. It can only cost its fees.
    """
    other = held.side.opposite
    ask = market.ask(other)
    if ask is None or not market.open_at(now):
        return None
    price = market.limit_price(other, ask, max_slippage)
    if price is None:
        return None
    limit = price if other is Side.YES else price.complement
    purpose = Purpose.UNWIND
    return Intent(
        id=ids.intent_id(parlay=held.parlay_id, leg=held.leg, purpose=purpose.value, sequence=held.sequence),
        parlay_id=held.parlay_id,
        leg=held.leg,
        purpose=purpose,
        sequence=held.sequence,
        ticker=held.ticker,
        side=BookSide.buying(other),
        count=held.count,
        price=price,
        max_cost=fees.largest(held.count, limit),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        reduce_only=True,
        created_at=now,
        expires_at=now + ttl,
    )
