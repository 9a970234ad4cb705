"""`plan`: the published figures, live books, and one clear line for what makes no sense."""

from __future__ import annotations

import asyncio
import json
import os
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from hedge_service.cli import main
from hedge_service.sandbox.exchange import Exchange, exchange_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from click.testing import Result

CLASSIC = ("--stake", "5", "--leg", "KXA-B-C:0.43", "--leg", "KXD-E-F:0.52", "--leg", "KXG-H-I:no:0.65")
LARGE = (
    *("--stake", "100", "--payout-share", "0.825", "--no-costs", "--lots", "0.01"),
    *("--leg", "KXA-B-C:0.60", "--leg", "KXD-E-F:0.55", "--leg", "KXG-H-I:0.50"),
)
SEA, LA = "KXNFLGAME-26NOV29SEALA-SEA", "KXNFLGAME-26NOV29SEALA-LA"
BOS = "KXNBAGAME-26NOV29BOSNYK-BOS"
MIA = "KXNFLGAME-26NOV29MIABUF-MIA"


@pytest.fixture(autouse=True)
def _nobodys_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("HEDGE_", "KALSHI_", "STRIPE_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
async def exchange() -> AsyncIterator[dict[str, str]]:
    """Serve a sandbox exchange at the real time; give the environment that points at it."""
    held = Exchange(clock=time.time, monotonic=time.monotonic, seed=7)
    app = web.Application()
    app.add_routes(exchange_routes(held))
    async with TestServer(app) as server:
        address = str(server.make_url("/trade-api/v2"))
        yield {"HEDGE_KALSHI__ENVIRONMENT": "sandbox", "HEDGE_KALSHI__BASE_URL": address}
        held.close()


def run(*words: str, environ: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["plan", *words], env=environ)


def planned(*words: str) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    body: dict[str, Any] = json.loads(done.output)
    return body


def plan_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    plan: dict[str, Any] = next(plan for plan in body["plans"] if plan["strategy"] == name)
    return plan


def rounded(text: str, places: str) -> str:
    return str(Decimal(text).quantize(Decimal(places)))


def test_the_classic_parlay_comes_out_with_its_published_price_and_hedge() -> None:
    body = planned(*CLASSIC)
    assert (body["payout"], body["q"], body["payment_fee"]) == ("30.96", "0.14534", "0.45")
    assert plan_of(body, "bands")["contracts"] == ["0.00", "1.00", "3.00"]


def test_the_classic_parlay_without_costs() -> None:
    body = planned(*CLASSIC, "--no-costs", "--lots", "0.01", "--ratio", "1", "--states")
    none, bands, delta = (plan_of(body, name) for name in ("none", "bands", "delta"))
    assert (rounded(none["ev"], "0.01"), none["edge"], rounded(none["sd"], "0.01")) == (
        "0.50",
        "0.1001",
        "10.91",
    )
    assert (rounded(bands["ev"], "0.01"), rounded(bands["sd"], "0.01")) == ("0.50", "10.29")
    assert (delta["contracts"], rounded(delta["sd"], "0.01")) == (["10.46", "8.65", "6.92"], "7.91")
    all_hit = next(state for state in body["states"] if all(state["hits"]))
    assert rounded(all_hit["results"]["bands"], "0.01") == "-24.19"
    assert all_hit["probability"] == "0.14534"


def test_the_classic_parlay_with_all_costs() -> None:
    """Whole contracts, a cent of slippage, a non-direct account's fees, Stripe before rounding."""
    bands = plan_of(
        planned(*CLASSIC, "--slippage", "0.01", "--fcm", "--payment-fee", "0.445", "--strategy", "bands"),
        "bands",
    )
    assert (bands["outlay"], bands["fees"], bands["worst"]) == ("2.51", "0.07", "-24.985000")
    assert (rounded(bands["ev"], "0.001"), rounded(bands["sd"], "0.01")) == ("-0.055", "10.37")


def test_rolling_at_prices_that_hold_ends_alike_in_every_state() -> None:
    body = planned(*LARGE, "--strategy", "rolling", "--states")
    assert body["payout"] == "500.00"
    rolling = plan_of(body, "rolling")
    assert rolling["contracts"] == ["137.50", "250.00", "500.00"]
    assert (rolling["outlay"], rolling["sd"]) == ("82.50", "0.00")
    assert {state["results"]["rolling"] for state in body["states"]} == {"17.50"}
    assert len(body["states"]) == 8


def test_a_correlation_lowers_the_payout_and_a_negative_one_is_only_evaluated() -> None:
    pair = ("--stake", "100", "--payout-share", "0.825", "--no-costs", "--leg", "KXA-B-C:0.6")
    legs = (*pair, "--leg", "KXA-B-D:0.55", "--leg", "KXG-H-I:0.5", "--strategy", "none")
    assert rounded(planned(*legs, "--rho", "0.3")["q"], "0.0001") == "0.1884"
    negative = planned(*legs, "--rho", "-0.3")
    assert (negative["q"], negative["payout"]) == ("0.165", "500.00")
    assert rounded(plan_of(negative, "none")["ev"], "0.01") == "29.07"


def test_people_get_tables_of_a_hundred_columns() -> None:
    done = run(*LARGE, "--states")
    assert done.exit_code == 0
    assert max(map(len, done.output.splitlines())) <= 100
    for words in ("min_variance", "137.5 150", "-195.00", "17.500", "Every way the legs can end"):
        assert words in done.output


def test_legs_of_one_event_are_not_rolled_and_the_reason_is_told() -> None:
    legs = ("--leg", "KXA-B-C:0.4", "--leg", "KXA-B-D:0.5")
    assert "rolling is not offered: ends too close (leg 1 and 2)" in run("--stake", "5", *legs).output


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--stake", "5"), "give 1 to 12 legs with --leg, not 0"),
        (("--stake", "0", "--leg", "A-1:0.5"), "the stake is above $0"),
        (("--stake", "5.001", "--leg", "A-1:0.5"), "in whole cents"),
        (("--stake", "1e9", "--leg", "A-1:0.5"), "at most $999999.99"),
        (("--stake", "5", "--leg", "A-1:43"), "its price lies between 0 and 1 dollar"),
        (("--stake", "5", "--leg", "A-1:1"), "its price lies between 0 and 1 dollar"),
        (("--stake", "5", "--leg", "A-1:maybe:0.4"), "its side is yes or no"),
        (("--stake", "5", "--leg", "A,B:0.4"), "write TICKER"),
        (("--stake", "5", "--leg", "A-1:no:0.4:1"), "write TICKER"),
        (("--stake", "5", "--leg", "A-1:0.4", "--leg", "B-1"), "give every leg a price"),
        (("--stake", "5", "--leg", "A-1:0.4", "--leg", "A-1:0.4"), "legs 1 and 2: same market twice"),
        (("--stake", "5", "--leg", "A-1:0.4", "--rho", "0.3"), "no two legs are of one"),
        (("--stake", "5", "--leg", "A-1:.4", "--leg", "A-2:.5", "--rho", "2"), "--rho lies between"),
        (("--stake", "5", "--leg", "A-1:0.4", "--lots", "0.015"), "--lots is a multiple of 0.01"),
        (("--stake", "5", "--leg", "A-1:0.4", "--ratio", "2"), "--ratio lies between"),
        (("--stake", "5", "--leg", "A-1:0.4", "--payout-share", "1.5"), "--payout-share lies between"),
        (("--stake", "5", "--leg", "A-1:0.4", "--no-costs", "--slippage", "0.01"), "give either"),
        (("--stake", "5", "--leg", "A-1:0.4", "--no-costs", "--payment-fee", "1"), "give either"),
        (("--stake", "5", "--leg", "A-1", "--no-costs"), "go with given prices"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line_and_where_it_is_explained(
    words: tuple[str, ...], line: str
) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.splitlines()[1].startswith("hedge-service: see docs/errors.md#")


def test_legs_that_exclude_each_other_are_explained_by_their_own_code() -> None:
    done = run("--stake", "5", "--leg", "A-1:0.4", "--leg", "A-1:no:0.4")
    assert done.stderr.endswith("see docs/errors.md#both_sides_of_a_market\n")


def test_prices_are_enough_where_the_configuration_would_send_real_orders(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[kalshi]\nenvironment = "production"\ndry_run = false\n')
    done = run(*CLASSIC, "--json")
    assert (done.exit_code, done.stderr) == (0, "")


async def test_tickers_alone_are_planned_on_live_books_without_a_key(exchange: dict[str, str]) -> None:
    legs = ("--leg", SEA, "--leg", f"{BOS}:no", "--stake", "100", "--json")
    done = await asyncio.to_thread(run, *legs, environ=exchange)
    assert done.exit_code == 0, done.output
    body = json.loads(done.output)
    assert [(leg["side"], leg["ask"]) for leg in body["legs"]] == [("yes", "0.4300"), ("no", "0.5000")]
    # 200 contracts are wanted; the book has 150 at 43 cents, and 44 cents behind
    wanted = plan_of(body, "min_variance")
    assert Decimal(wanted["contracts"][0]) > 150
    asks = [Decimal(leg["ask"]) for leg in body["legs"]]
    at_asks = sum(ask * Decimal(n) for ask, n in zip(asks, wanted["contracts"], strict=True))
    assert Decimal(wanted["outlay"]) > at_asks


@pytest.mark.parametrize(
    ("legs", "code", "line"),
    [
        (("KXNOPE-1",), 2, "the exchange knows no market KXNOPE-1"),
        ((SEA, LA), 2, "legs 1 and 2: mutually exclusive"),
        ((MIA,), 1, f"{MIA}: nobody offers yes"),
    ],
)
async def test_what_the_exchange_does_not_offer_is_told(
    exchange: dict[str, str], legs: tuple[str, ...], code: int, line: str
) -> None:
    words = [word for leg in legs for word in ("--leg", leg)]
    done = await asyncio.to_thread(run, "--stake", "5", *words, environ=exchange)
    assert done.exit_code == code
    assert line in done.stderr


def test_an_exchange_that_is_away_ends_with_one() -> None:
    environ = {
        "HEDGE_KALSHI__ENVIRONMENT": "sandbox",
        "HEDGE_KALSHI__BASE_URL": "http://127.0.0.1:9/trade-api/v2",
    }
    done = run("--stake", "5", "--leg", SEA, environ=environ)
    assert done.exit_code == 1
    assert done.stderr.startswith("hedge-service: ")
