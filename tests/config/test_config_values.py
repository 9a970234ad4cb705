from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.config.addresses import is_loopback, is_within

if TYPE_CHECKING:
    from tests.config.conftest import Load, Refuse


def _toml(where: str, value: str) -> str:
    section, key = where.rsplit(".", 1)
    return f"[{section}]\n{key} = {value}\n"


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        ("kalshi.dry_run", '"false"', "'false' is not a boolean; allowed: exactly true or false"),
        ("kalshi.dry_run", "0", "0 is not a boolean"),
        ("openai.enabled", '"yes"', "is not a boolean"),
        ("service.port", "4000.0", "is not a whole number"),
        ("service.port", "true", "true is not a whole number"),
        ("service.port", "65536", "65536 is out of range; allowed: a whole number from 0 to 65535"),
        ("service.host", '""', "is not usable text; allowed: a host name or IP address"),
        ("service.host", "[]", "is not text"),
        ("service.public_url", '"localhost:4000"', "is not an http or https address"),
        ("service.public_url", '"http://localhost:4000/"', "ends in a slash"),
        ("pricing.payout_share", "0.9", "0.9 is a TOML number, which is not exact; put it in quotes"),
        ("pricing.payout_share", '"0.79"', '\'0.79\' is out of range; allowed: "0.80" to "0.95"'),
        ("pricing.payout_share", '"0.951"', "is out of range"),
        ("pricing.payout_share", '"NaN"', "is not a plain decimal number"),
        ("pricing.payout_share", '"9e-1"', "is not a plain decimal number"),
        ("limits.max_order_dollars", "100", "100 is a TOML number, which is not exact"),
        ("limits.max_order_dollars", "nan", "is a TOML number"),
        ("limits.max_order_dollars", '"1.005"', "is finer than a cent"),
        ("limits.max_order_dollars", '"-1"', "is not a plain decimal number"),
        ("limits.max_order_dollars", '"1_000"', "is not a plain decimal number"),
        ("limits.max_order_dollars", '"0"', "is out of range"),
        ("limits.max_stake_dollars", '"1000000"', "is out of range"),
        ("limits.max_legs", "13", "is out of range"),
        (
            "hedging.strategy",
            '"hope"',
            "'hope' is none of the choices; allowed: one of bands, delta, none, min_variance, cvar, rolling",
        ),
        ("pricing.minimum_edge", '"of"', "'of' is not a plain decimal number"),
        ("hedging.contract_step", '"0.015"', "is too fine"),
        ("hedging.delta_ratio", '"1.1"', "is out of range"),
        ("kalshi.environment", '"prod"', "allowed: one of sandbox, demo, production"),
        ("kalshi.rate_limit.tier", '"gold"', "is none of the choices; allowed: one of basic, advanced"),
        ("kalshi.rate_limit.source", "1", "is none of the choices"),
        ("kalshi.lease_s", "0.5", "0.5 is out of range; allowed: 1 to 60 seconds"),
        ("kalshi.order_timeout_s", "inf", "is out of range"),
        ("kalshi.order_timeout_s", "nan", "is out of range"),
        ("kalshi.order_timeout_s", '"10"', "'10' is not a number"),
        ("kalshi.subaccount", "64", "is out of range"),
        ("kalshi.account", '"a b"', "is not usable text"),
        ("stripe.currency", '"eur"', "'eur' is none of the choices; allowed: one of usd"),
        ("stripe.webhook_tolerance_s", "0", "is out of range"),
        ("pricing.payment_window_s", "1799", "1799 is out of range; allowed: 1800 to 86400 seconds"),
        ("pricing.payment_window_s", "86401", "is out of range"),
        ("database.url", '"postgresql+asyncpg://u:pw@h"', "names no database"),
        ("database.url", '"postgresql+asyncpg://u:pw@h/"', "names no database"),
        ("database.url", '"postgresql+asyncpg:///d"', "names no host"),
        ("database.url", '"postgresql+asyncpg://u:pw@h:port/d"', "is not a usable address"),
        ("database.url", '"postgresql+asyncpg://u:pw@h/d?options=-c"', "asks for more than host, port, ssl"),
        ("database.url", '"postgresql+psycopg://u:pw@h/d"', "or postgresql+asyncpg://USER@HOST/DATABASE"),
        ("database.url", '"mysql://u:pw@h/d"', "allowed: sqlite+aiosqlite:///PATH"),
        ("database.url", '"sqlite:///hedge.db"', "allowed: sqlite+aiosqlite:///PATH"),
        ("database.url", '"sqlite+aiosqlite:///:memory:"', "not one in memory"),
        ("database.url", '"sqlite+aiosqlite:///x?mode=memory"', "allowed: sqlite+aiosqlite:///PATH"),
        ("database.url", '"sqlite+aiosqlite://"', "allowed: sqlite+aiosqlite:///PATH"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(refuse: Refuse, where: str, value: str, told: str) -> None:
    problems = refuse(_toml(where, value))
    assert len(problems) == 1
    assert problems[0].startswith(f"{where}: ")
    assert told in problems[0]


@pytest.mark.parametrize("url", ["https://proxy.test/x/trade-api/v2", "http://127.0.0.1:9000/trade-api/v2"])
def test_an_exchange_address_with_the_prefix_is_taken(load: Load, url: str) -> None:
    assert load(_toml("kalshi.base_url", f'"{url}"')).kalshi.api_url == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://example.test/trade-api/v2", "is http to another machine"),
        ("http://127.0.0.1.example.test/trade-api/v2", "is http to another machine"),
        ("http://0.0.0.0/trade-api/v2", "is http to another machine"),
        ("ftp://127.0.0.1/trade-api/v2", "is not an http or https address"),
        ("https:///trade-api/v2", "is not an http or https address"),
        ("https://example.test", "does not end in /trade-api/v2"),
        ("https://example.test/v2", "does not end in /trade-api/v2"),
        ("https://example.test/trade-api/v2/", "ends in a slash"),
        ("https://example.test/trade-api/v2?x=1", "carries a query or a fragment"),
        ("https://example.test/trade-api/v2#", "carries a query or a fragment"),
        ("https://user:hunter2@example.test/trade-api/v2", "carries a user name or password"),
        ("https://example.test:99999/trade-api/v2", "is not a usable address"),
        ("https://example.test:hunter2/trade-api/v2", "is not a usable address"),
        ("https://example.test:/trade-api/v2", "carries no usable port"),
        ("https://[::1/trade-api/v2", "is not a usable address"),
        ("https://example.test/a/../trade-api/v2", "odd signs"),
        ("https://example.test/%61/trade-api/v2", "odd signs"),
        ("https://example.test//trade-api/v2", "odd signs"),
        ("https://exa mple.test/trade-api/v2", "is not a plain address"),
    ],
)
def test_an_exchange_address_that_could_mislead_is_refused(refuse: Refuse, url: str, told: str) -> None:
    (problem,) = refuse(_toml("kalshi.base_url", f'"{url}"'))
    assert told in problem
    assert "hunter2" not in problem


