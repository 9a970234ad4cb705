"""Signatures are made after the limiter's wait: one made before it may be too old when it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.clock import millis
from tests.clients.exchange_stub import Reply
from tests.wire import kalshi_samples as samples

if TYPE_CHECKING:
    from tests.clients.exchange_stub import Stage


async def test_a_read_is_signed_when_its_turn_has_come(stage: Stage) -> None:
    stage.exchange.answers("GET", "/exchange/user_data_timestamp", Reply({"as_of_time": samples.AT}))
    before = millis(stage.clock.now())
    stage.client.limiter.read.throttled()
    await stage.client.user_data_timestamp()
    waited_ms = millis(stage.clock.now()) - before
    (request,) = stage.exchange.requests
    assert waited_ms > 0
    assert int(request.headers["KALSHI-ACCESS-TIMESTAMP"]) == before + waited_ms
