"""What was found, judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hedge_service.checks import judging, own_door
from hedge_service.checks.example import profit_of_the_classic
from hedge_service.checks.model import judge_model
from hedge_service.clients.advisor import NoAdvice, NotAdvised
from hedge_service.config import load_config
from hedge_service.core.money import Money
from hedge_service.core.pacing import tier_limits
from hedge_service.core.venue import ApiKeyInfo, ApiKeys, Balance, ExchangeStatus, ShardStatus
from hedge_service.store.migrate import Standing
from hedge_service.wire.kalshi.schedule import Maintenance

if TYPE_CHECKING:
    from hedge_service.checks.own_door import Answers
    from hedge_service.config import Config

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PEM_FREE = {"STRIPE_API_KEY": "sk_test_abcdef"}


def config(**knobs: str) -> Config:
    return load_config(path=None, environ=PEM_FREE | knobs, cwd=Path(__file__).parent, live=True)


def keys(
    until: datetime | None = None, *, scopes: str = "read write", subaccount: int | None = None
) -> ApiKeys:
    info = ApiKeyInfo(key_id="k", scopes=frozenset(scopes.split()), subaccount=subaccount)
    return ApiKeys(keys=(info,), region_expiration=until)


def cash(*shards: str) -> Balance:
    held = {index: Money.of(text) for index, text in enumerate(shards)}
    total = sum(held.values(), Money.ZERO)
    return Balance(cash=total, portfolio_value=Money.ZERO, shards=held, updated_ts=0)


def status(*trading: bool) -> ExchangeStatus:
    return ExchangeStatus(
        exchange_active=True,
        trading_active=trading[0],
        shards={n: ShardStatus(exchange_active=True, trading_active=one) for n, one in enumerate(trading)},
        resume_time=None,
    )


@pytest.mark.parametrize(
    ("offset_s", "verdict"),
    [(0.4, "pass"), (-1.9, "pass"), (2.0, "warn"), (-4.9, "warn"), (5.0, "fail"), (-60, "fail")],
)
def test_the_clock_must_be_near_the_exchanges(offset_s: float, verdict: str) -> None:
    assert judging.clock(offset_s).verdict == verdict


def test_the_clock_is_told_from_our_side() -> None:
    assert judging.clock(3).found == "3.0 s behind the exchange's"
    assert judging.clock(-3).found == "3.0 s ahead of the exchange's"


@pytest.mark.parametrize(
    ("until", "verdict"),
    [(None, "warn"), (NOW, "fail"), (NOW + HOUR, "warn"), (NOW + timedelta(days=30), "pass")],
)
def test_an_attestation_that_ends_stops_trading(until: datetime | None, verdict: str) -> None:
    assert judging.attestation(keys(until), NOW).verdict == verdict


@pytest.mark.parametrize(
    ("scopes", "subaccount", "verdict"),
    [
        ("read write", None, "pass"),
        ("read write::trade", 0, "pass"),
        ("read", None, "warn"),
        ("read write::transfer", None, "warn"),
        ("read write", 3, "fail"),
    ],
)
def test_a_key_must_trade_on_our_subaccount(scopes: str, subaccount: int | None, verdict: str) -> None:
    seen = keys(scopes=scopes, subaccount=subaccount)
    assert judging.permissions(seen, "k", config()).verdict == verdict
    assert judging.permissions(seen, "another", config()).verdict == "warn"


@pytest.mark.parametrize(
    ("shards", "verdict"),
    [(("2000", "500"), "pass"), (("2000", "0"), "warn"), (("400", "500"), "warn"), (("0",), "warn")],
)
def test_a_day_may_not_spend_more_than_there_is(shards: tuple[str, ...], verdict: str) -> None:
    assert judging.balance(cash(*shards), config()).verdict == verdict


@pytest.mark.parametrize(
    ("trading", "verdict"), [((True, True), "pass"), ((True, False), "warn"), ((False, False), "warn")]
)
def test_a_closed_exchange_is_told(trading: tuple[bool, ...], verdict: str) -> None:
    assert judging.exchange(status(*trading)).verdict == verdict


@pytest.mark.parametrize(
    ("start_h", "end_h", "verdict"), [(-3, -1, "pass"), (-1, 1, "warn"), (5, 6, "warn"), (48, 50, "pass")]
)
def test_maintenance_within_a_day_is_told(start_h: int, end_h: int, verdict: str) -> None:
    window = Maintenance(start=NOW + start_h * HOUR, end=NOW + end_h * HOUR)
    assert judging.maintenance((window,), NOW).verdict == verdict


def test_a_wrong_tier_is_told_where_it_is_gone_by() -> None:
    limits = tier_limits("advanced")
    assert judging.pace(limits, 10, config()).verdict == "pass"
    assert "30 orders a second" in judging.pace(limits, 10, config()).found
    by_tier = config(HEDGE_KALSHI__RATE_LIMIT__SOURCE="tier")
    assert judging.pace(limits, 10, by_tier).verdict == "warn"


@pytest.mark.parametrize(
    ("standing", "wrong", "halt", "other_mode", "verdict"),
    [
        (Standing.CURRENT, {}, None, None, "pass"),
        (Standing.OLDER, {}, None, None, "warn"),
        (Standing.CURRENT, {}, "looking", None, "warn"),
        (Standing.CURRENT, {}, None, "live", "warn"),
        (Standing.CURRENT, {"environment": ("demo", "production")}, None, None, "fail"),
        (Standing.NEWER, {}, None, None, "fail"),
    ],
)
def test_a_database_must_be_ours(
    standing: Standing,
    wrong: dict[str, tuple[str, str]],
    halt: str | None,
    other_mode: str | None,
    verdict: str,
) -> None:
    assert judging.database(standing, wrong, halt, other_mode).verdict == verdict


def test_real_orders_are_said_loudly() -> None:
    assert judging.configuration(config()).verdict == "pass"
    real = {
        "KALSHI_API_KEY": "id",
        "HEDGE_KALSHI__ENVIRONMENT": "production",
        "STRIPE_API_KEY": "sk_live_abcdef",
        "HEDGE_OPS_TOKEN": "ann:anns-own-secret-2026",
    }
    production = config(**real)
    assert judging.address(production).verdict == "warn"
    assert judging.address(config(**real, HEDGE_SERVICE__PUBLIC_URL="https://h.example")).verdict == "pass"
    assert judging.address(config(**real, HEDGE_SERVICE__PUBLIC_URL="http://h.example")).verdict == "warn"
    assert judging.operators(production).verdict == "pass"
    assert judging.operators(config(**real, HEDGE_OPS__HOST="10.0.0.5")).verdict == "warn"
    assert judging.operators(config()).verdict == "warn"
    # A dry run with a live key opens no checkout.
    assert judging.payments(production, read=True).verdict == "warn"
    assert judging.payments(config(), read=True).verdict == "pass"
    assert judging.payments(config(STRIPE_API_KEY=""), read=False).verdict == "warn"


def test_the_classic_parlay_is_priced_as_it_is_configured() -> None:
    stake, profit = profit_of_the_classic(config())
    assert (stake, profit < Money.ZERO) == (Money.of(5), True)
    assert judging.edge(stake, profit, "bands").verdict == "warn"
    assert "-$0.0" in judging.edge(stake, profit, "bands").found
    assert profit_of_the_classic(config(HEDGE_PRICING__PAYOUT_SHARE="0.80"))[1] > Money.ZERO
    assert profit_of_the_classic(config(HEDGE_LIMITS__MAX_STAKE_DOLLARS="2"))[0] == Money.of(2)


@pytest.mark.parametrize("strategy", ["bands", "delta", "min_variance", "cvar", "rolling", "none"])
def test_every_strategy_can_price_it(strategy: str) -> None:
    assert profit_of_the_classic(config(HEDGE_HEDGING__STRATEGY=strategy))[0] == Money.of(5)


def answers(right: int | None, wrong: int | None = 400) -> Answers:
    return own_door.Answers(health={}, right=right, wrong=wrong)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (None, "warn"),
        (answers(200), "pass"),
        (answers(400), "fail"),
        (answers(503, 503), "fail"),
        (answers(200, 200), "fail"),
        (answers(None, None), "fail"),
    ],
)
def test_the_door_takes_the_right_signature_alone(found: Answers | None, verdict: str) -> None:
    assert own_door.judge_webhook(found).verdict == verdict


def test_what_runs_must_be_what_is_configured() -> None:
    health = {"version": "1", "mode": "dry_run", "environment": "demo"}
    running = own_door.Answers(health=health, right=200, wrong=400)
    assert own_door.judge_service(running, config(), "1").verdict == "pass"
    other = own_door.judge_service(running, config(), "2")
    assert (other.verdict, other.found) == ("warn", "runs with version 1")


@pytest.mark.parametrize(
    ("host", "base"),
    [("0.0.0.0", "http://127.0.0.1:4000"), ("::", "http://[::1]:4000"), ("10.0.0.5", "http://10.0.0.5:4000")],  # noqa: S104
)
def test_the_own_door_is_found_wherever_it_listens(host: str, base: str) -> None:
    assert own_door.base_of(config(HEDGE_SERVICE__HOST=host)) == base
    assert own_door.base_of(config(HEDGE_SERVICE__PORT="0")) is None


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        (NoAdvice.DISABLED, "pass"),
        (NoAdvice.NO_KEY, "warn"),
        (NoAdvice.TIMEOUT, "warn"),
        (NoAdvice.WRONG_SHAPE, "warn"),
        (NoAdvice.REJECTED, "fail"),
    ],
)
def test_a_model_that_does_not_answer_stops_nothing(reason: NoAdvice, verdict: str) -> None:
    assert judge_model(NotAdvised(reason=reason), "m").verdict == verdict