def test_stripes_address_has_no_path_and_the_models_ends_in_v1(load: Load, refuse: Refuse) -> None:
    assert load(_toml("stripe.api_base", '"http://localhost:12111"')).stripe.api_base
    assert load(_toml("openai.base_url", '"http://[::1]:12111/v1"')).openai.base_url
    assert "carries a path" in refuse(_toml("stripe.api_base", '"https://example.test/v1"'))[0]
    assert "ends in a slash" in refuse(_toml("stripe.api_base", '"https://example.test/"'))[0]
    assert "does not end in /v1" in refuse(_toml("openai.base_url", '"https://example.test"'))[0]


@pytest.mark.parametrize("text", ["True", "FALSE", "1", "yes", "", " true", "'true'"])
def test_a_boolean_variable_is_exactly_true_or_false(refuse: Refuse, text: str) -> None:
    (problem,) = refuse(env={"HEDGE_KALSHI__DRY_RUN": text})
    assert problem.startswith("kalshi.dry_run (from HEDGE_KALSHI__DRY_RUN): ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HEDGE_SERVICE__PORT", "4_000"),
        ("HEDGE_SERVICE__PORT", "0x10"),
        ("HEDGE_SERVICE__PORT", "9" * 5000),
        ("HEDGE_KALSHI__LEASE_S", "nan"),
        ("HEDGE_KALSHI__LEASE_S", "5s"),
        ("HEDGE_LIMITS__MAX_ORDER_DOLLARS", "$5"),
        ("HEDGE_LIMITS__MAX_ORDER_DOLLARS", ""),
    ],
)
def test_a_variable_that_is_no_number_is_refused(refuse: Refuse, name: str, text: str) -> None:
    (problem,) = refuse(env={name: text})
    assert f"(from {name})" in problem
    assert len(problem) < 200


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[kalsi]\n", "kalsi: unknown key; did you mean kalshi?"),
        ("[kalshi]\ndryrun = true\n", "kalshi.dryrun: unknown key; did you mean dry_run?"),
        (
            "[kalshi.rate_limit]\nburst = 1\n",
            "kalshi.rate_limit.burst: unknown key; allowed: source, tier, processes",
        ),
        ("kalshi = 1\n", "kalshi: is not a section; allowed: a table [kalshi]"),
        ("[kalshi]\nrate_limit = 1\n", "kalshi.rate_limit: is not a section; allowed: a table"),
    ],
)
def test_an_unknown_key_is_told_with_what_is_known(refuse: Refuse, toml: str, told: str) -> None:
    (problem,) = refuse(toml)
    assert problem.startswith(told)


