"""What must be true just before an order is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hedge_service.core.journal import Attempt, Intent
from hedge_service.core.locks import (
    Attestation,
    Bar,
    BarReason,
    Impossible,
    Lock,
    Seen,
    Wait,
    WaitReason,
    journal_lock,
    order_cost,
    venue_lock,
)
from hedge_service.core.market import BookSide, Grid, Market, MarketStatus
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState, Purpose, TimeInForce
from hedge_service.core.venue import Balance, ExchangeStatus, ShardStatus

S = AttemptState
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UP = ShardStatus(exchange_active=True, trading_active=True)
PAUSED = ShardStatus(exchange_active=True, trading_active=False)

INTENT = Intent(
    id="int_1",
    parlay_id="par_1",
    leg=1,
    purpose=Purpose.HEDGE,
    sequence=1,
    ticker="KXA-1-SEA",
    side=BookSide.BID,
    count=Count.of(10),
    price=Price.of("0.60"),
    max_cost=Money.of("6.40"),
    time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
    reduce_only=False,
    created_at=NOW,
    expires_at=NOW + timedelta(seconds=120),
)
MARKET = Market(
    ticker="KXA-1-SEA",
    event_ticker="KXA-1",
    market_type="binary",
    status=MarketStatus.ACTIVE,
    title="",
    yes_sub_title="",
    no_sub_title="",
    close_time=NOW + timedelta(hours=1),
    yes_ask=Price.of("0.58"),
    no_ask=None,
    grid=Grid(),
    exchange_index=2,
    result="",
    settlement_value=None,
)
BALANCE = Balance(cash=Money.of(100), portfolio_value=Money.ZERO, shards={2: Money.of(50)}, updated_ts=0)
SEEN = Seen(
    now=NOW,
    status=ExchangeStatus(exchange_active=True, trading_active=True, shards={2: UP}, resume_time=None),
    attestation=Attestation(None),
    market=MARKET,
    balance=BALANCE,
    reserved=Money.ZERO,
)


def attempt(number: int = 1, state: S = S.PLANNED, sends: int = 0, **changes: object) -> Attempt:
    made = Attempt(
        client_order_id=f"hs-{number}",
        intent_id="int_1",
        number=number,
        count=Count.of(10),
        state=state,
        body=b"{}",
        planned_at=NOW,
        sends=sends,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def reason(lock: Lock | None) -> str:
    assert isinstance(lock, Wait | Bar)
    return lock.reason.value


def seen(**changes: object) -> Seen:
    return replace(SEEN, **changes)  # type: ignore[arg-type]


def test_an_order_that_nothing_stands_against_is_sent() -> None:
    assert venue_lock(INTENT, attempt(), SEEN) is None
    assert journal_lock(INTENT, (attempt(),), attempt(), max_attempts=2) is None


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("status", WaitReason.STATUS_STALE),
        ("attestation", WaitReason.ATTESTATION_STALE),
        ("market", WaitReason.MARKET_STALE),
        ("balance", WaitReason.BALANCE_STALE),
    ],
)
def test_a_stale_snapshot_means_wait(missing: str, expected: WaitReason) -> None:
    lock = venue_lock(INTENT, attempt(), seen(**{missing: None}))
    assert isinstance(lock, Wait)
    assert lock.reason is expected


def test_only_a_pause_of_the_markets_own_shard_makes_an_order_wait() -> None:
    here = ExchangeStatus(exchange_active=True, trading_active=True, shards={2: PAUSED}, resume_time=None)
    assert reason(venue_lock(INTENT, attempt(), seen(status=here))) == "exchange_paused"
    elsewhere = ExchangeStatus(
        exchange_active=True, trading_active=False, shards={0: PAUSED, 2: UP}, resume_time=None
    )
    assert venue_lock(INTENT, attempt(), seen(status=elsewhere)) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": MarketStatus.INACTIVE}, WaitReason.MARKET_PAUSED),
        ({"status": MarketStatus.CLOSED}, BarReason.MARKET_NOT_OPEN),
        ({"status": MarketStatus.OTHER}, BarReason.MARKET_NOT_OPEN),
        ({"close_time": NOW}, BarReason.MARKET_NOT_OPEN),
        ({"status": MarketStatus.INACTIVE, "close_time": NOW}, BarReason.MARKET_NOT_OPEN),
    ],
)
def test_a_paused_market_may_open_again_and_a_closed_one_will_not(
    changes: dict[str, object], expected: WaitReason | BarReason
) -> None:
    market = replace(MARKET, **changes)  # type: ignore[arg-type]
    assert reason(venue_lock(INTENT, attempt(), seen(market=market))) == expected.value


def test_an_expired_attestation_bars_every_market() -> None:
    over = venue_lock(INTENT, attempt(), seen(attestation=Attestation(NOW)))
    assert isinstance(over, Bar)
    assert over.reason is BarReason.REGION_EXPIRED
    assert "attest again" in over.detail
    assert venue_lock(INTENT, attempt(), seen(attestation=Attestation(NOW + timedelta(seconds=1)))) is None


def test_a_shard_without_the_cash_bars_the_order_and_says_what_to_do() -> None:
    empty = replace(BALANCE, shards={0: Money.of(90), 2: Money.of("3.10")})
    lock = venue_lock(INTENT, attempt(), seen(balance=empty))
    assert isinstance(lock, Bar)
    assert lock.reason is BarReason.INSUFFICIENT_BALANCE
    assert lock.detail == "shard 2 holds $3.10, the order needs $6.28: move cash to shard 2"


def test_cash_that_orders_under_way_may_take_is_waited_for() -> None:
    lock = venue_lock(INTENT, attempt(), seen(reserved=Money.of(45)))
    assert isinstance(lock, Wait)
    assert lock.reason.value == "insufficient_balance"
    assert "$45.00 of it reserved" in lock.detail
    assert venue_lock(INTENT, attempt(), seen(reserved=Money.of("43.70"))) is None


def test_a_key_that_sees_no_shards_goes_by_the_whole_balance() -> None:
    blind = replace(BALANCE, shards=None)
    assert venue_lock(INTENT, attempt(), seen(balance=blind)) is None


def test_selling_needs_no_cash() -> None:
    selling = replace(INTENT, reduce_only=True)
    assert venue_lock(selling, attempt(), seen(balance=None)) is None


def test_more_attempts_than_allowed_are_impossible() -> None:
    made = tuple(attempt(number, S.CANCELLED, 1, count=Count.of(1)) for number in (1, 2))
    third = attempt(3, count=Count.of(1))
    lock = journal_lock(INTENT, (*made, third), third, max_attempts=2)
    assert lock == Impossible("2 of at most 2 attempts of int_1 were sent already")


def test_an_attempt_may_be_sent_again_under_its_own_id() -> None:
    made = attempt(1, S.CANCELLED, 1, filled=Count.of(4))
    second = attempt(2, S.UNKNOWN, 5, count=Count.of(6))
    assert journal_lock(INTENT, (made, second), second, max_attempts=2) is None


def test_an_attempt_past_the_allowed_number_is_not_sent() -> None:
    unsent = attempt(1, S.NOT_SENT)
    third = attempt(3)
    assert reason(journal_lock(INTENT, (unsent, third), third, max_attempts=2)) == "attempts_used"


def test_contracts_never_exceed_the_intent() -> None:
    first = attempt(1, S.CANCELLED, 1, filled=Count.of(5))
    second = attempt(2, count=Count.of(6))
    assert reason(journal_lock(INTENT, (first, second), second, max_attempts=2)) == "more_than_planned"
    doubtful = attempt(1, S.PARKED, 1)
    assert reason(journal_lock(INTENT, (doubtful, second), second, max_attempts=2)) == "more_than_planned"


def test_a_new_attempt_keeps_within_the_intents_cost() -> None:
    dear = attempt(1, S.CANCELLED, 1, filled=Count.of(4), cost=Money.of("2.40"), fees=Money.of("0.60"))
    second = attempt(2, count=Count.of(6))
    assert reason(journal_lock(INTENT, (dear, second), second, max_attempts=2)) == "max_cost"
    fair = replace(dear, fees=Money.of("0.07"))
    assert journal_lock(INTENT, (fair, second), second, max_attempts=2) is None


def test_the_cost_of_an_order_is_its_limit_and_the_highest_fee() -> None:
    # 10 at 60 cents; 0.07 * 10 * 0.25 at most, and a hundredth of a cent for each of 1,000 smallest lots.
    assert order_cost(INTENT, Count.of(10)) == Money.of("6.275")
    selling_yes = replace(INTENT, side=BookSide.ASK)
    assert order_cost(selling_yes, Count.of(10)) == Money.of(4) + (Money.of("0.168") + Money.of("0.1"))
