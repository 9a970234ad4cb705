"""Second locks: what must be true just before an order is sent, told from what was read lately.

The first locks are the caps in the transaction that creates intents, the journal and the lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.fees import max_fee
from hedge_service.core.market import MarketStatus
from hedge_service.core.money import Count, Money

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.market import Market
    from hedge_service.core.venue import Balance, ExchangeStatus


class WaitReason(StrEnum):
    """Why an order waits; if it waits out the intent's life, this is why it was not sent."""

    STATUS_STALE = "exchange_status_stale"
    ATTESTATION_STALE = "region_attestation_stale"
    MARKET_STALE = "market_stale"
    BALANCE_STALE = "balance_stale"
    EXCHANGE_PAUSED = "exchange_paused"
    MARKET_PAUSED = "market_paused"
    BALANCE_RESERVED = "insufficient_balance"


class BarReason(StrEnum):
    """Why an order is not sent any more."""

    ATTEMPTS_USED = "attempts_used"
    MORE_THAN_PLANNED = "more_than_planned"
    MAX_COST = "max_cost"
    REGION_EXPIRED = "region_attestation_expired"
    MARKET_NOT_OPEN = "market_not_open"
    INSUFFICIENT_BALANCE = "insufficient_balance"


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: what is missing may come within the intent's life."""

    reason: WaitReason
    detail: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Not this order any more."""

    reason: BarReason
    detail: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """The journal says what can't be: something is broken, and nothing may be sent."""

    detail: str


Lock = Wait | Bar | Impossible


@dataclass(frozen=True, slots=True)
class Attestation:
    """Until when the account's keys may trade markets that need a location; None: no end is told."""

    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of the exchange now; None where it was read too long ago to go by.

    `reserved`: what our own orders under way may still take of the market's shard.
    """

    now: datetime
    status: ExchangeStatus | None
    attestation: Attestation | None
    market: Market | None
    balance: Balance | None
    reserved: Money


def journal_lock(
    intent: Intent, attempts: tuple[Attempt, ...], attempt: Attempt, *, max_attempts: int
) -> Lock | None:
    """Check one attempt against its intent: how many, how much, at what cost; `attempts` are all of them.

    Since no intent sends more than `max_attempts`, all orders sent never exceed intents times attempts. One
    more would be a fault of this service (or a setting lowered under an open intent): nothing is sent then.
    """
    others = tuple(one for one in attempts if one.client_order_id != attempt.client_order_id)
    sent = [one for one in others if one.sends]
    if len(sent) >= max_attempts:
        return Impossible(f"{len(sent)} of at most {max_attempts} attempts of {intent.id} were sent already")
    if attempt.number > max_attempts:
        return Bar(BarReason.ATTEMPTS_USED, f"attempt {attempt.number} of at most {max_attempts}")
    held = Count(sum(one.filled.centis if one.state.ended else one.count.centis for one in others))
    if held + attempt.count > intent.count:
        # An execution became known late, after this attempt was planned.
        return Bar(BarReason.MORE_THAN_PLANNED, f"{held} of {intent.count} are held or under way")
    if intent.reduce_only:
        return None
    spent = sum((one.cost + one.fees for one in others), Money.ZERO)
    if spent + order_cost(intent, attempt.count) > intent.max_cost:
        return Bar(BarReason.MAX_COST, f"${spent} is spent of at most ${intent.max_cost}")
    return None


def venue_lock(intent: Intent, attempt: Attempt, seen: Seen) -> Lock | None:
    """Check one attempt against the exchange as it was last seen.

    The category of a market is not in its row, so an expired attestation bars every market: the ones that
    need none are rare here (parlays are sports, elections, entertainment).
    """
    if seen.status is None:
        return Wait(WaitReason.STATUS_STALE, "the exchange's status was not read lately")
    if seen.attestation is None:
        return Wait(WaitReason.ATTESTATION_STALE, "the location attestation was not read lately")
    expires_at = seen.attestation.expires_at
    if expires_at is not None and expires_at <= seen.now:
        said = f"the location attestation ended at {expires_at.isoformat()}: attest again at the exchange"
        return Bar(BarReason.REGION_EXPIRED, said)
    market = seen.market
    if market is None:
        return Wait(WaitReason.MARKET_STALE, f"{intent.ticker} was not read lately")
    if not seen.status.trading_on(market.exchange_index):
        return Wait(WaitReason.EXCHANGE_PAUSED, f"shard {market.exchange_index} takes no orders")
    return _market_lock(market, seen.now) or _cash_lock(intent, attempt, market.exchange_index, seen)


def _market_lock(market: Market, now: datetime) -> Lock | None:
    if market.open_at(now):
        return None
    if market.status is MarketStatus.INACTIVE and now < market.close_time:
        return Wait(WaitReason.MARKET_PAUSED, f"{market.ticker} is paused")
    said = f"{market.ticker} is {market.status.value}, close time {market.close_time.isoformat()}"
    return Bar(BarReason.MARKET_NOT_OPEN, said)


def _cash_lock(intent: Intent, attempt: Attempt, shard: int, seen: Seen) -> Lock | None:
    if intent.reduce_only:
        return None
    if seen.balance is None:
        return Wait(WaitReason.BALANCE_STALE, "the balance was not read lately")
    cash = _cash_on(seen.balance, shard)
    needed = order_cost(intent, attempt.count)
    if cash - seen.reserved >= needed:
        return None
    said = (
        f"shard {shard} holds ${cash.floor_to_cent()}{_reserved(seen.reserved)}, "
        f"the order needs ${needed.ceil_to_cent()}: move cash to shard {shard}"
    )
    if cash >= needed:
        # Orders under way may leave enough; the next read of the balance tells.
        return Wait(WaitReason.BALANCE_RESERVED, said)
    return Bar(BarReason.INSUFFICIENT_BALANCE, said)


def _cash_on(balance: Balance, shard: int) -> Money:
    # A key that may not see the shards sees only the sum: the exchange's own check decides then.
    return balance.cash if balance.shards is None else balance.shards.get(shard, Money.ZERO)


def _reserved(reserved: Money) -> str:
    return f" (${reserved.ceil_to_cent()} of it reserved by orders under way)" if reserved else ""


def order_cost(intent: Intent, count: Count) -> Money:
    """Give the most that an order of `count` can cost at the intent's limit, fees included."""
    limit = intent.order("", count, 0).limit
    return limit.times(count) + max_fee(count, limit)