@pytest.mark.parametrize(
    "toml",
    [
        '[stripe]\napi_key = "sk_live_verysecret123"\n',
        '[secrets]\nSTRIPE_API_KEY = "sk_live_verysecret123"\n',
        '[kalshi]\nenvironment = "sk_live_verysecret123"\n',
        '[service]\nport = "sk_live_verysecret123"\n',
        '[kalshi]\naccount = "sk_live_verysecret123 "\n',
        "sk_live_verysecret123\n",
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(refuse: Refuse, toml: str) -> None:
    (problem,) = refuse(toml)
    assert "verysecret" not in problem


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - a name to be judged, nothing is bound
        ("localhost.example.test", False),
        ("2130706433", False),
        (None, False),
    ],
)
def test_loopback_is_only_what_can_only_be_this_machine(host: str | None, *, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_host_is_within_a_domain_only_at_a_dot() -> None:
    assert is_within("kalshi.com", "kalshi.com")
    assert is_within("api.elections.kalshi.com.", "kalshi.com")
    assert not is_within("notkalshi.com", "kalshi.com")
    assert not is_within("demo-api.kalshi.co", "kalshi.com")


@pytest.mark.parametrize(
    "url",
    ["postgresql+asyncpg://u@db.test:5432/hedge?ssl=require", "postgresql+asyncpg://u@/hedge?host=/run/pg"],
)
def test_a_database_on_a_server_is_taken(load: Load, url: str) -> None:
    database = load(_toml("database.url", f'"{url}"')).database
    assert database.url == database.shown == url
    assert database.path is None


def test_the_password_of_a_database_is_a_secret_like_any_other(load: Load) -> None:
    config = load(_toml("database.url", '"postgresql+asyncpg://u:s%40fe-one@db.test/hedge"'))
    assert config.describe()["database"] == "postgresql+asyncpg://u@db.test/hedge"
    assert "s@fe-one" in config.secrets.values()
    assert "fe-one" not in repr(config)
