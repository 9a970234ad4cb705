"""The figures of a whole service on the sandbox, as a scraper reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from hedge_service.sandbox.credentials import generate_credentials
from tests.system.extension import SEA, WARM
from tests.system.stage import open_stage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.stage import Stage

TOKEN = "scrapers-own-secret"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Scraped:
    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.names = {family.name for family in families}
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return self._samples[name, frozenset(labels.items())]


async def scrape(stage: Stage, **headers: str) -> tuple[int, str]:
    port = (await stage.events.one("service.started"))["ops_port"]
    async with stage.sandbox.http.get(f"http://127.0.0.1:{port}/metrics", headers=headers) as reply:
        return reply.status, await reply.text()


async def test_the_figures_tell_what_the_service_did_and_how_it_stands(tmp_path: Path) -> None:
    async with open_stage(tmp_path, generate_credentials(), {"KALSHI__QUIET_S": "0"}) as stage:
        parlay_id = await stage.bought(SEA, WARM)
        await stage.summary(parlay_id, outcome="executed")
        await stage.events.one("reconciliation.finished", result="agrees")
        status, text = await scrape(stage)
        assert status == 200, text
        seen = Scraped(text)
        lines = len(stage.events.named("order.accepted"))
        assert seen("hedge_events_total", event="order.accepted", level="info", outcome="filled") == lines
        assert (
            seen("hedge_requests_total", listener="public", method="POST", route="/api/quote", status="200")
            == 1
        )
        assert seen("hedge_request_seconds_count", listener="public", route="/api/webhook") >= 1
        assert seen("hedge_quote_decision_seconds_count", strategy="bands") == 1
        trip = {"method": "POST", "path": "/portfolio/events/orders", "outcome": "2xx"}
        assert seen("hedge_exchange_round_trip_seconds_count", **trip) == lines
        assert seen("hedge_limiter_wait_seconds_count", bucket="write") == lines
        assert seen("hedge_paid_to_hedged_seconds_count", outcome="executed") == 1
        assert seen("hedge_parlays", state="open") == 1
        assert seen("hedge_orders", state="unknown") == seen("hedge_halted") == seen("hedge_inbox") == 0
        assert seen("hedge_store_up") == seen("hedge_sends") == seen("hedge_lease_live") == 1
        assert seen("hedge_lease_reconciled") == seen("hedge_lease_epoch") == 1
        assert seen("hedge_limiter_capacity_tokens", bucket="write") > seen(
            "hedge_limiter_waiting", bucket="write"
        )
        assert seen("hedge_exposure_dollars", cap="open_payout") > 5
        assert seen("hedge_exposure_dollars", cap="market") > 0
        assert seen("hedge_exposure_cap_dollars", cap="market") == 5000
        assert seen("hedge_reconciliation_differences") == 0
        assert seen("hedge_reconciliation_last_success_timestamp_seconds") > 1.7e9
        # Ids of parlays, orders, users and sessions are no labels.
        assert parlay_id not in text
        assert "hs-" not in text
        # The same hedge is not timed twice.
        assert (
            Scraped((await scrape(stage))[1])("hedge_paid_to_hedged_seconds_count", outcome="executed") == 1
        )


async def test_without_a_token_only_this_machine_may_scrape(tmp_path: Path) -> None:
    async with open_stage(tmp_path, generate_credentials(), {}, ready=False) as stage:
        assert (await scrape(stage))[0] == 200
        for headers in (
            {"Host": "evil.example"},
            {"X-Forwarded-For": "203.0.113.9"},
            {"Forwarded": "for=203.0.113.9"},
        ):
            status, text = await scrape(stage, **headers)
            assert (status, "this machine alone" in text) == (403, True)
        # The operators' page stays closed without its own token, and nothing of it is on the public port.
        async with stage.sandbox.http.get(f"{stage.base}/metrics") as reply:
            assert reply.status == 404


async def test_with_a_token_nobody_scrapes_without_it(tmp_path: Path) -> None:
    async with open_stage(tmp_path, generate_credentials(), {"METRICS_TOKEN": TOKEN}, ready=False) as stage:
        assert (await scrape(stage))[0] == 401
        assert (await scrape(stage, Authorization="Bearer wrong"))[0] == 401
        assert (await scrape(stage, Authorization=f"Basic {TOKEN}"))[0] == 401
        # From another machine under a name of its own.
        status, text = await scrape(stage, Host="hedge.internal:4001", **BEARER)
        assert (status, "hedge_build_info" in text) == (200, True)
        assert TOKEN not in stage.events.text
