from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.config import Environment, Mode

if TYPE_CHECKING:
    from tests.config.conftest import Load, Refuse

PLACING = "[kalshi]\ndry_run = false\n"
PRODUCTION = '[kalshi]\nenvironment = "production"\n'


def test_the_defaults_place_nothing_and_need_no_secret(load: Load) -> None:
    assert load().mode is Mode.DRY_RUN


def test_placing_orders_needs_the_environments_own_keys(refuse: Refuse, keys: dict[str, str]) -> None:
    assert [line.split(";")[0] for line in refuse(PLACING)] == [
        "kalshi.dry_run: false needs KALSHI_DEMO_API_KEY",
        "kalshi.dry_run: false needs KALSHI_DEMO_PRIVATE_KEY or KALSHI_DEMO_PRIVATE_KEY_PATH",
    ]
    production = {name.replace("_DEMO", ""): value for name, value in keys.items()}
    assert len(refuse(PLACING, env=production)) == 2


def test_placing_orders_on_demo_needs_no_more(load: Load, keys: dict[str, str]) -> None:
    assert load(PLACING, env=keys).mode is Mode.LIVE


def test_placing_orders_on_production_needs_live_too(
    load: Load, refuse: Refuse, keys: dict[str, str]
) -> None:
    production = {name.replace("_DEMO", ""): value for name, value in keys.items()}
    toml = PRODUCTION + "dry_run = false\n"
    (problem,) = refuse(toml, env=production)
    assert "serve --live" in problem
    assert load(toml, env=production, live=True).mode is Mode.LIVE


def test_a_dry_run_on_production_needs_neither(load: Load) -> None:
    config = load(PRODUCTION)
    assert config.kalshi.api_url == "https://external-api.kalshi.com/trade-api/v2"


def test_the_demo_exchange_has_its_own_address(load: Load) -> None:
    assert load().kalshi.api_url == "https://external-api.demo.kalshi.co/trade-api/v2"


@pytest.mark.parametrize("url", ["", "https://example.test/trade-api/v2"])
def test_the_sandbox_is_on_loopback(refuse: Refuse, url: str) -> None:
    (problem,) = refuse(f'[kalshi]\nenvironment = "sandbox"\nbase_url = "{url}"\n')
    assert problem.startswith("kalshi.base_url: the sandbox environment needs the sandbox's own address")


def test_the_sandbox_takes_the_demo_keys(load: Load, keys: dict[str, str]) -> None:
    toml = (
        '[kalshi]\nenvironment = "sandbox"\nbase_url = "http://127.0.0.1:9/trade-api/v2"\ndry_run = false\n'
    )
    config = load(toml, env=keys)
    assert config.kalshi.environment is Environment.SANDBOX
    assert config.secrets.kalshi_api_key is not None


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ("demo", "external-api.kalshi.com"),
        ("demo", "api.elections.kalshi.com"),
        ("production", "external-api.demo.kalshi.co"),
        ("production", "DEMO-API.kalshi.co"),
    ],
)
def test_an_environment_never_talks_to_the_other_ones_exchange(
    refuse: Refuse, environment: str, host: str
) -> None:
    (problem,) = refuse(
        f'[kalshi]\nenvironment = "{environment}"\nbase_url = "https://{host}/trade-api/v2"\n'
    )
    assert problem.startswith("kalshi.base_url: is the ")


def test_a_quote_never_outlives_its_payment_window(refuse: Refuse) -> None:
    (problem,) = refuse("[pricing]\nquote_ttl_s = 1801\n")
    assert problem == ("pricing.quote_ttl_s: 1801 is longer than payment_window_s; allowed: at most 1800")


def test_the_listeners_have_ports_of_their_own(load: Load, refuse: Refuse) -> None:
    assert refuse("[ops]\nport = 4000\n")[0].startswith("ops.port: 4000 is service.port too")
    assert load("[ops]\nport = 0\n[service]\nport = 0\n").ops.port == 0


@pytest.mark.parametrize(
    ("key", "value", "larger"),
    [
        ("max_order_dollars", "200.01", "max_parlay_hedge_dollars"),
        ("max_parlay_hedge_dollars", "1000.01", "max_day_hedge_dollars"),
        ("max_stake_dollars", "1000.01", "max_payout_dollars"),
        ("max_payout_dollars", "5000.01", "max_open_payout_dollars"),
    ],
)
def test_a_cap_never_exceeds_the_cap_around_it(refuse: Refuse, key: str, value: str, larger: str) -> None:
    (problem,) = refuse(f'[limits]\n{key} = "{value}"\n')
    assert problem.startswith(f'limits.{key}: "{value}" is more than {larger}; allowed: at most "')


@pytest.mark.parametrize("environment", ["demo", "sandbox"])
def test_play_money_hedges_no_real_payment(refuse: Refuse, environment: str) -> None:
    env = {"STRIPE_API_KEY": "sk_live_abc", "HEDGE_KALSHI__BASE_URL": "http://127.0.0.1:9/trade-api/v2"}
    (problem,) = refuse(f'[kalshi]\nenvironment = "{environment}"\n', env=env)
    assert problem.startswith("STRIPE_API_KEY: is a live key")
    assert "abc" not in problem


def test_production_takes_no_play_money(load: Load, refuse: Refuse) -> None:
    (problem,) = refuse(PRODUCTION, env={"STRIPE_API_KEY": "rk_test_abc"})
    assert problem.startswith("STRIPE_API_KEY: is a test key")
    load(PRODUCTION, env={"STRIPE_API_KEY": "rk_live_abc"})
    load(PRODUCTION)


def test_a_short_token_for_the_figures_is_refused(load: Load, refuse: Refuse) -> None:
    (problem,) = refuse(env={"HEDGE_METRICS_TOKEN": "short"})
    assert problem == "HEDGE_METRICS_TOKEN: is too short; allowed: 16 signs or more"
    assert load(env={"HEDGE_METRICS_TOKEN": "a" * 16}).secrets.metrics_tokens[0].name == "metrics"
