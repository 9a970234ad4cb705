"""Every request of a whole run, and every reply to it, held against the exchange's published description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.system.extension import BOS, BTC, HOT, SEA, WARM

if TYPE_CHECKING:
    from tests.sandbox.exchange_stage import KalshiSpec
    from tests.system.sandbox_stage import Exchanged
    from tests.system.stage import Stage

# What a run has to have asked for; else this test would prove little.
ASKED = {
    *("GET /account/limits", "GET /account/endpoint_costs", "GET /exchange/status"),
    *("GET /portfolio/orders", "GET /portfolio/positions", "GET /markets", "GET /events"),
    *("GET /exchange/user_data_timestamp", "GET /portfolio/fills", "POST /portfolio/events/orders"),
}


async def test_requests_and_replies_of_a_whole_run_fit_the_published_description(
    stage: Stage, kalshi_spec: KalshiSpec
) -> None:
    session = await stage.sold(SEA, BOS, WARM, BTC)
    await stage.sandbox.fault("reply_lost_after_accept", ticker=WARM)
    await stage.sandbox.fault("partial_fill", ticker=BOS, count="0")
    await stage.sandbox.pay(session)
    await stage.events.one("hedge.summarized", outcome="executed")
    stage.extension.saved.clear()
    second = await stage.sold(HOT, side="no")
    # It pauses as the order arrives: nothing that was read before can tell.
    await stage.sandbox.fault("pause", ticker=HOT)
    await stage.sandbox.pay(second)
    await stage.events.one("hedge.summarized", outcome="failed")
    await stage.extension.call("GET", "/api/kalshi/market/kxnosuch-26")

    seen = {_route(one) for one in stage.sandbox.wire}
    assert seen >= ASKED, ASKED - seen
    throttled = {_route(one) for one in stage.sandbox.wire if one.status == 429}
    assert throttled <= {"GET /portfolio/balance"}
    assert not any(route.endswith("/portfolio/orders") for route in seen if route.startswith("POST"))
    for one in stage.sandbox.wire:
        kalshi_spec.check_request(one.method, one.path, one.query, one.headers, one.body or None)
        # The description knows no 429, though the exchange gives it: here at most for the balance, whose
        # bucket holds one request.
        if one.status not in {None, 429}:
            kalshi_spec.check_response(one.method, one.path, one.status, one.reply_headers, one.reply)


def _route(one: Exchanged) -> str:
    path = one.path.removeprefix("/trade-api/v2")
    return f"{one.method} {'/events' if path.startswith('/events/') else path}"
